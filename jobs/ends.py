"""Episodes that nothing keeps open any more: their rule is gone, or what it watched is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from alerts.decide import Reason, close, close_question
from forecast.alert import ALARMED, Notice, Rule, RuleKind, RuleState, State, Transition
from forecast.alert_tables import ON_QUESTIONS, alert_rules
from forecast.question import Question
from forecast.words import parse_days
from jobs.app import App
from jobs.decisions import States
from jobs.notices import notices_about, notices_on

REMOVED = "The rule does not watch this any more."


@dataclass(frozen=True, slots=True)
class End:
    """A state that is closed, and who is to be told of it."""

    before: RuleState
    after: RuleState
    transition: Transition | None
    notices: list[Notice]


def ends(app: App, states: States, now: datetime) -> Iterator[End]:
    """What is to be closed now of all that is open."""
    still_open = [state for state in states.values() if state.state is not State.OK]
    if not still_open:
        return
    questions = {question.question_id: question for question in app.store.questions()}
    units = {q.unit for q in questions.values() if q.deadline > now}
    # their subjects are units, channels and sources, which may be called like a question
    aside = {t.id for t in alert_rules(app.config.rules) if t.kind not in ON_QUESTIONS}
    for state in still_open:
        question = questions.get(state.subject)
        if not _is_watched(app, state, question, units):
            yield _end(app, state, question, now, is_expired=False)
        elif (
            question
            and state.rule_id not in aside
            and state.state in ALARMED
            and _waits_out_its_grace(app, question, now)
        ):
            yield _end(app, state, question, now, is_expired=True)


def _end(
    app: App, state: RuleState, question: Question | None, now: datetime, *, is_expired: bool
) -> End:
    last = app.store.latest_estimate(state.subject) if question else None
    p = last.probability if last else None
    after, transition = (
        close_question(state, None, p, now)
        if is_expired
        else close(state, Reason.RULE_REMOVED, REMOVED, p, now)
    )
    if transition is None:
        return End(state, after, None, [])
    rule = _rule(app, state, question)
    notices = (
        notices_about(app, question, rule, transition, last, None)
        if question
        else notices_on(app, rule, transition, _what(app, state.subject), state.subject)
    )
    return End(state, after, transition, notices)


def _rule(app: App, state: RuleState, question: Question | None) -> Rule:
    """The rule as it is, or no more than its name where it is gone."""
    known = app.config.rules_for(question) if question else []
    return next((r for r in known if r.rule_id == state.rule_id), Rule(state.rule_id))


def _waits_out_its_grace(app: App, question: Question, now: datetime) -> bool:
    """Its deadline has passed, and some days may go by until an outcome is recorded."""
    definition = app.config.definitions.get(question.definition)
    has_grace = definition is not None and parse_days(definition.grace) > 0
    return has_grace and question.deadline <= now


def _what(app: App, subject: str) -> str:
    if subject in {table.id for table in app.config.channels}:
        return "channel"
    return "source" if subject in {table.id for table in app.config.sources} else "unit"


def _is_watched(app: App, state: RuleState, question: Question | None, units: set[str]) -> bool:
    """Whether the rule is still there and its subject, of whatever kind, is too."""
    if question and any(r.rule_id == state.rule_id for r in app.config.rules_for(question)):
        return True
    channels = {table.id for table in app.config.channels}
    sources = {table.id for table in app.config.sources}
    on_others = ((RuleKind.STALE, units), (RuleKind.CHANNEL, channels), (RuleKind.SOURCE, sources))
    return any(
        rule.rule_id == state.rule_id
        for kind, subjects in on_others
        if state.subject in subjects
        for rule in app.config.rules_of(kind, state.subject)
    )
