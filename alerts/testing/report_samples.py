"""Facts of reports, nasty ones too: what a digest tells."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from alerts.digests import report_facts
from alerts.facts import Facts
from alerts.testing.samples import DAY, NASTY, NOW
from forecast.estimate import (
    QUANTILE_LEVELS,
    Contribution,
    Estimate,
    Health,
    Interval,
    Move,
    log_hazard,
)
from forecast.question import Question
from forecast.reports.digest import DigestReport, Ended, Silent
from forecast.reports.view import build_view
from forecast.reports.watch import Attention, WatchReport, WatchRow

_SITE = "https://tocsin.example"
_TITLE = "Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
_QUESTION = Question("us-strike", _TITLE, "usa-ven", "strike", NOW - 30 * DAY, NOW + 38 * DAY)
ESTIMATE = Estimate(
    "us-strike",
    NOW - 8 * DAY,
    0.38,
    Interval(0.27, 0.49),
    0.002,
    Health.HEALTHY,
    "hazard",
    "0123456789abcdef",
    "T1",
    "ab" * 32,
    contributions=(Contribution("carrier", 1.9, 1.2, 3.0, ("i1",)),),
    quantiles=tuple(0.2 + 0.3 * level for level in QUANTILE_LEVELS),
)


def sample_reports() -> dict[str, Facts]:
    """Reports by what is special about them."""
    return {
        "report": _facts(_report()),
        "quiet_report": _facts(_report(rows=(), ended=(), silent=(), why="")),
        "nasty_report": _facts(_nasty()),
    }


def _facts(report: DigestReport) -> Facts:
    return report_facts(report, f"{_SITE}/", lambda name: f"{_SITE}/questions/{quote(name)}")


def _report(**more: object) -> DigestReport:
    firing = _row(_QUESTION, 0.52, Attention.FIRING)
    embargo = Question(
        "embargo", "Any embargo by March?", "usa-ven", "embargo", NOW, NOW + 99 * DAY
    )
    held = _row(embargo, 0.07, Attention.HELD)
    rows = more.pop("rows", (firing, held))
    report = DigestReport(
        digest_id="weekly",
        why="What the desk reads on Mondays.",
        since=NOW - 7 * DAY,
        watch=WatchReport("Caribbean desk", NOW, rows),  # type: ignore[arg-type]
        counts={Attention.FIRING: 1, Attention.HELD: 1, Attention.CALM: 38} if rows else {},
        moved_count=2,
        ended=(Ended(replace(embargo, title="Any ceasefire by June?"), "no", NOW - DAY, 0.03),),
        ended_count=1,
        silent=(Silent("source", "acled", "acled", "The source acled has failed since 08:40."),),
        silent_count=1,
    )
    if not rows:
        more |= {"moved_count": 0, "ended_count": 0, "silent_count": 0}
    return replace(report, **more)  # type: ignore[arg-type]


def _row(question: Question, p: float, attention: Attention) -> WatchRow:
    name = question.question_id
    health = Health.HELD if attention is Attention.HELD else Health.HEALTHY
    before = replace(ESTIMATE, question_id=name)
    after = replace(
        before,
        as_of=NOW - timedelta(minutes=1),
        probability=p,
        interval=Interval(p * 0.7, min(p * 1.3, 1.0)),
        health=health,
        moved=Move(0.38, p, evidence=log_hazard(p) - log_hazard(0.38)),
    )
    report = build_view(question, [before, after], now=NOW, since=NOW - 7 * DAY)
    return WatchRow(report, attention, round(100 * p) - 38)


def _nasty() -> DigestReport:
    """Titles that would ring everybody's phone, and far more than any message holds."""
    questions = [
        replace(_QUESTION, question_id=f"q-{n}-{NASTY[-80:]}", title=NASTY) for n in range(50)
    ]
    rows = tuple(_row(question, 0.52, Attention.MOVED) for question in questions)
    silent = tuple(Silent("unit", f"unit-{n}", NASTY, NASTY) for n in range(20))
    report = _report(rows=rows, why=NASTY, silent=silent, silent_count=2000)
    return replace(report, counts={Attention.MOVED: 9000}, moved_count=9000)
