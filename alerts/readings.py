"""What one evaluation says to one rule: a value on the rule's own scale, with its error. Pure.

    threshold, loss     P(event)                       error: its Monte Carlo standard error
    certainty           c = Pr(P > level)              sqrt(c (1 - c) / ESS)
    change              log odds ratio to a baseline   of both, each mcse / (p (1 - p))
    all others          1 or 0

Whether a number may be acted on is said beside it, and never changes it.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from forecast.alert import ChannelHealth, ChannelState, Rule, RuleHealth, RuleKind, RuleState
from forecast.estimate import QUANTILE_LEVELS, Estimate, Health
from forecast.likelihood import percent
from forecast.question import Question
from forecast.source import SourceHealth, SourceState

CERTAIN = 1e-9  # odds of probabilities nearer to 0 or 1 than this are not told apart
BETWEEN_LINES = 0.5  # of yes and no: neither fires nor clears
# A unit of time, and from where on spans are told in it.
_UNITS = (
    ("day", timedelta(days=1), timedelta(days=2)),
    ("hour", timedelta(hours=1), timedelta(hours=1)),
    ("minute", timedelta(minutes=1), timedelta(minutes=1)),
    ("second", timedelta(seconds=1), timedelta(0)),
)


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
    """An earlier probability, its Monte Carlo standard error, and where it is taken from.

    Not `is_sound`: no gate vouched for it, so a change from it cannot be told.
    """

    probability: float
    mcse: float
    named: str
    is_sound: bool = True


def read_estimate(
    rule: Rule,
    estimate: Estimate,
    previous: float | None = None,
    baseline: Baseline | None = None,
    *,
    is_stale: bool = False,
) -> Reading | None:
    """What an estimate says to a rule; None where it says nothing of what the rule compares.

    `baseline` is that of a rule of kind change: without one a rule that compares with its last
    alert begins here, and one that compares with an earlier estimate waits for it. `is_stale`:
    whether the unit's reports have stopped coming. An estimate that is not healthy, not a
    number, or too poor for the rule is read as unhealthy.
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
    if rule.kind is RuleKind.UNHEALTHY:
        return _unhealthiness(reading, estimate)
    if rule.kind is RuleKind.THRESHOLD or not _is_number(estimate):
        return reading
    if rule.kind is RuleKind.LOSS:
        return replace(reading, says=_loss_words(rule, estimate.probability))
    if rule.kind is RuleKind.CERTAINTY:
        return _certainty(rule, reading, estimate)
    if rule.kind is RuleKind.CHANGE:
        if baseline is None and rule.over is None:
            baseline = Baseline(estimate.probability, estimate.mcse, "at the first estimate")
        return _change(rule, reading, baseline) if baseline else None
    return None


def baseline_of(rule: Rule, state: RuleState | None, earlier: Estimate | None) -> Baseline | None:
    """With what a rule of kind change compares.

    That is the estimate that stood `rule.over` ago (`earlier`), or, of a rule that compares
    with its last alert, the probability that its state holds, whose own error is not kept.
    """
    if rule.over is not None:
        if earlier is None:
            return None
        is_sound = earlier.health is not Health.UNVERIFIED
        named = f"{span_words(rule.over)} before"
        return Baseline(earlier.probability, earlier.mcse, named, is_sound)
    if state is None or state.baseline is None:
        return None
    named = "at the last alert" if state.episode else "at the first estimate"
    return Baseline(state.baseline, 0.0, named)


def read_deadline(rule: Rule, question: Question, last: Estimate | None, now: datetime) -> Reading:
    """Whether the deadline of an open question is near."""
    left = question.deadline - now
    when = "has passed" if left <= timedelta(0) else f"is {span_words(left)} away"
    probability = last.probability if last else None
    stands = "there is no estimate" if probability is None else f"P is {percent(probability)}"
    return Reading(
        question.question_id,
        now,
        float(left <= rule.within),
        probability=probability,
        says=f"The deadline {when}, and {stands}.",
    )


def read_overdue(
    rule: Rule, question: Question, last: Estimate | None, now: datetime
) -> Reading | None:
    """To a rule of kind unhealthy: whether an estimate is overdue; None where none is.

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
        says=f"There is no new estimate {told}.",
    )


def read_unit(rule: Rule, unit: str, last_report: datetime | None, now: datetime) -> Reading | None:
    """To a rule of kind stale: whether a unit's reports stopped coming; None if none ever came."""
    if last_report is None or rule.after is None:
        return None
    age = max(now - last_report, timedelta(0))
    return Reading(
        unit,
        now,
        float(age > rule.after),
        says=f"The newest report on {unit} came {span_words(age)} ago.",
    )


def read_channel(rule: Rule, state: ChannelState, now: datetime) -> Reading:
    """To a rule of kind channel: whether it is switched off, or has failed for long.

    A failure that is not yet long fires nothing, and clears nothing either.
    """
    is_long = rule.after is None or now - state.since >= rule.after
    why = f": {state.reason.rstrip('.')}" if state.reason else ""
    value, how = {
        ChannelHealth.DISABLED: (1.0, f"is switched off{why}"),
        ChannelHealth.FAILING: (
            1.0 if is_long else BETWEEN_LINES,
            f"has failed since {state.since:%Y-%m-%d %H:%M} UTC{why}",
        ),
        ChannelHealth.WORKS: (0.0, "works"),
    }[state.health]
    return Reading(state.channel, now, value, says=f"The channel {state.channel} {how}.")


def read_source(
    rule: Rule, state: SourceState, expected_gap: timedelta | None, now: datetime
) -> Reading:
    """To a rule of kind source: whether it has been silent or broken for long, as the rule asks.

    What is not yet long fires nothing, and clears nothing either; nor does a source that is
    broken, and so may be silent or not, to a rule that asks for silence.
    """
    health = state.health(expected_gap, now)
    since = state.silent_since(expected_gap, now)
    why = f": {state.reason.rstrip('.')}" if state.reason else ""
    value, how = 0.0, "works"
    if health is SourceHealth.OFF:
        how = f"is switched off: {state.why_off.rstrip('.')}"
    elif health is SourceHealth.BROKEN:
        since = state.failed_at or now
        value = BETWEEN_LINES if rule.when == "silent" else _if_long(rule, since, now)
        how = f"has failed since {since:%Y-%m-%d %H:%M} UTC{why}"
    elif health is SourceHealth.SILENT and since is not None:
        value = 0.0 if rule.when == "broken" else _if_long(rule, since, now)
        heard = state.brought_at or state.since
        how = f"answers, and has brought nothing new for {span_words(now - heard)}"
    return Reading(state.source_id, now, value, says=f"The source {state.source_id} {how}.")


def span_words(span: timedelta) -> str:
    """A length of time in whole units: in two where these say it exactly, else to the nearest.

    >>> [span_words(timedelta(hours=h)) for h in (0.25, 1, 6, 47, 48, 60)]
    ['15 minutes', '1 hour', '6 hours', '47 hours', '2 days', '2 days 12 hours']
    >>> [span_words(timedelta(seconds=s)) for s in (15, 244.2, 344736)]
    ['15 seconds', '4 minutes', '4 days']
    """
    place = next((i for i, (_, _, least) in enumerate(_UNITS) if span >= least), -1)
    name, size, _ = _UNITS[place]
    count, rest = divmod(span, size)
    for finer, part, _ in _UNITS[place:][1:2]:
        if rest and not rest % part:
            return f"{_counted(count, name)} {_counted(rest // part, finer)}"
    return _counted(round(span / size), name)


def amount(number: float) -> str:
    """A number as it was given, with commas between thousands.

    >>> amount(2.0), amount(0.25), amount(1500000)
    ('2', '0.25', '1,500,000')
    """
    return f"{number:,.12g}"


def rounded(number: float) -> str:
    """A number to three digits.

    >>> rounded(4.3), rounded(1234567.0)
    ('4.3', '1,230,000')
    """
    return amount(float(f"{number:.3g}"))


def decimals_of(rule: Rule) -> int:
    """Of percentages beside the rule's lines, so that they are told apart from these.

    >>> [decimals_of(Rule("r", line, 0.0)) for line in (0.4, 0.405, 0.01, 0.001, 0.98765)]
    [0, 1, 1, 2, 2]
    """
    shown = [f"{100 * line:.4g}" for line in (rule.fire_at, rule.clear_at)]
    own = max(len(text.partition(".")[2]) for text in shown)
    from_the_end = min(rule.fire_at, 1.0 - rule.fire_at)
    if from_the_end >= 0.02 or from_the_end <= 0.0:
        return own
    return max(own, 1 + math.ceil(-math.log10(100.0 * from_the_end) - 1e-9))


def log_odds(p: float) -> float:
    """log(p / (1 - p)); p is kept CERTAIN away from 0 and 1."""
    kept = _kept(p)
    return math.log(kept / (1.0 - kept))


def _if_long(rule: Rule, since: datetime, now: datetime) -> float:
    return 1.0 if rule.after is None or now - since >= rule.after else BETWEEN_LINES


def _health(estimate: Estimate, *, is_stale: bool) -> RuleHealth:
    if estimate.health is not Health.HEALTHY or not _is_number(estimate):
        return RuleHealth.MODEL_UNHEALTHY
    return RuleHealth.STALE if is_stale else RuleHealth.HEALTHY


def _is_number(estimate: Estimate) -> bool:
    return math.isfinite(estimate.probability) and math.isfinite(estimate.mcse)


def _unhealthiness(reading: Reading, estimate: Estimate) -> Reading:
    """Read whatever the health: the rule is about it. What moved P is no reason not to ring."""
    is_bad = reading.health is RuleHealth.MODEL_UNHEALTHY
    how = "can be relied on again"
    if is_bad:
        named = estimate.health.value if _is_number(estimate) else "not a number"
        why = f": {estimate.reason.rstrip('.')}" if estimate.reason else ""
        how = f"is {named}{why}"
    return replace(
        reading,
        value=float(is_bad),
        error=0.0,
        probability=reading.probability if math.isfinite(estimate.probability) else None,
        health=RuleHealth.HEALTHY,
        cause="",
        says=f"The estimate {how}.",
    )


def _certainty(rule: Rule, reading: Reading, estimate: Estimate) -> Reading:
    certainty = estimate.exceedance(rule.level)
    if certainty is None:
        is_held = reading.health is not RuleHealth.HEALTHY
        health = reading.health if is_held else RuleHealth.MODEL_UNHEALTHY
        return replace(reading, health=health, says="The estimate keeps no quantiles of P.")
    draws = estimate.diagnostics.get("ess", 0.0)
    error = math.sqrt(certainty * (1.0 - certainty) / draws) if draws > 0 else 0.0
    says = (
        f"It is {_certain_words(rule, certainty)} certain that P is above {100 * rule.level:.4g} %."
    )
    return replace(reading, value=certainty, error=error, says=says)


def _certain_words(rule: Rule, certainty: float) -> str:
    """Beyond the outermost quantile that is kept nothing finer is known."""
    edge = QUANTILE_LEVELS[0]
    if certainty < edge:
        return f"less than {100 * edge:.4g} %"
    if certainty > 1 - edge:
        return f"more than {100 * (1 - edge):.4g} %"
    return percent(certainty, decimals_of(rule))


def _loss_words(rule: Rule, p: float) -> str:
    return f"The expected loss is {rounded(p * rule.loss)} ({percent(p)} of {amount(rule.loss)})."


def _change(rule: Rule, reading: Reading, baseline: Baseline) -> Reading:
    moved = log_odds(reading.value) - log_odds(baseline.probability)
    errors = (
        _logit_error(reading.value, reading.error),
        _logit_error(baseline.probability, baseline.mcse),
    )
    is_held = baseline.is_sound or reading.health is not RuleHealth.HEALTHY
    return replace(
        reading,
        value={"up": moved, "down": -moved, "either": abs(moved)}[rule.direction],
        error=math.hypot(*errors),
        health=reading.health if is_held else RuleHealth.MODEL_UNHEALTHY,
        says=_change_words(moved, reading.value, baseline),
    )


def _change_words(moved: float, p: float, baseline: Baseline) -> str:
    factor = f"{math.exp(abs(moved)):.3g}"
    way = "up" if moved > 0 else "down"
    odds = "The odds have not moved" if factor == "1" else f"The odds moved {way} by {factor}x"
    return f"{odds}, from {percent(baseline.probability)} {baseline.named} to {percent(p)}."


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _kept(p: float) -> float:
    return min(max(p, CERTAIN), 1.0 - CERTAIN)


def _logit_error(p: float, mcse: float) -> float:
    return mcse / (_kept(p) * (1.0 - _kept(p)))
