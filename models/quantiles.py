"""Quantiles of weighted draws, and the interval among them."""

from collections.abc import Sequence

import numpy as np

from forecast.estimate import QUANTILE_LEVELS, Interval
from models.api import BAND, BAND_MASS
from models.covariates import Array

LOWER, UPPER = (QUANTILE_LEVELS.index(probability) for probability in BAND)


def interval_among(quantiles: Sequence[float]) -> Interval:
    """The central 90 % from the values at `QUANTILE_LEVELS`."""
    return Interval(quantiles[LOWER], quantiles[UPPER], BAND_MASS)


def weighted_quantiles(g: Array, w: Array, probabilities: tuple[float, ...]) -> Array:
    """Quantiles (probability, ...) of g (draw, ...) over its first axis, weighted by w (draw,).

    The smallest value at which the weights below and at it reach the probability.

    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, 0.3]), (0.5, 0.9))
    array([1., 3.])
    """
    # a column's draws beside each other in memory: sorting them took most of the time
    columns = np.ascontiguousarray(g.reshape(len(g), -1).T)
    order = np.argsort(columns, axis=1)
    cumulative = np.cumsum(w[order], axis=1)
    # a rounding error short of the probability is not short of it
    picks = [(cumulative < p - 1e-12).sum(axis=1).clip(max=len(g) - 1) for p in probabilities]
    places = np.arange(len(columns))
    values = [columns[places, order[places, pick]] for pick in picks]
    return np.stack(values).reshape(len(probabilities), *g.shape[1:])
