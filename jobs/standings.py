"""Where every rule stands on every question that it watches, the most urgent first."""

from dataclasses import dataclass
from datetime import datetime

from forecast.alert import Rule, RuleState, State
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
    """Of open questions all, of the others what still fires; firing first."""
    states = {(s.rule_id, s.question_id): s for s in app.store.rule_states()}
    latest = app.store.latest_estimates()
    found = []
    for question in app.store.questions():
        name = question.question_id
        for rule in app.config.rules_for(name):
            state = states.get((rule.rule_id, name))
            if question.deadline <= now and (state is None or state.state is State.OK):
                continue
            estimate = latest.get(name)
            found.append(
                Standing(
                    rule,
                    name,
                    state is not None,
                    *_of(state),
                    estimate.probability if estimate else None,
                    tuple(app.config.channels_for(rule.rule_id, name)),
                )
            )
    return sorted(found, key=lambda s: (_ORDER.index(s.state), not s.is_evaluated))


def _of(state: RuleState | None) -> tuple[State, datetime | None, int]:
    return (state.state, state.since, state.episode) if state else (State.OK, None, 0)
