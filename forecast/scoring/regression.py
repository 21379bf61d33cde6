"""The logistic regression of outcomes on forecasts: logit(truth) = a + b logit(p).

Written about the forecasts, with logit(p) as offset, logit(truth) = logit(p) + X theta, so that
theta = 0 says "calibrated": theta = (a, b - 1), or only a where forecasts are all alike.

Source: Cox (1958), Two further applications of a model for binary regression, Biometrika 45,
562-565.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

_ALIKE = 1e-9  # variance of logit(p) below which there is no slope to find
_VAGUEST = 5.0  # nats: where outcomes can be told apart exactly, coefficients run away


@dataclass(frozen=True, slots=True)
class Fit:
    """`intercept` a and `slope` b, None where not to be had; `ratio` is 2 (l(a, b) - l(0, 1))."""

    intercept: float | None
    slope: float | None
    ratio: float


def columns(p: Floats) -> Floats:
    """X (row, 2): ones and logit(p), or (row, 1): ones, where forecasts are all alike."""
    x, ones = np.log(p / (1.0 - p)), np.ones(len(p))
    return np.column_stack([ones, x]) if x.var() > _ALIKE else ones[:, None]


def information(p: Floats, x: Floats) -> Floats:
    """The variance (k, k) of the score at theta = 0 of independent rows: X' diag(p (1 - p)) X."""
    return np.asarray(x.T @ (x * (p * (1.0 - p))[:, None]))


def fit(p: Floats, y: Floats) -> Fit:
    """The likeliest coefficients for forecasts `p` (row,), none of them 0 or 1.

    Where some coefficients tell yes from no without error there are no likeliest ones, and none
    are given; the ratio is then that of a perfect forecaster.

    >>> p = np.array([0.2, 0.2, 0.2, 0.2, 0.8, 0.8, 0.8, 0.8])
    >>> found = fit(p, np.array([0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]))
    >>> round(abs(found.intercept), 3), round(found.slope, 3)  # log 3 / log 4
    (0.0, 0.792)
    >>> fit(p, (p > 0.5) * 1.0).slope is None
    True
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    x, offset = columns(p), np.log(p / (1.0 - p))
    signs = 2.0 * y - 1.0

    def loss(theta: Floats) -> float:
        return float(np.logaddexp(0.0, -signs * (offset + x @ theta)).sum())

    def slopes(theta: Floats) -> Floats:
        return np.asarray(x.T @ (expit(offset + x @ theta) - y))

    def bends(theta: Floats) -> Floats:
        return information(expit(offset + x @ theta), x)

    start = np.zeros(x.shape[1])
    found = minimize(loss, start, jac=slopes, hess=bends, method="trust-exact")
    ratio = max(0.0, 2.0 * (loss(start) - float(found.fun)))
    if not _is_told(bends(found.x)):
        return Fit(None, None, ratio)
    return Fit(float(found.x[0]), float(found.x[1]) + 1.0 if len(start) > 1 else None, ratio)


def _is_told(curvature: Floats) -> bool:
    """Whether the standard errors of all coefficients are small enough to mean anything."""
    if np.linalg.eigvalsh(curvature)[0] <= 1e-9:
        return False
    return bool(np.diag(np.linalg.inv(curvature)).max() <= _VAGUEST**2)
