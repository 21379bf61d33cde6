"""What one evaluation says to one rule: a value on the rule's own scale, with its error. Pure.

    threshold, loss     P(event)                       error: its Monte Carlo standard error
    certainty           c = Pr(P > level)              sqrt(c (1 - c) / ESS)
    change              log odds ratio to a baseline   of both, each mcse / (p (1 - p))
    all others          1 or 0

Whether a number may be acted on is said beside it, and never changes it.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime

from forecast.alert import ChannelHealth, ChannelState, Rule, RuleHealth, RuleKind, RuleState
from forecast.clock import days_between
from forecast.estimate import Estimate, Health
from forecast.likelihood import percent
from forecast.question import Question

CERTAIN = 1e-9  # odds of probabilities nearer to 0 or 1 than this are not told apart


@dataclass(frozen=True, slots=True)
class Reading:
    """What one evaluation says to one rule.

    `value` and `error` (a standard error) are on the scale of `Rule.fire_at`. `probability` is
    that of the estimate, `previous` of the one before it, `cause` the main cause of the move
    between them. `says` is a sentence for kinds whose value is not a probability.
    """

    subject: str
    as_of: datetime
    value: float
    error: float = 0.0
    probability: float | None = None
    previous: float | None = None
    health: RuleHealth = RuleHealth.HEALTHY
    cause: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier probability, its Monte Carlo standard error, and where it is taken from."""

    probability: float
    mcse: float
    named: str


def read_estimate(
    rule: Rule,
    estimate: Estimate,
    previous: float | None = None,
    baseline: Baseline | None = None,
    *,
    is_stale: bool = False,
) -> Reading | None:
    """What an estimate says to a rule; None where it says nothing of what the rule compares.

    `baseline` is that of a rule of kind change, and `is_stale` whether the unit's reports have
    stopped coming. An estimate that is not healthy, or not a number, is read as unhealthy.
    """
    reading = Reading(
        estimate.question_id,
        estimate.as_of,
        estimate.probability,
        estimate.mcse,
        estimate.probability,
        previous,
        _health(estimate, is_stale=is_stale),
        estimate.moved.main_cause() if estimate.moved else "",
    )
    if rule.kind in (RuleKind.THRESHOLD, RuleKind.LOSS):
        return reading
    if rule.kind is RuleKind.UNHEALTHY:
        return _unhealthiness(reading, estimate)
    if rule.kind is RuleKind.CERTAINTY:
        return _certainty(rule, reading, estimate)
    if rule.kind is RuleKind.CHANGE and baseline is not None:
        return _change(rule, reading, baseline)
    return None


def baseline_of(rule: Rule, state: RuleState | None, earlier: Estimate | None) -> Baseline | None:
    """With what a rule of kind change compares.

    That is the estimate that stood `rule.over` ago (`earlier`), or, of a rule that compares
    with its last alert, the probability that its state holds.
    """
    if rule.over is not None:
        if earlier is None:
            return None
        days = rule.over.total_seconds() / 86400
        span = f"{days:.3g} days" if days >= 2 else f"{24 * days:.3g} hours"
        return Baseline(earlier.probability, earlier.mcse, f"{span} before")
    if state is None or state.baseline is None:
        return None
    return Baseline(state.baseline, 0.0, "at the last alert")


def read_deadline(rule: Rule, question: Question, last: Estimate | None, now: datetime) -> Reading:
    """Whether the deadline of an open question is near."""
    left = question.deadline - now
    days = max(days_between(now, question.deadline), 0.0)
    words = f"{days:.0f} days" if days >= 2 else f"{24 * days:.0f} h"
    probability = last.probability if last else None
    stands = "there is no estimate" if probability is None else f"P is {percent(probability)}"
    return Reading(
        question.question_id,
        now,
        float(left <= rule.within),
        probability=probability,
        says=f"The deadline is {words} away, and {stands}.",
    )


def read_overdue(
    rule: Rule, question: Question, last: Estimate | None, now: datetime
) -> Reading | None:
    """To a rule of kind unhealthy: whether a good estimate is overdue; None where it is not.

    None also where the rule has no `after`: then only estimates themselves are read.
    """
    if rule.after is None:
        return None
    since = max(last.as_of, question.opens_at) if last else question.opens_at
    if now - since <= rule.after:
        return None
    told = f"since {last.as_of:%Y-%m-%d %H:%M} UTC" if last else "yet"
    return Reading(
        question.question_id,
        now,
        1.0,
        probability=last.probability if last else None,
        says=f"There is no good estimate {told}.",
    )


def read_unit(rule: Rule, unit: str, last_report: datetime | None, now: datetime) -> Reading | None:
    """To a rule of kind stale: whether a unit's reports stopped coming; None if none ever came."""
    if last_report is None or rule.after is None:
        return None
    age = now - last_report
    days = age.total_seconds() / 86400
    return Reading(
        unit,
        now,
        float(age > rule.after),
        says=f"The newest report on {unit} came {days:.1f} days ago.",
    )


def read_channel(rule: Rule, state: ChannelState, now: datetime) -> Reading:
    """To a rule of kind channel: whether it is switched off, or has failed for long."""
    is_long = rule.after is None or now - state.since >= rule.after
    is_off = state.health is ChannelHealth.DISABLED
    fails = is_off or (state.health is ChannelHealth.FAILING and is_long)
    how = {
        ChannelHealth.DISABLED: f"is switched off: {state.reason}",
        ChannelHealth.FAILING: f"fails since {state.since:%Y-%m-%d %H:%M} UTC: {state.reason}",
        ChannelHealth.WORKS: "works",
    }[state.health]
    return Reading(state.channel, now, float(fails), says=f"The channel {state.channel} {how}.")


def _health(estimate: Estimate, *, is_stale: bool) -> RuleHealth:
    numbers = (estimate.probability, estimate.mcse)
    if estimate.health is not Health.HEALTHY or not all(map(math.isfinite, numbers)):
        return RuleHealth.MODEL_UNHEALTHY
    return RuleHealth.STALE if is_stale else RuleHealth.HEALTHY


def _unhealthiness(reading: Reading, estimate: Estimate) -> Reading:
    """Read whatever the health: the rule is about it."""
    is_bad = reading.health is RuleHealth.MODEL_UNHEALTHY
    how = f"is {estimate.health.value}: {estimate.reason}" if is_bad else "can be relied on again"
    return replace(
        reading,
        value=float(is_bad),
        error=0.0,
        health=RuleHealth.HEALTHY,
        says=f"The estimate {how.rstrip('.: ')}.",
    )


def _certainty(rule: Rule, reading: Reading, estimate: Estimate) -> Reading | None:
    certainty = estimate.exceedance(rule.level)
    if certainty is None:
        return None
    draws = estimate.diagnostics.get("ess", 0.0)
    error = math.sqrt(certainty * (1.0 - certainty) / draws) if draws > 0 else 0.0
    level = f"{100 * rule.level:.4g} %"
    says = f"That P is above {level} is {percent(certainty)} certain."
    return replace(reading, value=certainty, error=error, says=says)


def _change(rule: Rule, reading: Reading, baseline: Baseline) -> Reading:
    moved = _log_odds(reading.value) - _log_odds(baseline.probability)
    errors = (
        _logit_error(reading.value, reading.error),
        _logit_error(baseline.probability, baseline.mcse),
    )
    value = {"up": moved, "down": -moved, "either": abs(moved)}[rule.direction]
    way = "up" if moved > 0 else "down"
    says = (
        f"The odds moved {way} by {math.exp(abs(moved)):.3g}x, "
        f"from {percent(baseline.probability)} {baseline.named} to {percent(reading.value)}."
    )
    return replace(reading, value=value, error=math.hypot(*errors), says=says)


def _kept(p: float) -> float:
    return min(max(p, CERTAIN), 1.0 - CERTAIN)


def _log_odds(p: float) -> float:
    return math.log(_kept(p) / (1.0 - _kept(p)))


def _logit_error(p: float, mcse: float) -> float:
    return mcse / (_kept(p) * (1.0 - _kept(p)))
