"""Where every rule stands on every question that it watches, the most urgent first."""

from dataclasses import dataclass
from datetime import datetime

from forecast.alert import Rule, RuleState, State
from forecast.alert_tables import BUILT_IN
from jobs.app import App

_ORDER = (State.FIRING, State.RECOVERING, State.PENDING, State.OK)


@dataclass(frozen=True, slots=True)
class Standing:
    """One rule on one question; not yet evaluated where there was no estimate for it.

    `probability` is that of the latest estimate; `channels` those on which it rings.
    """

    rule: Rule
    question_id: str
    is_evaluated: bool
    state: State
    since: datetime | None
    episode: int
    probability: float | None
    channels: tuple[str, ...]


def standings(app: App, now: datetime) -> list[Standing]:
    """Of open questions all, of the others what still fires; firing first.

    Rules that are built in are listed when they have something to say.
    """
    states = {(s.rule_id, s.subject): s for s in app.store.alerts.states()}
    latest = app.store.latest_estimates()
    built_in = {table.id for table in BUILT_IN} - {table.id for table in app.config.rules}
    found = []
    for question in app.store.questions():
        name = question.question_id
        for rule in app.config.rules_for(question):
            state = states.get((rule.rule_id, name))
            is_calm = state is None or state.state is State.OK
            if is_calm and (question.deadline <= now or rule.rule_id in built_in):
                continue
            estimate = latest.get(name)
            found.append(
                Standing(
                    rule,
                    name,
                    state is not None,
                    *_of(state),
                    estimate.probability if estimate else None,
                    tuple(app.config.channels_for(app.config.target(rule, question))),
                )
            )
    return sorted(found, key=lambda s: (_ORDER.index(s.state), not s.is_evaluated))


def _of(state: RuleState | None) -> tuple[State, datetime | None, int]:
    return (state.state, state.since, state.episode) if state else (State.OK, None, 0)
