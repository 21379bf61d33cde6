"""Plain ranges to distributions whose central interval they are.

A range (low, high, mass) is read as an equal-tailed interval: below `low` and above `high`
lie (1-mass)/2 each. With z = Phi^-1((1+mass)/2):

    rate or ratio   log X ~ Normal( (log low + log high)/2, (log high - log low)/(2z) )
    share           X ~ Beta(a, b) with both tail probabilities met
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from forecast.errors import ConfigError
from forecast.words import Range


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal(mean, sd), of a log rate or a log hazard ratio."""

    mean: float
    sd: float

    def quantile(self, p: float) -> float:
        """The value below which lies probability p."""
        return NormalDist(self.mean, self.sd).inv_cdf(p)


@dataclass(frozen=True, slots=True)
class Beta:
    """Beta(a, b), of a share of a whole."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        """a / (a + b)."""
        return self.a / (self.a + self.b)


def log_normal(words: Range) -> Normal:
    """The Normal of log X whose central interval is the range.

    5 % to 20 % a quarter, 90 % sure, is Normal(-6.749, 0.447) of the log rate per day:

    >>> from forecast.words import parse_rate
    >>> n = log_normal(parse_rate("5%..20% per quarter, 90% sure"))
    >>> round(n.mean, 3), round(n.sd, 3)
    (-6.749, 0.447)
    """
    z = NormalDist().inv_cdf((1 + words.mass) / 2)
    low, high = math.log(words.low), math.log(words.high)
    return Normal((low + high) / 2, (high - low) / (2 * z))


@lru_cache(maxsize=256)
def beta_share(words: Range) -> Beta:
    """The Beta whose central interval is the range; both tails are met to 1e-6.

    Solved in (logit mean, log concentration), started at the Normal match on the logit scale.
    """
    from scipy.optimize import root
    from scipy.special import betainc

    tail = (1 - words.mass) / 2

    def misses(point: tuple[float, float]) -> tuple[float, float]:
        mean, total = 1 / (1 + math.exp(-point[0])), math.exp(min(point[1], 40.0))
        a, b = mean * total, (1 - mean) * total
        return betainc(a, b, words.low) - tail, betainc(a, b, words.high) - 1 + tail

    impossible = ConfigError(
        f"no Beta has {words.low:g} to {words.high:g} as its {words.mass:.0%} interval"
    )
    try:
        solution = root(misses, _beta_start(words), tol=1e-10)
    except OverflowError:  # a range as narrow as rounding
        raise impossible from None
    if not solution.success or max(map(abs, misses(tuple(solution.x)))) > 1e-6:
        raise impossible
    mean, total = 1 / (1 + math.exp(-solution.x[0])), math.exp(solution.x[1])
    return Beta(float(mean * total), float((1 - mean) * total))


def _beta_start(words: Range) -> tuple[float, float]:
    z = NormalDist().inv_cdf((1 + words.mass) / 2)
    low, high = (math.log(p / (1 - p)) for p in (words.low, words.high))
    middle, sd = (low + high) / 2, (high - low) / (2 * z)
    mean = 1 / (1 + math.exp(-middle))
    return middle, math.log(max(1 / (sd**2 * mean * (1 - mean)) - 1, 0.1))
