"""Several people's beliefs as one.

    linear        the mixture, sum of w_i f_i: nobody's range is overruled, and it is wide
    logarithmic   proportional to the product of f_i^w_i: where all agree, and narrower
                  Normal: precision sum w_i/sd_i^2, mean sum (w_i m_i/sd_i^2) / precision
                  Beta:   a = 1 + sum w_i (a_i - 1), b likewise

The weights sum to 1, so that ten who say the same are no surer than one. The mixture is told by
its central 90 %, and the belief is the Normal or Beta that has it.
Source: Genest and Zidek (1986), Combining probability distributions, Statistical Science 1.
"""

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Literal

from forecast.words import DEFAULT_MASS, Range
from models.priors.elicit import Beta, Normal, beta_share

type Pool = Literal["linear", "logarithmic"]
TAIL = (1 - DEFAULT_MASS) / 2


def normalised(weights: Sequence[float]) -> list[float]:
    """The same weights, summing to 1."""
    return [w / sum(weights) for w in weights]


def pooled_normal(beliefs: Sequence[Normal], weights: Sequence[float], pool: Pool) -> Normal:
    """One Normal of several, of log rates or log ratios."""
    shares = normalised(weights)
    if pool == "logarithmic":
        precision = sum(w / n.sd**2 for w, n in zip(shares, beliefs, strict=True))
        mean = sum(w * n.mean / n.sd**2 for w, n in zip(shares, beliefs, strict=True)) / precision
        return Normal(mean, precision**-0.5)
    each = [NormalDist(n.mean, n.sd) for n in beliefs]
    low, high = (
        _quantile([n.cdf for n in each], shares, [n.inv_cdf(p) for n in each], p)
        for p in (TAIL, 1 - TAIL)
    )
    z = NormalDist().inv_cdf(1 - TAIL)
    return Normal((low + high) / 2, (high - low) / (2 * z))


def pooled_beta(beliefs: Sequence[Beta], weights: Sequence[float], pool: Pool) -> Beta:
    """One Beta of several; ConfigError where none has the mixture's interval."""
    from scipy.stats import beta

    shares = normalised(weights)
    if pool == "logarithmic":
        a, b = (
            1 + sum(w * (getattr(s, name) - 1) for w, s in zip(shares, beliefs, strict=True))
            for name in ("a", "b")
        )
        return Beta(a, b)
    each = [beta(s.a, s.b) for s in beliefs]
    low, high = (
        _quantile([d.cdf for d in each], shares, [float(d.ppf(p)) for d in each], p)
        for p in (TAIL, 1 - TAIL)
    )
    return beta_share(Range(low, high, DEFAULT_MASS))


def disagree(beliefs: Sequence[Normal]) -> bool:
    """Whether two of the central 90 % intervals have nothing in common."""
    ends = [(n.quantile(TAIL), n.quantile(1 - TAIL)) for n in beliefs]
    return max(low for low, _ in ends) > min(high for _, high in ends)


def _quantile(
    cdfs: Sequence[Callable[[float], float]],
    weights: Sequence[float],
    of_each: Sequence[float],
    p: float,
) -> float:
    """That of the mixture, which lies between those of its parts."""
    from scipy.optimize import brentq

    low, high = min(of_each), max(of_each)
    if low == high:
        return low
    return float(
        brentq(lambda x: sum(w * f(x) for w, f in zip(weights, cdfs, strict=True)) - p, low, high)
    )
