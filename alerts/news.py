"""News told apart from what a retune did: nobody need be woken by his own change of a prior. Pure.

An evaluation is a retune's when the main cause of its move is one of `Rule.digest_causes`.
"""

import math
from dataclasses import replace

from alerts.readings import Reading, log_odds
from forecast.alert import Rule, RuleKind, RuleState, State

RISES_ON = math.log(1.25)  # of the odds: what counts as news after a retune


def rings_once(rule: Rule) -> bool:
    """A change since the last alert is over by having rung; there is nothing to resolve."""
    return rule.kind is RuleKind.CHANGE and rule.over is None


def has_risen(rule: Rule, came: float, p: float) -> bool:
    """Whether the odds moved on by RISES_ON, in the direction that the rule looks in."""
    moved = log_odds(p) - log_odds(came)
    if rule.kind is RuleKind.CHANGE:
        moved = {"up": moved, "down": -moved, "either": abs(moved)}[rule.direction]
    return moved >= RISES_ON


def traced(rule: Rule, state: RuleState, reading: Reading) -> RuleState:
    """The state with a retune's doing kept apart from the news, while a retune is its cause.

    What a further retune moved is no news, so the baseline moves with it; news while it is
    still pending becomes its cause.
    """
    p, came = reading.probability, reading.previous
    if p is None or state.baseline is None or state.cause not in rule.digest_causes:
        return state
    if reading.cause in rule.digest_causes:
        if rings_once(rule):
            return state
        moved = 0.0 if came is None else log_odds(came) - log_odds(state.baseline)
        at = log_odds(p) - moved
        return replace(state, baseline=1.0 / (1.0 + math.exp(-at)))
    since = came if rings_once(rule) else state.baseline
    if state.state is State.PENDING and since is not None and has_risen(rule, since, p):
        return replace(state, cause=reading.cause)
    return state
