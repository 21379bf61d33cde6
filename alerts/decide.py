"""The decision: does this estimate change a rule's mind? Pure; the clock is an argument.

    OK --above--> PENDING --dwell_up--> FIRING --below--> RECOVERING --dwell_down--> OK
       <-not above--                           <-not below--

"Above" is p - z * mcse >= fire_at and "below" is p + z * mcse <= clear_at, so that Monte
Carlo noise alone rings nothing. Between the two lines every state holds. An estimate that
is HELD holds the state too: a broken model neither fires nor resolves.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from forecast.alert import Rule, RuleState, State, Transition
from forecast.estimate import Estimate, Health
from forecast.evidence import Outcome
from forecast.likelihood import percent

FIRING = "firing"
RESOLVED = "resolved"


class Reason(StrEnum):
    """Why a rule changed its mind, in a word that travels to the message and the store."""

    DWELL_STARTED = "dwell_started"
    DWELL_BROKEN = "dwell_broken"
    THRESHOLD_CROSSED = "threshold_crossed"
    RECOVERY_STARTED = "recovery_started"
    RECOVERY_BROKEN = "recovery_broken"
    CLEARED = "cleared"
    RULE_CHANGED = "rule_changed"
    QUESTION_RESOLVED = "question_resolved"


_REASONS = {
    (State.OK, State.PENDING): Reason.DWELL_STARTED,
    (State.PENDING, State.OK): Reason.DWELL_BROKEN,
    (State.OK, State.FIRING): Reason.THRESHOLD_CROSSED,
    (State.PENDING, State.FIRING): Reason.THRESHOLD_CROSSED,
    (State.FIRING, State.RECOVERING): Reason.RECOVERY_STARTED,
    (State.RECOVERING, State.FIRING): Reason.RECOVERY_BROKEN,
    (State.FIRING, State.OK): Reason.CLEARED,
    (State.RECOVERING, State.OK): Reason.CLEARED,
}
_ALARMED = (State.FIRING, State.RECOVERING)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one estimate says to one rule. `edited`: the rule's numbers are new to the state."""

    above: bool
    below: bool
    edited: bool


def decide(
    rule: Rule,
    state: RuleState | None,
    estimate: Estimate,
    previous: float | None,
    now: datetime,
) -> tuple[RuleState, Transition | None]:
    """The state after one evaluation, and the transition it made, if any.

    `previous` is the probability of the estimate before this one; it is only passed on. An
    estimate counts once: the same `as_of` again, or an older one, changes nothing, unless
    the rule was edited since, which reads the same estimate anew.
    """
    state = state or RuleState(rule.rule_id, estimate.question_id)
    digest = definition_digest(rule)
    edited = state.definition_digest not in ("", digest)
    if not _is_usable(estimate) or not _is_news(state, estimate, edited):
        return state, None
    reading = _Reading(
        above=estimate.probability - rule.z * estimate.mcse >= rule.fire_at,
        below=estimate.probability + rule.z * estimate.mcse <= rule.clear_at,
        edited=edited,
    )
    after, streak = _step(rule, state, reading)
    seen = replace(state, streak=streak, evaluated_as_of=estimate.as_of, definition_digest=digest)
    if after is state.state:
        return seen, None
    reason = Reason.RULE_CHANGED if edited else _REASONS[state.state, after]
    detail = _detail(rule, estimate.probability, state.state, after, streak, edited)
    return _enter(seen, after, now, reason, detail, estimate.probability, previous)


def close(
    rule: Rule,
    state: RuleState | None,
    question_id: str,
    outcome: Outcome | None,
    probability: float,
    now: datetime,
) -> tuple[RuleState, Transition | None]:
    """End a rule's watch on a question that resolved, or that expired (`outcome` None).

    An open episode is closed with a "resolved" message; a dwell just ends.
    `probability` is that of the last estimate.
    """
    state = state or RuleState(rule.rule_id, question_id)
    if state.state is State.OK:
        return state, None
    ended = (
        f"The question was resolved: {outcome.value}."
        if outcome
        else "The deadline has passed; no outcome is recorded yet."
    )
    return _enter(
        replace(state, streak=0),
        State.OK,
        now,
        Reason.QUESTION_RESOLVED,
        f"{ended} The last estimate was {percent(probability)}.",
        probability,
        None,
    )


def definition_digest(rule: Rule) -> str:
    """A digest of the numbers that decide; the severity and the name are not among them."""
    numbers = (rule.fire_at, rule.clear_at, rule.dwell_up, rule.dwell_down, rule.z)
    text = " ".join(repr(float(number)) for number in numbers)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_usable(estimate: Estimate) -> bool:
    numbers = (estimate.probability, estimate.mcse)
    return estimate.health is Health.HEALTHY and all(map(math.isfinite, numbers))


def _is_news(state: RuleState, estimate: Estimate, edited: bool) -> bool:
    seen = state.evaluated_as_of
    return seen is None or estimate.as_of > seen or (edited and estimate.as_of == seen)


def _step(rule: Rule, state: RuleState, reading: _Reading) -> tuple[State, int]:
    """The next state and its streak.

    An edit that leaves P above the new line rings without a dwell: its author is waiting
    for it. An edit that leaves P below dwells like any other recovery.
    """
    streak = state.streak + 1
    if state.state in _ALARMED:
        if not reading.below:
            return State.FIRING, 0
        return (State.OK, 0) if streak >= rule.dwell_down else (State.RECOVERING, streak)
    if not reading.above:
        return State.OK, 0
    if reading.edited or streak >= rule.dwell_up:
        return State.FIRING, 0
    return State.PENDING, streak


def _enter(
    state: RuleState,
    after: State,
    now: datetime,
    reason: Reason,
    detail: str,
    probability: float,
    previous: float | None,
) -> tuple[RuleState, Transition]:
    before = state.state
    notify = ""
    if after is State.FIRING and before not in _ALARMED:
        notify = FIRING
    elif after is State.OK and before in _ALARMED:
        notify = RESOLVED
    episode = state.episode + (notify == FIRING)
    return replace(state, state=after, since=now, episode=episode), Transition(
        rule_id=state.rule_id,
        question_id=state.question_id,
        at=now,
        before=before,
        after=after,
        reason=reason.value,
        detail=detail,
        episode=episode,
        probability=probability,
        previous=previous,
        notify=notify,
    )


def _dwelt(rule: Rule, edited: bool) -> str:
    return "" if edited or rule.dwell_up == 1 else f" in {rule.dwell_up} evaluations in a row"


def _detail(rule: Rule, p: float, before: State, after: State, streak: int, edited: bool) -> str:
    """One plain sentence: the number, the line it met, and how far the dwell has come."""
    fire, clear = (f"{100 * line:.4g} %" for line in (rule.fire_at, rule.clear_at))
    sentence = {
        State.PENDING: f"at or above the alert line of {fire}; {streak} of {rule.dwell_up} "
        "evaluations in a row",
        State.FIRING: f"no longer clearly below {clear}; the alert stays on"
        if before is State.RECOVERING
        else f"at or above the alert line of {fire}{_dwelt(rule, edited)}",
        State.RECOVERING: f"at or below the all-clear line of {clear}; {streak} of "
        f"{rule.dwell_down} evaluations in a row",
        State.OK: f"at or below the all-clear line of {clear}"
        if before in _ALARMED
        else f"no longer clearly above the alert line of {fire}; no alert was sent",
    }[after]
    opening = "The rule was edited: the" if edited else "The"
    return f"{opening} probability is {percent(p)}, {sentence}."
