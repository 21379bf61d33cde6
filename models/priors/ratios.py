"""A likelihood ratio of a sign as the hazard ratio of a model, where there is one.

A likelihood ratio L multiplies the odds of the event in a window, a hazard ratio R its
cumulative hazard. With p the probability without the sign,

    p' = L p / (1 - p + L p),     R = log(1 - p') / log(1 - p)

For small p they are the same; R depends on p, so where p is not known well no one R is meant.
"""

import math
from dataclasses import dataclass

from forecast.words import Range
from models.priors.elicit import Normal, log_normal

MOST_APART = 1.25  # R at either end of the base rate, over each other


@dataclass(frozen=True, slots=True)
class Converted:
    """The hazard ratio at the median base rate, and its upper end at either end of the rate."""

    log_ratio: Normal
    at_low: float
    at_high: float

    @property
    def is_one(self) -> bool:
        """Whether it is much the same whatever the base rate is."""
        ratio = self.at_low / self.at_high
        return max(ratio, 1 / ratio) <= MOST_APART


def hazard_ratio(likelihood_ratio: float, p: float) -> float:
    """R of L at the probability p of the window.

    >>> round(hazard_ratio(3.0, 0.01), 2), round(hazard_ratio(3.0, 0.5), 2)
    (2.97, 2.0)
    """
    odds = likelihood_ratio * p / (1 - p)
    return math.log1p(odds) / -math.log1p(-p)


def likelihood_ratio(hazard_ratio_: float, p: float) -> float:
    """L of R at the probability p of the window."""
    return math.expm1(-hazard_ratio_ * math.log1p(-p)) * (1 - p) / p


def converted(stated: Range, log_rate: Normal, days: float) -> Converted:
    """A range of likelihood ratios about a window of so many days, under a base rate."""
    low, middle, high = (
        -math.expm1(-days * math.exp(log_rate.quantile(q))) for q in (0.05, 0.5, 0.95)
    )
    ends = [hazard_ratio(x, middle) for x in (stated.low, stated.high)]
    widest = max((stated.low, stated.high), key=lambda x: abs(math.log(x)))
    return Converted(
        log_normal(Range(ends[0], ends[1], stated.mass)),
        hazard_ratio(widest, low),
        hazard_ratio(widest, high),
    )
