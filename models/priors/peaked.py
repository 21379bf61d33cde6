"""A belief told by its peak and one bound: "most likely 8%, 95% sure below 40%".

    rate, factor   log X ~ Normal, peaked at the log: mean log peak, and the bound z sd away
    share          X ~ Beta with that mode, a = 1 + k m, b = 1 + k (1 - m), and k by the bound

The peak of a rate or a factor is that of its logarithm, on which it is drawn; so it is the median.
"""

import math
from statistics import NormalDist

from models.priors.elicit import Beta, Normal

MOST_SURE = 1e6  # k at most: as good as known


def peaked_normal(peak: float, bound: float, mass: float) -> Normal:
    """The Normal of log X with that peak, and `mass` of X between it and beyond, up to `bound`.

    2.0 most likely and 90 % sure below 8.0: the bound is 1.28 spreads of log 4 away.

    >>> n = peaked_normal(2.0, 8.0, 0.9)
    >>> round(n.mean, 4), round(n.sd, 4), round(NormalDist(n.mean, n.sd).cdf(math.log(8.0)), 6)
    (0.6931, 1.0817, 0.9)
    """
    z = NormalDist().inv_cdf(mass)
    return Normal(math.log(peak), abs(math.log(bound / peak)) / z)


def peaked_beta(mode: float, bound: float, mass: float) -> Beta | None:
    """The Beta with that mode, and `mass` of it on the mode's side of the bound.

    None where there is none: even the flattest one, the uniform, has too much there.
    """
    from scipy.optimize import brentq
    from scipy.special import betainc

    def beyond(log_k: float) -> float:
        k = math.exp(log_k)
        below = float(betainc(1 + k * mode, 1 + k * (1 - mode), bound))
        return (below if bound > mode else 1 - below) - mass

    low, high = -20.0, math.log(MOST_SURE)
    if beyond(low) > 0 or beyond(high) < 0:
        return None
    k = math.exp(brentq(beyond, low, high, xtol=1e-10))
    return Beta(1 + k * mode, 1 + k * (1 - mode))


def furthest(mode: float, bound: float, mass: float) -> float:
    """The bound of that side that the flattest such Beta has, and a little nearer to the mode."""
    uniform = mass if bound > mode else 1 - mass
    return uniform + 0.05 * (mode - uniform)
