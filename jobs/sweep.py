"""Rules that no estimate decides: what the clock, silent sources, channels and edits change.

    deadline    it is near                   unhealthy   no good estimate for too long
    stale       a unit's reports stopped     channel     it fails, or is switched off

And episodes of rules that nobody watches by any more are closed. Nothing is sent here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.decide import Reason, close, decide
from alerts.readings import (
    Reading,
    read_channel,
    read_deadline,
    read_estimate,
    read_overdue,
    read_unit,
)
from forecast.alert import Notice, Rule, RuleKind, RuleState, State, Transition
from forecast.alert_tables import ON_QUESTIONS
from forecast.errors import ConflictError
from forecast.estimate import Estimate
from forecast.question import Question
from forecast.store import StateChange
from jobs.app import App
from jobs.decisions import TRIES, States, states_of
from jobs.notices import notices_about, notices_on

REMOVED = "The rule does not watch this any more."


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
    states, swept = states_of(app), Swept()
    for rule, reading, question, last in _on_questions(app, now):
        before = states.get((rule.rule_id, question.question_id))
        change = _decide(swept, before, rule, reading, now)
        if change is not None:
            swept.notices += notices_about(app, question, rule, change, last, None)
    for rule, reading, what, title in [*_on_units(app, now), *_on_channels(app, now)]:
        before = states.get((rule.rule_id, reading.subject))
        change = _decide(swept, before, rule, reading, now)
        if change is not None:
            swept.notices += notices_on(app, rule, change, what, title)
    _close_orphans(app, states, swept, now)
    return swept


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


def _on_questions(
    app: App, now: datetime
) -> Iterator[tuple[Rule, Reading, Question, Estimate | None]]:
    kinds = (RuleKind.DEADLINE, RuleKind.UNHEALTHY)
    if not any(t.kind in kinds and (t.within or t.after) for t in app.config.rules):
        return
    latest = app.store.latest_estimates()
    for question in app.store.questions():
        if question.deadline <= now or app.store.resolution(question.question_id, now):
            continue
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


def _on_units(app: App, now: datetime) -> Iterator[tuple[Rule, Reading, str, str]]:
    if not any(table.kind is RuleKind.STALE for table in app.config.rules):
        return
    newest = app.store.newest_reports(now)
    for unit in sorted({q.unit for q in app.store.questions() if q.deadline > now}):
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


def _close_orphans(app: App, states: States, swept: Swept, now: datetime) -> None:
    """Close what was open of rules that are gone, or that watch something else by now."""
    questions: dict[str, Question] | None = None
    for state in states.values():
        if state.state is State.OK:
            continue
        if questions is None:
            questions = {q.question_id: q for q in app.store.questions()}
        question = questions.get(state.subject)
        if _is_watched(app, state, question):
            continue
        last = app.store.latest_estimate(state.subject) if question else None
        p = last.probability if last else None
        after, transition = close(state, Reason.RULE_REMOVED, REMOVED, p, now)
        swept.states.append((state, after))
        if transition is not None:
            swept.transitions.append(transition)
            rule = Rule(state.rule_id)
            swept.notices += (
                notices_about(app, question, rule, transition, last, None)
                if question
                else notices_on(app, rule, transition, _what(app, state.subject), state.subject)
            )


def _what(app: App, subject: str) -> str:
    return "channel" if subject in {table.id for table in app.config.channels} else "unit"


def _is_watched(app: App, state: RuleState, question: Question | None) -> bool:
    if question and any(r.rule_id == state.rule_id for r in app.config.rules_for(question)):
        return True
    kinds = frozenset(RuleKind) - ON_QUESTIONS
    return any(
        rule.rule_id == state.rule_id
        for kind in kinds
        for rule in app.config.rules_of(kind, state.subject)
    )
