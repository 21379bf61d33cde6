"""Rules that no estimate decides: what the clock, silent sources, channels and edits change.

    deadline    it is near                   unhealthy   no good estimate for too long
    stale       a unit's reports stopped     channel     it fails, or is switched off
    source      it is silent, or fails

And episodes that nothing keeps open any more are closed (`jobs.ends`). Nothing is sent here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.decide import await_outcome, decide
from alerts.readings import (
    Reading,
    read_channel,
    read_deadline,
    read_estimate,
    read_overdue,
    read_source,
    read_unit,
)
from forecast.alert import Notice, Rule, RuleKind, RuleState, Transition
from forecast.alert_tables import RuleTable, alert_rules
from forecast.errors import ConflictError
from forecast.estimate import Estimate
from forecast.question import Question
from forecast.store import StateChange
from jobs.app import App
from jobs.decisions import TRIES, States
from jobs.ends import ends
from jobs.notices import notices_about, notices_on
from jobs.sources.standing import expected_gap

# Decided on estimates alone.
ON_ESTIMATES = (RuleKind.THRESHOLD, RuleKind.CERTAINTY, RuleKind.CHANGE, RuleKind.LOSS)


@dataclass(slots=True)
class Swept:
    """What a sweep changed: states to store, transitions and who is to be told of them."""

    states: list[StateChange] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def sweep(app: App, now: datetime) -> Swept:
    """Decide the rules that the clock decides, and record it in one transaction."""
    for tries_left in reversed(range(TRIES)):
        swept = _decide_all(app, now)
        if not swept.states:
            return swept
        try:
            app.store.record(
                states=swept.states,
                transitions=swept.transitions,
                to_tell=swept.notices,
                recorded_at=now,
            )
        except ConflictError:
            if not tries_left:
                raise
        else:
            return swept
    raise AssertionError("unreachable")


def _decide_all(app: App, now: datetime) -> Swept:
    states, swept = _states(app), Swept()
    questions = _open_questions(app, now)
    for rule, reading, question, last in _on_questions(app, questions, now):
        before = states.get((rule.rule_id, question.question_id))
        change = _decide(swept, before, rule, reading, now)
        if change is not None:
            swept.notices += notices_about(app, question, rule, change, last, None)
    _await_outcomes(app, questions, states, swept, now)
    others = [*_on_units(app, questions, now), *_on_channels(app, now), *_on_sources(app, now)]
    for rule, reading, what, title in others:
        before = states.get((rule.rule_id, reading.subject))
        change = _decide(swept, before, rule, reading, now)
        if change is not None:
            swept.notices += notices_on(app, rule, change, what, title)
    for ended in ends(app, states, now):
        swept.states.append((ended.before, ended.after))
        if ended.transition is not None:
            swept.transitions.append(ended.transition)
            swept.notices += ended.notices
    return swept


def _states(app: App) -> States:
    """What the clock may decide or end: not the many that stand at OK until an estimate comes."""
    timed = [table.id for table in alert_rules(app.config.rules) if _is_timed(table)]
    return {(s.rule_id, s.subject): s for s in app.store.alerts.states_for_clock(timed)}


def _is_timed(table: RuleTable) -> bool:
    if table.kind is RuleKind.UNHEALTHY:
        return table.after is not None
    return table.kind not in ON_ESTIMATES


def _decide(
    swept: Swept, before: RuleState | None, rule: Rule, reading: Reading, now: datetime
) -> Transition | None:
    after, transition = decide(rule, before, reading, now)
    if transition is not None:
        swept.transitions.append(transition)
    if transition is not None or _says_more(before, after):
        swept.states.append((before, after))
    return transition


def _says_more(before: RuleState | None, after: RuleState) -> bool:
    """Whether a state is worth a row: that the clock was looked at again is not."""
    known = before or RuleState(after.rule_id, after.subject)
    aside = {name: getattr(known, name) for name in ("evaluated_as_of", "baseline")}
    if before is None:
        aside["definition_digest"] = known.definition_digest
    return replace(after, **aside) != known


def _open_questions(app: App, now: datetime) -> list[Question]:
    """Those that may still happen, where any rule asks for them."""
    kinds = (RuleKind.DEADLINE, RuleKind.UNHEALTHY, RuleKind.STALE, RuleKind.RESOLVED)
    if not any(table.kind in kinds for table in app.config.rules):
        return []
    running = [q for q in app.store.questions() if q.deadline > now]
    ended = app.store.resolved([q.question_id for q in running], now)
    return [q for q in running if q.question_id not in ended]


def _await_outcomes(
    app: App, questions: Sequence[Question], states: States, swept: Swept, now: datetime
) -> None:
    """Have rules of kind resolved pend on all that is open, though it has no estimate."""
    if not any(table.kind is RuleKind.RESOLVED for table in app.config.rules):
        return
    for question in questions:
        for rule in app.config.rules_for(question):
            before = states.get((rule.rule_id, question.question_id))
            if rule.kind is not RuleKind.RESOLVED:
                continue
            after, transition = await_outcome(rule, before, question.question_id, now)
            if after == before:
                continue
            swept.states.append((before, after))
            if transition is not None:
                swept.transitions.append(transition)
                swept.notices += notices_about(app, question, rule, transition, None, None)


def _on_questions(
    app: App, questions: Sequence[Question], now: datetime
) -> Iterator[tuple[Rule, Reading, Question, Estimate | None]]:
    kinds = (RuleKind.DEADLINE, RuleKind.UNHEALTHY)
    if not any(t.kind in kinds and (t.within or t.after) for t in app.config.rules):
        return
    latest = app.store.latest_estimates()
    for question in questions:
        last = latest.get(question.question_id)
        for rule in app.config.rules_for(question):
            if rule.kind is RuleKind.DEADLINE:
                yield rule, read_deadline(rule, question, last, now), question, last
            elif rule.after and (reading := _health(rule, question, last, now)):
                yield rule, reading, question, last


def _health(rule: Rule, question: Question, last: Estimate | None, now: datetime) -> Reading | None:
    """Whether the newest estimate is overdue, or else not to be relied on."""
    overdue = read_overdue(rule, question, last, now)
    if overdue or last is None:
        return overdue
    return read_estimate(rule, replace(last, as_of=now))


def _on_units(
    app: App, questions: Sequence[Question], now: datetime
) -> Iterator[tuple[Rule, Reading, str, str]]:
    if not any(table.kind is RuleKind.STALE for table in app.config.rules):
        return
    newest = app.store.newest_reports(now)
    for unit in sorted({question.unit for question in questions}):
        for rule in app.config.rules_of(RuleKind.STALE, unit):
            if reading := read_unit(rule, unit, newest.get(unit), now):
                table = app.config.units.get(unit)
                yield rule, reading, "unit", table.title if table else unit


def _on_channels(app: App, now: datetime) -> Iterator[tuple[Rule, Reading, str, str]]:
    known = {table.id for table in app.config.channels}
    for channel, state in app.store.alerts.channel_states().items():
        if channel in known:
            for rule in app.config.rules_of(RuleKind.CHANNEL, channel):
                yield rule, read_channel(rule, state, now), "channel", channel


def _on_sources(app: App, now: datetime) -> Iterator[tuple[Rule, Reading, str, str]]:
    if not app.config.sources:
        return
    states = app.store.sources.states()
    for table in app.config.sources:
        if state := states.get(table.id):
            for rule in app.config.rules_of(RuleKind.SOURCE, table.id):
                reading = read_source(rule, state, expected_gap(table), now)
                yield rule, reading, "source", table.id
