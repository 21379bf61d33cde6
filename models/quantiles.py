"""Quantiles of weighted draws."""

import numpy as np

from models.covariates import Array


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
