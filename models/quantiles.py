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
    flat = g.reshape(len(g), -1)
    order = np.argsort(flat, axis=0)
    cumulative = np.cumsum(w[order], axis=0)
    # a rounding error short of the probability is not short of it
    picks = [(cumulative < p - 1e-12).sum(axis=0).clip(max=len(g) - 1) for p in probabilities]
    columns = np.arange(flat.shape[1])
    values = [flat[order[pick, columns], columns] for pick in picks]
    return np.stack(values).reshape(len(probabilities), *g.shape[1:])
