"""Where every rule stands on everything that it watches, the most urgent first."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.readings import span_words
from forecast.alert import ALARMED, Rule, RuleKind, RuleState, State, Target
from forecast.alert_tables import BUILT_IN, ON_QUESTIONS
from forecast.config import Config
from forecast.question import Question
from jobs.app import App

_ORDER = (State.FIRING, State.RECOVERING, State.PENDING, State.OK)


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule on one question, unit, channel or source.

    It is not yet evaluated where nothing was read for it. `probability` is that of the latest
    estimate; `channels` those on which it rings.
    """

    rule: Rule
    subject: str
    is_on_question: bool
    is_evaluated: bool
    state: State
    since: datetime | None
    episode: int
    probability: float | None
    channels: tuple[str, ...]


def standings(app: App, now: datetime) -> list[Standing]:
    """Of what is open all, of the rest what still fires; firing first.

    Rules that are built in are listed when they have something to say.
    """
    states = {(s.rule_id, s.subject): s for s in app.store.alerts.states()}
    latest = app.store.latest_estimates()
    questions, running = app.store.questions(), running_questions(app, now)
    is_open = {q.question_id for q in running} | {q.unit for q in running}
    is_open |= {table.id for table in app.config.channels}
    is_open |= {table.id for table in app.config.sources}
    of_ours = {table.id for table in app.config.rules}
    built_in = {table.id for table in BUILT_IN} - of_ours
    found = []
    for rule, target in watched(app.config, questions):
        name = target.question
        state = states.get((rule.rule_id, name))
        if not (state and state.state in ALARMED) and name not in is_open:
            continue
        if (state is None or state.state is State.OK) and rule.rule_id in built_in:
            continue
        is_on_question = rule.kind in ON_QUESTIONS
        estimate = latest.get(name) if is_on_question else None
        found.append(
            Standing(
                rule,
                name,
                is_on_question,
                state is not None,
                *_of(state),
                estimate.probability if estimate else None,
                tuple(app.config.channels_for(target)),
            )
        )
    return sorted(found, key=lambda s: (_ORDER.index(s.state), not s.is_evaluated))


def running_questions(app: App, now: datetime) -> list[Question]:
    """Those that may still happen: before their deadline, and without an outcome."""
    coming = [question for question in app.store.questions() if question.deadline > now]
    ended = app.store.resolved([question.question_id for question in coming], now)
    return [question for question in coming if question.question_id not in ended]


def watched(config: Config, questions: Sequence[Question]) -> Iterator[tuple[Rule, Target]]:
    """Every rule on what it watches: some questions, their units, the channels, the sources."""
    for question in questions:
        for rule in config.rules_for(question):
            yield rule, config.target(rule, question)
    for unit in sorted({question.unit for question in questions}):
        for rule in config.rules_of(RuleKind.STALE, unit):
            yield rule, Target(rule.rule_id, unit, unit, (), rule.severity)
    for table in config.channels:
        for rule in config.rules_of(RuleKind.CHANNEL, table.id):
            yield rule, Target(rule.rule_id, table.id, "", (), rule.severity)
    for source in config.sources:
        for rule in config.rules_of(RuleKind.SOURCE, source.id):
            yield rule, Target(rule.rule_id, source.id, "", (), rule.severity)


def fires_at(rule: Rule) -> str:
    """Where a rule fires, in as few words as a table has room for.

    >>> fires_at(Rule("r", math.log(2.0), kind=RuleKind.CHANGE)), fires_at(Rule("r", 0.02))
    ('odds 2x', '2 %')
    """
    line, after = f"{100 * rule.fire_at:.4g} %", span_words(rule.after) if rule.after else ""
    match rule.kind:
        case RuleKind.CERTAINTY:
            return f"{line} sure of {100 * rule.level:.4g} %"
        case RuleKind.CHANGE:
            way = "" if rule.direction == "either" else f" {rule.direction}"
            return f"odds {math.exp(rule.fire_at):.3g}x{way}"
        case RuleKind.DEADLINE:
            return f"{span_words(rule.within)} before"
        case RuleKind.STALE:
            return f"{after} silent"
        case RuleKind.UNHEALTHY:
            return "unhealthy"
        case RuleKind.CHANNEL:
            return f"failing {after}" if after else "failing"
        case RuleKind.SOURCE:
            how = "silent or broken" if rule.when == "either" else rule.when
            return f"{how} {after}".rstrip()
        case RuleKind.RESOLVED:
            return "its end"
        case _:
            return line


def _of(state: RuleState | None) -> tuple[State, datetime | None, int]:
    return (state.state, state.since, state.episode) if state else (State.OK, None, 0)
