"""What scoring finds: frozen facts, made by the functions beside this module."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean scores of `n` forecasts of which `events` came true.

    `log_loss` is in nats; `auc` (ROC) and `average_precision` (area under the
    precision-recall curve, stepwise) are None where all outcomes are alike. `expected` is the
    sum of the forecasts: as many as `events` where they are calibrated at large.
    """

    n: int
    events: int
    expected: float
    brier: float
    log_loss: float
    auc: float | None
    average_precision: float | None


@dataclass(frozen=True, slots=True)
class Gain:
    """A mean score of the reference less ours (above 0: ours is better), and how sure that is.

    `lower` and `upper` are the central `mass` of a block bootstrap over `blocks` blocks of time;
    None where there are too few blocks to tell.
    """

    value: float
    lower: float | None
    upper: float | None
    blocks: int
    mass: float = 0.95


@dataclass(frozen=True, slots=True)
class Skill:
    """What was gained over one reference; `share` is the Brier skill score 1 - ours / its own."""

    against: str
    brier: Gain
    log_loss: Gain
    share: float


@dataclass(frozen=True, slots=True)
class ReliabilityPoint:
    """A step of the CORP curve: `n` forecasts of `forecast` (their mean), recalibrated to
    `observed`; `lower` and `upper` are the consistency band there: where `observed` would lie
    were the forecasts calibrated. None without a band.
    """

    forecast: float
    observed: float
    n: int
    lower: float | None = None
    upper: float | None = None


class Verdict(StrEnum):
    """What can be said of calibration."""

    CALIBRATED = "no sign of miscalibration"
    MISCALIBRATED = "miscalibrated"
    TOO_FEW = "too few to tell"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Brier = mcb - dsc + unc (CORP), the curve, and the tests.

    `intercept` and `slope` are a and b of logit(truth) = a + b logit(forecast); both tests allow
    for forecasts whose windows overlap, by blocks of time. `power` is the chance that the test
    would have found a slope of 0.6 (or an intercept of half a nat) with so many forecasts; where
    it is low the verdict is TOO_FEW. `words` is the verdict as a sentence.
    """

    mcb: float
    dsc: float
    unc: float
    points: tuple[ReliabilityPoint, ...]
    spiegelhalter_z: float | None
    spiegelhalter_p: float | None
    intercept: float | None
    slope: float | None
    likelihood_ratio: float | None
    likelihood_ratio_p: float | None
    power: float | None
    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True)
class AlertScore:
    """What a rule that fires at `fire_at` and clears at `clear_at` would have been worth.

    Episodes are matched one to one to events: a hit rang before its event, at most one horizon
    before or while it lasted, a miss is an event without an episode, a false alarm an episode
    without an event; an event ends the episode that is open. Weeks and years are those of units
    at risk. `lead_days` are quantiles (0.1, 0.25, 0.5, 0.75, 0.9) of the days from ring to
    event, empty without hits. `flip_flops` is the mean number of rings and all-clears a unit and
    year; `value` the relative economic value (1: perfect, 0: no better than climatology) of
    acting during episodes, at a cost-loss ratio of `fire_at`; None where there were no events.
    """

    fire_at: float
    clear_at: float
    episodes: int
    hits: int
    misses: int
    false_alarms: int
    false_alarms_per_100_weeks: float
    precision: float | None
    recall: float | None
    lead_days: tuple[float, ...]
    flip_flops: float
    value: float | None
