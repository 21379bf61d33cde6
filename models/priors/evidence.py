"""A base rate from what happened elsewhere or before, as far as that is relevant.

Power prior: what n events in E days say counts as alpha n events in alpha E days, with alpha the
relevance, 0 to 1. From Jeffreys' Gamma(1/2, 0) of the rate,

    rate ~ Gamma(1/2 + alpha n, alpha E)

Source: Ibrahim, Chen, Gwon, Chen (2015), The power prior, Statistics in Medicine 34.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.priors.elicit import Normal

JEFFREYS = 0.5
type Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class History:
    """How many events a unit had in so many days at risk."""

    unit: str
    events: float
    days: float


def rate_from(events: float, days: float, relevance: float = 1.0) -> Normal:
    """The log rate per day, with the mean and the spread of the Gamma's; days are more than 0."""
    from scipy.special import digamma, polygamma

    shape, time = JEFFREYS + relevance * events, relevance * days
    return Normal(float(digamma(shape)) - math.log(time), math.sqrt(float(polygamma(1, shape))))


def of_a_unit(rate: Normal, log_shape: Normal) -> Normal:
    """The log rate of one unit of a class with mean rate mu: g ~ Gamma(kappa, mean mu).

    log g has the mean log mu + digamma(kappa) - log kappa, below log mu, and the variance
    trigamma(kappa); kappa is taken at its middle.
    """
    from scipy.special import digamma, polygamma

    kappa = math.exp(log_shape.mean)
    lower = float(digamma(kappa)) - log_shape.mean
    return Normal(rate.mean + lower, math.hypot(rate.sd, math.sqrt(float(polygamma(1, kappa)))))


def hierarchical(histories: Sequence[History], log_shape: Normal) -> tuple[Normal, Normal]:
    """The log rate mu of a class of units that differ, and the log shape kappa of how much.

    Units are g_u ~ Gamma(kappa, mean mu), events n_u ~ Poisson(g_u E_u): negative binomial.
    Summed over a grid of (log mu, log kappa), with the prior `log_shape` of log kappa and
    Jeffreys' of mu, so that a class without events does not say "never".
    """
    from scipy.special import gammaln

    n = np.array([h.events for h in histories])
    days = np.array([h.days for h in histories])
    middle = math.log((n.sum() + JEFFREYS) / days.sum())
    log_mu = np.linspace(middle - 6.0, middle + 6.0, 241)
    log_kappa = log_shape.mean + log_shape.sd * np.linspace(-3.0, 3.0, 31)
    mu, kappa = np.exp(log_mu)[:, None, None], np.exp(log_kappa)[None, :, None]
    b = kappa / mu
    level = (
        gammaln(kappa + n) - gammaln(kappa) + kappa * np.log(b) - (kappa + n) * np.log(b + days)
    ).sum(axis=-1)
    level += JEFFREYS * log_mu[:, None]
    level -= ((log_kappa - log_shape.mean) / log_shape.sd) ** 2 / 2
    weight = np.exp(level - level.max())
    weight /= weight.sum()
    return _summary(log_mu, weight.sum(axis=1)), _summary(log_kappa, weight.sum(axis=0))


def _summary(points: Array, weight: Array) -> Normal:
    mean = float(weight @ points)
    return Normal(mean, math.sqrt(float(weight @ (points - mean) ** 2)))
