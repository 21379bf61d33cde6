"""From the store to what a digest tells: all questions at a glance, and the first few in full.

Of ten thousand questions one estimate or two are read; only those that are told one by one are
read with what moved them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.alert import RuleKind
from forecast.alert_tables import alert_rules
from forecast.digest_table import Digest
from forecast.estimate import Estimate, Health
from forecast.evidence import Report
from forecast.names import matches
from forecast.question import Question
from forecast.reports.digest import DigestReport, Ended, Silent
from forecast.reports.phrases import points
from forecast.reports.view import QuestionReport, build_view
from forecast.reports.watch import (
    LARGE_MOVE,
    Attention,
    WatchReport,
    WatchRow,
    attention_of,
    urgency,
)
from forecast.store.overview import Glance, News
from jobs.app import App
from jobs.reporting import half_lives

MOST_ESTIMATES = 2_000  # of one question in the time of a digest; the older of more count as one
MOST_ENDED = MOST_SILENT = 20
_INSTANT = timedelta(microseconds=1)
_ON_OTHERS = {
    RuleKind.STALE: "unit",
    RuleKind.SOURCE: "source",
    RuleKind.CHANNEL: "channel",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """One question at a glance: why it stands where it does, and how far it moved since."""

    glance: Glance
    attention: Attention
    moved: int | None

    @property
    def urgency(self) -> tuple[int, float, float, str]:
        """By what needs attention."""
        return urgency(self.attention, self.moved, self.glance.question)


def digest_report(app: App, digest: Digest, since: datetime, now: datetime) -> DigestReport:
    """What a digest tells at `now` of the time since another moment."""
    news = app.store.overview.news()
    glances = [one for one in news.glances if digest.takes(one.question)]
    lines = _lines(app, glances, news, since, now)
    gone = [g for g in glances if g.ended_at is not None and since < g.ended_at <= now]
    gone.sort(key=lambda g: (g.ended_at, g.question.question_id), reverse=True)
    silent = _silent(app, digest, news)
    return DigestReport(
        digest_id=digest.id,
        why=digest.why,
        since=since,
        watch=WatchReport(app.config.watch.title, now, _rows(app, lines[: digest.top], since, now)),
        counts=Counter(line.attention for line in lines),
        moved_count=sum(abs(line.moved or 0) >= LARGE_MOVE for line in lines),
        ended=tuple(_ended(glance) for glance in gone[:MOST_ENDED]),
        ended_count=len(gone),
        silent=tuple(silent[:MOST_SILENT]),
        silent_count=len(silent),
    )


def _lines(
    app: App, glances: Iterable[Glance], news: News, since: datetime, now: datetime
) -> list[_Line]:
    """The questions that have not ended, what needs attention first."""
    running = [one for one in glances if one.outcome is None and one.question.opens_at <= now]
    before = app.store.overview.points((g.question.question_id for g in running), [since])
    lines = []
    for glance in running:
        name, newest = glance.question.question_id, glance.newest
        stood = before.get(name)
        start = stood[-1].probability if stood else glance.week_ago
        is_told = newest is not None and start is not None
        moved = points(start, newest.probability) if is_told else None  # type: ignore[arg-type, union-attr]
        attention = attention_of(
            is_resolved=False,
            is_firing=bool(news.alarmed.get(name)),
            is_held=newest is not None and newest.health is not Health.HEALTHY,
            moved=moved,
            deadline=glance.question.deadline,
            now=now,
        )
        lines.append(_Line(glance, attention, moved))
    return sorted(lines, key=lambda line: line.urgency)


def _rows(app: App, lines: Sequence[_Line], since: datetime, now: datetime) -> tuple[WatchRow, ...]:
    """The views of some questions; the reports at a unit are read once."""
    heard: dict[str, list[Report]] = {}
    for line in lines:
        unit = line.glance.question.unit
        if line.moved and unit not in heard:
            heard[unit] = app.store.reports(unit, now)
    return tuple(
        WatchRow(
            _view(app, line.glance.question, heard.get(line.glance.question.unit, []), since, now),
            line.attention,
            line.moved,
        )
        for line in lines
    )


def _view(
    app: App, question: Question, heard: Sequence[Report], since: datetime, now: datetime
) -> QuestionReport:
    history = _history(app, question.question_id, since, now)
    return build_view(
        question, history, now=now, reports=heard, half_lives=half_lives(app.config), since=since
    )


def _history(app: App, question_id: str, since: datetime, now: datetime) -> list[Estimate]:
    """The estimate that stood at `since`, if one did, and those after it, oldest first."""
    pages, until = app.store.pages, now + _INSTANT
    found, more = pages.estimates(question_id, MOST_ESTIMATES, since=since + _INSTANT, until=until)
    stood, _ = pages.estimates(question_id, 1, until=since + _INSTANT)
    if more and not stood:  # the question is younger: from its first
        stood = app.store.estimates(question_id, until=found[-1].as_of)[:1]
    return [*stood, *reversed(found)]


def _ended(glance: Glance) -> Ended:
    assert glance.outcome is not None
    assert glance.ended_at is not None
    last = glance.newest.probability if glance.newest else None
    return Ended(glance.question, glance.outcome.value, glance.ended_at, last)


def _silent(app: App, digest: Digest, news: News) -> list[Silent]:
    """What is not a question and of which a rule fires, by kind and name."""
    kinds = {
        table.id: _ON_OTHERS[table.kind]
        for table in alert_rules(app.config.rules)
        if table.kind in _ON_OTHERS
    }
    found = {}
    for subject, rules in news.alarmed.items():
        for rule in [state.rule_id for state in rules]:
            kind = kinds.get(rule, "")
            if kind and (kind != "unit" or matches(subject, digest.units)):
                found[kind, subject] = rule
    return [_told(app, kind, name, rule) for (kind, name), rule in sorted(found.items())]


def _told(app: App, kind: str, name: str, rule: str) -> Silent:
    said = app.store.alerts.transitions(subject=name, rule_id=rule)
    unit = app.config.units.get(name) if kind == "unit" else None
    return Silent(kind, name, unit.title if unit else name, said[-1].detail if said else "")
