"""The decision: does this reading change a rule's mind? Pure; the clock is an argument.

    OK --above--> PENDING --dwell up--> FIRING --below--> RECOVERING --dwell down--> OK
       <-not above--                           <-not below--

"Above" is value - z * error >= fire_at and "below" is value + z * error <= clear_at, so that
Monte Carlo noise alone rings nothing. Between the two lines every state holds. A reading that
is not healthy holds the state too: a broken model, or one whose reports have stopped, neither
fires nor resolves.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from alerts.readings import Reading
from forecast.alert import (
    ALARMED,
    NoticeKind,
    Route,
    Rule,
    RuleHealth,
    RuleKind,
    RuleState,
    State,
    Transition,
)
from forecast.alert_tables import ON_PROBABILITY
from forecast.evidence import Outcome
from forecast.likelihood import percent


class Reason(StrEnum):
    """Why a rule changed its mind, in a word that travels to the message and the store."""

    DWELL_STARTED = "dwell_started"
    DWELL_BROKEN = "dwell_broken"
    THRESHOLD_CROSSED = "threshold_crossed"
    CONDITION_MET = "condition_met"
    RECOVERY_STARTED = "recovery_started"
    RECOVERY_BROKEN = "recovery_broken"
    CLEARED = "cleared"
    RULE_CHANGED = "rule_changed"
    RULE_REMOVED = "rule_removed"
    QUESTION_RESOLVED = "question_resolved"
    RISING_ON = "rising_on"


_REASONS = {
    (State.OK, State.PENDING): Reason.DWELL_STARTED,
    (State.PENDING, State.OK): Reason.DWELL_BROKEN,
    (State.FIRING, State.RECOVERING): Reason.RECOVERY_STARTED,
    (State.RECOVERING, State.FIRING): Reason.RECOVERY_BROKEN,
    (State.FIRING, State.OK): Reason.CLEARED,
    (State.RECOVERING, State.OK): Reason.CLEARED,
}


@dataclass(frozen=True, slots=True)
class _Sides:
    """On which side of its lines a reading lies. `edited`: the numbers are new to the state."""

    above: bool
    below: bool
    edited: bool


def decide(
    rule: Rule, state: RuleState | None, reading: Reading, now: datetime
) -> tuple[RuleState, Transition | None]:
    """The state after one evaluation, and the transition it made, if any.

    An evaluation counts once: the same `as_of` again, or an older one, changes nothing, unless
    the rule was edited since, which reads the same estimate anew.
    """
    state = state or RuleState(rule.rule_id, reading.subject)
    digest = definition_digest(rule)
    edited = state.definition_digest not in ("", digest)
    if not _is_news(state, reading, edited):
        return state, None
    if reading.health is not RuleHealth.HEALTHY or not _is_finite(reading):
        health = reading.health if _is_finite(reading) else RuleHealth.MODEL_UNHEALTHY
        return replace(state, health=health), None
    sides = _Sides(
        above=reading.value - rule.z * reading.error >= rule.fire_at,
        below=reading.value + rule.z * reading.error <= rule.clear_at,
        edited=edited,
    )
    after, streak, since = _step(rule, state, reading, sides)
    seen = replace(
        state,
        streak=streak,
        streak_since=since,
        evaluated_as_of=reading.as_of,
        definition_digest=digest,
        health=RuleHealth.HEALTHY,
        baseline=reading.probability if state.baseline is None else state.baseline,
    )
    if after is not state.state:
        return _enter(rule, seen, after, reading, now, edited=edited)
    if _is_rising_on(rule, seen, reading, sides):
        return _ring_after_all(rule, seen, reading, now)
    return seen, None


def close(
    state: RuleState, reason: Reason, ended: str, probability: float | None, now: datetime
) -> tuple[RuleState, Transition | None]:
    """End a rule's watch on a subject, because it is over or is watched no longer.

    An open episode is closed with a "resolved" message; a dwell just ends. `ended` says why in
    a sentence; `probability` is that of the last estimate.
    """
    if state.state is State.OK:
        return state, None
    last = "" if probability is None else f" The last estimate was {percent(probability)}."
    notify = NoticeKind.RESOLVED.value if state.state in ALARMED else ""
    after = replace(state, state=State.OK, since=now, streak=0, streak_since=None)
    return after, _transition(
        state, after, now, reason, f"{ended}{last}", probability, notify=notify, route=state.route
    )


def close_question(
    state: RuleState, outcome: Outcome | None, probability: float | None, now: datetime
) -> tuple[RuleState, Transition | None]:
    """End a rule's watch on a question that resolved, or that expired (`outcome` None)."""
    return close(state, Reason.QUESTION_RESOLVED, ended_words(outcome), probability, now)


def await_outcome(
    rule: Rule, state: RuleState | None, question_id: str, now: datetime
) -> RuleState:
    """A rule of kind resolved while its question is open: it pends, and rings at the end."""
    if state is not None and state.state is State.PENDING:
        return state
    state = state or RuleState(rule.rule_id, question_id)
    return replace(state, state=State.PENDING, since=now, definition_digest=definition_digest(rule))


def tell_outcome(
    state: RuleState, outcome: Outcome | None, probability: float | None, now: datetime
) -> tuple[RuleState, Transition | None]:
    """Ring once, by a rule of kind resolved, for a question that ended."""
    if state.state is not State.PENDING:
        return state, None
    last = "" if probability is None else f" The last estimate was {percent(probability)}."
    after = replace(state, state=State.OK, episode=state.episode + 1, since=now)
    return after, _transition(
        state,
        after,
        now,
        Reason.QUESTION_RESOLVED,
        f"{ended_words(outcome)}{last}",
        probability,
        notify=NoticeKind.OUTCOME.value,
    )


def ended_words(outcome: Outcome | None) -> str:
    """How a question ended, in a sentence."""
    if outcome is None:
        return "The deadline has passed; no outcome is recorded yet."
    return f"The question was resolved: {outcome.value}."


def definition_digest(rule: Rule) -> str:
    """A digest of the numbers that decide; the severity and the name are not among them."""
    numbers = (
        *(rule.fire_at, rule.clear_at, rule.dwell_up, rule.dwell_down, rule.z),
        *(rule.for_up.total_seconds(), rule.for_down.total_seconds(), rule.level),
        *(rule.within.total_seconds(), rule.after.total_seconds() if rule.after else -1),
        rule.over.total_seconds() if rule.over else -1,
    )
    text = " ".join([rule.kind.value, rule.direction, *(repr(float(n)) for n in numbers)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_finite(reading: Reading) -> bool:
    return math.isfinite(reading.value) and math.isfinite(reading.error)


def _is_news(state: RuleState, reading: Reading, edited: bool) -> bool:
    seen = state.evaluated_as_of
    return seen is None or reading.as_of > seen or (edited and reading.as_of == seen)


def _step(
    rule: Rule, state: RuleState, reading: Reading, sides: _Sides
) -> tuple[State, int, datetime | None]:
    """The next state, its streak, and since when that lasts.

    An edit that leaves the value above the new line rings without a dwell: its author is
    waiting for it. An edit that leaves it below dwells like any other recovery.
    """
    streak, since = state.streak + 1, state.streak_since or reading.as_of
    lasted = reading.as_of - since
    if state.state in ALARMED:
        if not sides.below:
            return State.FIRING, 0, None
        if streak >= rule.dwell_down and lasted >= rule.for_down:
            return State.OK, 0, None
        return State.RECOVERING, streak, since
    if not sides.above:
        return State.OK, 0, None
    if sides.edited or (streak >= rule.dwell_up and lasted >= rule.for_up):
        return State.FIRING, 0, None
    return State.PENDING, streak, since


def _is_rising_on(rule: Rule, state: RuleState, reading: Reading, sides: _Sides) -> bool:
    """Whether an episode that only a retune or a new model began, unrung, is now real news."""
    return (
        state.state is State.FIRING
        and state.route is Route.DIGEST
        and sides.above
        and reading.cause != ""
        and reading.cause not in rule.digest_causes
        and reading.probability is not None
        and state.baseline is not None
        and reading.probability >= state.baseline + (rule.fire_at - rule.clear_at)
    )


def _ring_after_all(
    rule: Rule, state: RuleState, reading: Reading, now: datetime
) -> tuple[RuleState, Transition]:
    after = replace(state, route=Route.NOW, episode=state.episode + 1, baseline=reading.probability)
    detail = f"{_opening(rule, reading, edited=False)}, and rises on."
    return after, _transition(
        state,
        after,
        now,
        Reason.RISING_ON,
        detail,
        reading.probability,
        reading,
        notify=NoticeKind.FIRING.value,
    )


def _enter(
    rule: Rule, state: RuleState, after: State, reading: Reading, now: datetime, *, edited: bool
) -> tuple[RuleState, Transition]:
    before = state.state
    fires = after is State.FIRING and before not in ALARMED
    clears = after is State.OK and before in ALARMED
    usual = Reason.THRESHOLD_CROSSED if rule.kind in ON_PROBABILITY else Reason.CONDITION_MET
    reason = Reason.RULE_CHANGED if edited else _REASONS.get((before, after), usual)
    entered = replace(state, state=after, since=now)
    notify = ""
    if fires:
        is_retuned = not edited and reading.cause in rule.digest_causes
        entered = replace(
            entered,
            episode=state.episode + 1,
            route=Route.DIGEST if is_retuned else Route.NOW,
            baseline=reading.probability,
        )
        notify = NoticeKind.FIRING.value
    elif clears and not _rings_once(rule):
        notify = NoticeKind.RESOLVED.value
    detail = _detail(rule, reading, before, after, state.streak, edited)
    return entered, _transition(
        state,
        entered,
        now,
        reason,
        detail,
        reading.probability,
        reading,
        notify=notify,
        route=entered.route if notify else Route.NOW,
    )


def _rings_once(rule: Rule) -> bool:
    """A change since the last alert is over by having rung; there is nothing to resolve."""
    return rule.kind is RuleKind.CHANGE and rule.over is None


def _transition(
    before: RuleState,
    after: RuleState,
    now: datetime,
    reason: Reason,
    detail: str,
    probability: float | None,
    reading: Reading | None = None,
    *,
    notify: str = "",
    route: Route = Route.NOW,
) -> Transition:
    return Transition(
        rule_id=after.rule_id,
        subject=after.subject,
        at=now,
        before=before.state,
        after=after.state,
        reason=reason.value,
        detail=detail,
        episode=after.episode,
        probability=probability,
        previous=reading.previous if reading else None,
        notify=notify,
        cause=reading.cause if reading else "",
        route=route,
    )


def _opening(rule: Rule, reading: Reading, *, edited: bool) -> str:
    """The number and the line it met; for other kinds, what the reading says."""
    start = "The rule was edited: the" if edited else "The"
    if rule.kind in ON_PROBABILITY:
        return f"{start} probability is {percent(reading.value)}"
    said = reading.says.rstrip(".")
    return f"The rule was edited: {said[:1].lower()}{said[1:]}" if edited else said


def _detail(
    rule: Rule, reading: Reading, before: State, after: State, streak: int, edited: bool
) -> str:
    """One plain sentence: the number, the line it met, and how far the dwell has come."""
    opening = _opening(rule, reading, edited=edited)
    if rule.kind in ON_PROBABILITY:
        fire, clear = (f"{100 * line:.4g} %" for line in (rule.fire_at, rule.clear_at))
        up = f"at or above the alert line of {fire}"
        down = f"at or below the all-clear line of {clear}"
        unclear = f"no longer clearly above the alert line of {fire}"
        stays = f"no longer clearly below {clear}"
    else:
        up, down, unclear, stays = "the rule's condition", "over", "over", "back"
    sentence = {
        State.PENDING: f"{up}; {streak} of {rule.dwell_up} evaluations in a row",
        State.FIRING: f"{stays}; the alert stays on"
        if before is State.RECOVERING
        else f"{up}{_dwelt(rule, edited)}",
        State.RECOVERING: f"{down}; {streak} of {rule.dwell_down} evaluations in a row",
        State.OK: down if before in ALARMED else f"{unclear}; no alert was sent",
    }[after]
    if rule.kind in ON_PROBABILITY:
        return f"{opening}, {sentence}."
    if after is State.FIRING and before is not State.RECOVERING:
        return f"{opening}{_dwelt(rule, edited)}."
    return f"{opening}: {sentence}."


def _dwelt(rule: Rule, edited: bool) -> str:
    return "" if edited or rule.dwell_up == 1 else f" in {rule.dwell_up} evaluations in a row"
