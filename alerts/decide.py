"""The decision: does this reading change a rule's mind? Pure; the clock is an argument.

    OK --above--> PENDING --dwell up--> FIRING --below--> RECOVERING --dwell down--> OK
       <-not above--                           <-not below--

"Above" is value - z * error >= fire_at and "below" is value + z * error <= clear_at, so that
Monte Carlo noise alone rings nothing. Between the lines OK stays OK and FIRING stays FIRING. A
reading that is not healthy holds every state with its counters: a broken model, or one whose
reports have stopped, neither fires nor resolves.

A ring that a retune caused goes to the digest. Once news has moved the odds on from there, and
for the dwell, it rings after all, as an episode of its own: who is to read of the retune has
not been told of the news (`alerts.news`).
"""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from alerts import details
from alerts.news import has_risen, rings_once, traced
from alerts.readings import Reading
from forecast.alert import (
    ALARMED,
    NO_TIME,
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

AHEAD = timedelta(minutes=10)  # more than clocks differ: what is later was seen by a wrong one
_SHARES = (*ON_PROBABILITY, RuleKind.CERTAINTY)  # their values lie in 0..1
_PLAIN = Rule("")
_MORE = ("kind", "for_up", "for_down", "level", "direction", "over", "within", "after", "when")


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
    QUESTION_EXPIRED = "question_expired"
    RISING_ON = "rising_on"


_REASONS = {
    (State.PENDING, State.OK): Reason.DWELL_BROKEN,
    (State.FIRING, State.RECOVERING): Reason.RECOVERY_STARTED,
    (State.RECOVERING, State.FIRING): Reason.RECOVERY_BROKEN,
    (State.FIRING, State.OK): Reason.CLEARED,
    (State.RECOVERING, State.OK): Reason.CLEARED,
}


@dataclass(frozen=True, slots=True)
class _Look:
    """Where one evaluation lies, and what is new in it.

    `is_new`: the estimate was not looked at before. `edited`: the rule's numbers are new to the
    state. `by_edit`: it is they, not news, that put the value above the line. `risen`: news has
    moved the odds on since a retune began the episode.
    """

    above: bool
    below: bool
    is_new: bool
    edited: bool
    by_edit: bool
    risen: bool


@dataclass(frozen=True, slots=True)
class _Dwell:
    """Evaluations in a row, the `as_of` of the first, and the time from there to the last."""

    count: int = 0
    since: datetime | None = None
    lasted: timedelta = NO_TIME

    def meets(self, count: int, span: timedelta) -> bool:
        return self.count >= count and self.lasted >= span


@dataclass(frozen=True, slots=True)
class _Step:
    """The next state, the dwell that leads there or goes on there, and whether it rings.

    `is_news`: it rings because of news, in an episode that a retune began quietly.
    """

    after: State
    dwell: _Dwell = _Dwell()
    rings: bool = False
    is_news: bool = False


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
    seen = state.evaluated_as_of
    is_new = seen is None or reading.as_of > seen or seen > now + AHEAD
    if not is_new and not (edited and reading.as_of == seen):
        return state, None
    health = reading.health if _is_sound(rule, reading) else RuleHealth.MODEL_UNHEALTHY
    if health is not RuleHealth.HEALTHY:
        return replace(state, health=health), None
    before = traced(rule, state, reading) if is_new else state
    look = _looked(rule, before, reading, is_new=is_new, edited=edited)
    step = _step(rule, before, look, reading.as_of)
    after = _after(rule, before, step, reading, digest, now)
    if step.rings:
        after = _rung(rule, after, step, look, reading)
    if step.after is before.state and not step.rings:
        return after, None
    return after, _transition(rule, before, after, step, look, reading, now)


def close(
    state: RuleState, reason: Reason, ended: str, probability: float | None, now: datetime
) -> tuple[RuleState, Transition | None]:
    """End a rule's watch on a subject, because it is over or is watched no longer.

    An open episode is closed with a "resolved" message; a dwell just ends. `ended` says why in
    a sentence; `probability` is that of the last estimate.
    """
    if state.state is State.OK:
        return state, None
    after = replace(state, state=State.OK, since=now, streak=0, streak_since=None, cause="")
    notify = NoticeKind.RESOLVED.value if state.state in ALARMED else ""
    return after, _end(state, after, reason, ended, probability, notify, now)


def close_question(
    state: RuleState, outcome: Outcome | None, probability: float | None, now: datetime
) -> tuple[RuleState, Transition | None]:
    """End a rule's watch on a question that resolved, or that expired (`outcome` None)."""
    reason = Reason.QUESTION_RESOLVED if outcome else Reason.QUESTION_EXPIRED
    return close(state, reason, details.ended_words(outcome), probability, now)


def await_outcome(
    rule: Rule, state: RuleState | None, question_id: str, now: datetime
) -> tuple[RuleState, Transition | None]:
    """A rule of kind resolved while its question is open: it pends, and rings at the end.

    An episode from before an edit, when the rule was of another kind, is closed first.
    """
    state = state or RuleState(rule.rule_id, question_id)
    if state.state in ALARMED:
        ended = "The rule was edited: it tells how the question ends now."
        return close(state, Reason.RULE_CHANGED, ended, None, now)
    digest = definition_digest(rule)
    if state.state is State.PENDING and state.definition_digest == digest:
        return state, None
    waits = replace(state, state=State.PENDING, since=now, streak=0, streak_since=None, cause="")
    return replace(waits, definition_digest=digest), None


def tell_outcome(
    state: RuleState, outcome: Outcome | None, probability: float | None, now: datetime
) -> tuple[RuleState, Transition | None]:
    """Ring, by a rule of kind resolved, for a question that ended; again if the end is corrected.

    While a deadline has passed and no outcome is known (None) it waits on.
    """
    told = Outcome(state.outcome) if state.outcome else None
    if outcome is None or not (state.state is State.PENDING or told not in (None, outcome)):
        return state, None
    episode, reason = state.episode + 1, Reason.QUESTION_RESOLVED
    after = replace(state, state=State.OK, episode=episode, since=now, outcome=outcome.value)
    words, notify = details.ended_words(outcome, told), NoticeKind.OUTCOME.value
    return after, _end(state, after, reason, words, probability, notify, now)


@lru_cache(maxsize=4096)
def definition_digest(rule: Rule) -> str:
    """A digest of the numbers that decide; the severity and the name are not among them.

    What an ordinary threshold leaves at its default is left out, as it once was not there.
    """
    lines = (rule.fire_at, rule.clear_at, rule.dwell_up, rule.dwell_down, rule.z)
    words = [repr(float(number)) for number in lines]
    for name in _MORE:
        if (value := getattr(rule, name)) != getattr(_PLAIN, name):
            words.append(f"{name}={value}")
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def _is_sound(rule: Rule, reading: Reading) -> bool:
    p = reading.probability
    return (
        math.isfinite(reading.value)
        and math.isfinite(reading.error)
        and reading.error >= 0.0
        and (p is None or 0.0 <= p <= 1.0)
        and (rule.kind not in _SHARES or 0.0 <= reading.value <= 1.0)
    )


def _is_calm(rule: Rule, state: RuleState) -> bool:
    """Whether what is above now would begin a dwell or an episode."""
    return state.state is State.OK or (state.state in ALARMED and rings_once(rule))


def _looked(rule: Rule, state: RuleState, reading: Reading, *, is_new: bool, edited: bool) -> _Look:
    above = reading.value - rule.z * reading.error >= rule.fire_at
    was_above = (
        rule.kind in ON_PROBABILITY
        and reading.previous is not None
        and reading.previous >= rule.fire_at
    )
    is_quiet = state.state in ALARMED and state.route is Route.DIGEST
    p, came = reading.probability, state.baseline
    return _Look(
        above=above,
        below=reading.value + rule.z * reading.error <= rule.clear_at,
        is_new=is_new,
        edited=edited,
        by_edit=edited and state.state is State.OK and (was_above or not is_new),
        risen=is_quiet
        and above
        and p is not None
        and came is not None
        and has_risen(rule, came, p),
    )


def _step(rule: Rule, state: RuleState, look: _Look, as_of: datetime) -> _Step:
    """The next state.

    An edit that by itself puts the value above the new line rings without a dwell: its author
    is waiting for it. An edit that leaves it below dwells like any other recovery.
    """
    if state.state in ALARMED and not rings_once(rule):
        if look.below:
            dwell = _dwell(state, State.RECOVERING, look, as_of)
            is_over = dwell.meets(rule.dwell_down, rule.for_down)
            return _Step(State.OK if is_over else State.RECOVERING, dwell)
        if not look.risen:
            return _Step(State.FIRING)
        dwell = _dwell(state, State.FIRING, look, as_of)
        is_news = dwell.meets(rule.dwell_up, rule.for_up)
        return _Step(State.FIRING, dwell, rings=is_news, is_news=is_news)
    if not look.above:
        return _Step(State.OK)
    dwell = _dwell(state, State.PENDING, look, as_of)
    fires = look.by_edit or dwell.meets(rule.dwell_up, rule.for_up)
    return _Step(State.FIRING if fires else State.PENDING, dwell, rings=fires)


def _dwell(state: RuleState, dwelling: State, look: _Look, as_of: datetime) -> _Dwell:
    """The dwell with this evaluation: the one that runs, or a new one where another state ran."""
    if state.state is not dwelling or state.streak == 0:
        return _Dwell(1, as_of)
    since = min(state.streak_since or as_of, as_of)
    return _Dwell(state.streak + look.is_new, since, as_of - since)


def _after(
    rule: Rule, before: RuleState, step: _Step, reading: Reading, digest: str, now: datetime
) -> RuleState:
    """The state after a healthy evaluation, its episode as it was."""
    is_over = step.after is State.OK
    begins = not is_over and _is_calm(rule, before)
    is_moved = before.baseline is None or (begins and not rings_once(rule))
    runs = _Dwell() if is_over or step.rings else step.dwell
    cause = "" if is_over else before.cause
    return replace(
        before,
        state=step.after,
        since=now if step.rings or step.after is not before.state else before.since,
        streak=runs.count,
        streak_since=runs.since,
        evaluated_as_of=reading.as_of,
        definition_digest=digest,
        health=RuleHealth.HEALTHY,
        baseline=reading.probability if is_moved else before.baseline,
        cause=reading.cause if begins else cause,
    )


def _rung(rule: Rule, after: RuleState, step: _Step, look: _Look, reading: Reading) -> RuleState:
    """The state with a new episode, which rings now or, caused by a retune, in the digest."""
    is_quiet = after.cause in rule.digest_causes and not look.by_edit and not step.is_news
    keeps = is_quiet and not rings_once(rule)
    return replace(
        after,
        episode=after.episode + 1,
        route=Route.DIGEST if is_quiet else Route.NOW,
        cause=reading.cause if step.is_news else after.cause,
        baseline=after.baseline if keeps else reading.probability,
    )


def _transition(
    rule: Rule,
    before: RuleState,
    after: RuleState,
    step: _Step,
    look: _Look,
    reading: Reading,
    now: datetime,
) -> Transition:
    is_quiet = step.rings and after.route is Route.DIGEST
    clears = step.after is State.OK and before.state in ALARMED
    notify = NoticeKind.FIRING.value if step.rings else ""
    if clears and (look.edited or not rings_once(rule)):
        notify = NoticeKind.RESOLVED.value
    return Transition(
        rule_id=after.rule_id,
        subject=after.subject,
        at=now,
        before=before.state,
        after=after.state,
        reason=_reason(rule, before, step, look).value,
        detail=_detail(rule, before, step, look, reading, quiet=after.cause if is_quiet else ""),
        episode=after.episode,
        probability=reading.probability,
        previous=reading.previous,
        notify=notify,
        cause=after.cause if is_quiet else reading.cause,
        route=after.route if notify else Route.NOW,
    )


def _reason(rule: Rule, before: RuleState, step: _Step, look: _Look) -> Reason:
    if step.is_news:
        return Reason.RISING_ON
    if look.edited:
        return Reason.RULE_CHANGED
    if step.rings:
        on_probability = rule.kind in ON_PROBABILITY
        return Reason.THRESHOLD_CROSSED if on_probability else Reason.CONDITION_MET
    return _REASONS.get((before.state, step.after), Reason.DWELL_STARTED)


def _detail(
    rule: Rule, before: RuleState, step: _Step, look: _Look, reading: Reading, *, quiet: str
) -> str:
    """One plain sentence: the number, the line it met, and how far the dwell has come."""
    if step.is_news:
        sentence = details.rising_words(rule, reading, before.cause)
    elif step.after is State.OK and before.state in ALARMED and rings_once(rule):
        sentence = details.rung_once_words(reading)
    else:
        dwell = step.dwell
        arrow = (before.state, step.after)
        sentence = details.change_words(rule, reading, *arrow, dwell.count, dwell.lasted)
    sentence += details.digest_words(quiet) if quiet else ""
    return f"{details.as_edited(sentence) if look.edited else sentence}."


def _end(
    before: RuleState,
    after: RuleState,
    reason: Reason,
    ended: str,
    probability: float | None,
    notify: str,
    now: datetime,
) -> Transition:
    return Transition(
        rule_id=after.rule_id,
        subject=after.subject,
        at=now,
        before=before.state,
        after=after.state,
        reason=reason.value,
        detail=f"{ended}{details.last_words(probability)}",
        episode=after.episode,
        probability=probability,
        notify=notify,
        route=before.route if notify == NoticeKind.RESOLVED else Route.NOW,
    )
