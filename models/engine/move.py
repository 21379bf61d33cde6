"""Rung T2: weighted draws are resampled, and each is moved by a chain that keeps the posterior.

Iterated batch importance sampling (Chopin 2002), with a move that autoregresses towards the
weighted mean m with the weighted covariance S of the draws (Neal 1999, Cotter et al. 2013):

    theta' = m + sqrt(1 - r^2) (theta - m) + r L z,   L L' = S,   r in (0, 1]

which alone would leave Normal(m, S) as it is, so that only the ratio of posterior to Normal is
accepted or rejected. Near a Normal a few steps forget where they began, in any dimension; a
random walk needs as many as there are parameters. Tails much heavier than Normal that the
draws never reached are not found by it, and the gate cannot tell.
"""

from dataclasses import dataclass

import numpy as np

from forecast.errors import HeldError
from models.covariates import Array
from models.engine.gates import Gate
from models.engine.psis import Weights
from models.engine.target import Target

LEAST_ESS = 100.0  # of the draws before the move: fewer say too little of where to go
MOST_STEPS = 30
STEPS_AT_ONCE = 4
GOOD_ACCEPTANCE = 0.25  # below it the next steps are shorter
MOST_CORRELATION = 0.1  # of a draw with where it began, in any parameter
RIDGE = 1e-9
LEAST_EFFICIENCY = 1e-3


@dataclass(frozen=True, slots=True)
class Moved:
    """Equally weighted draws, the share of accepted steps, and the worst correlation left.

    `efficiency` is how many independent draws one of these is worth.
    """

    draws: Array
    acceptance: float
    correlation: float
    efficiency: float
    gate: Gate


def resample_and_move(target: Target, draws: Array, weights: Weights, seed: int) -> Moved:
    """Rung T2 from weighed draws (draw, parameter); HeldError where too little of them is left."""
    if not weights.ess >= LEAST_ESS:
        raise HeldError(f"only {weights.ess:.0f} draws' worth to move from")
    rng = np.random.default_rng([seed, 0, 2])
    mean, factor = _moments(draws, weights.w)
    began = draws[systematic(weights.w, rng)]
    white = np.linalg.solve(factor, (began - mean).T).T
    start, level, step = white.copy(), _log_ratio(target, began, white), 1.0
    accepted: list[float] = []
    while len(accepted) < MOST_STEPS:
        for _ in range(STEPS_AT_ONCE):
            white, level, share = _step(target, mean, factor, white, level, step, rng)
            accepted.append(share)
        if np.mean(accepted[-STEPS_AT_ONCE:]) < GOOD_ACCEPTANCE:
            step *= 0.6
        correlation = _worst_correlation(start, white)
        if correlation <= MOST_CORRELATION:
            break
    acceptance = float(np.mean(accepted))
    reason = (
        f"moved draws still look where they began (correlation {correlation:.2f})"
        if correlation > MOST_CORRELATION
        else ""
    )
    # tails forget last, and squares know of tails
    memory = max(correlation, _worst_correlation(start**2, white**2))
    efficiency = efficiency_of(memory, weights.ess / len(draws))
    return Moved(mean + white @ factor.T, acceptance, correlation, efficiency, Gate(reason))


def efficiency_of(correlation: float, before: float) -> float:
    """What one of S moved draws is worth, where one was worth `before` ahead of the move.

    A part c, the correlation, of each draw's distance from the mean is still that of where it
    began, and the mean of those beginnings errs as that of S times `before` draws:

        variance of the mean = c^2 / (S before) + (1 - c^2) / S
    """
    left = correlation**2
    return 1.0 / (left / min(before, 1.0) + 1.0 - left)


def systematic(w: Array, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Indices (draw,) of a systematic resample by normalised weights (draw,), in random order."""
    points = (rng.random() + np.arange(len(w))) / len(w)
    picked = np.searchsorted(np.cumsum(w), points).clip(max=len(w) - 1)
    return rng.permutation(picked)


def _step(
    target: Target,
    mean: Array,
    factor: Array,
    white: Array,
    level: Array,
    step: float,
    rng: np.random.Generator,
) -> tuple[Array, Array, float]:
    """One step of every chain, in coordinates where the reference is standard Normal."""
    proposed = np.sqrt(1 - step**2) * white + step * rng.standard_normal(white.shape)
    reached = _log_ratio(target, mean + proposed @ factor.T, proposed)
    taken = np.log(rng.random(len(white))) < reached - level
    return (
        np.where(taken[:, None], proposed, white),
        np.where(taken, reached, level),
        float(taken.mean()),
    )


def _log_ratio(target: Target, draws: Array, white: Array) -> Array:
    """Log of posterior over reference (draw,), up to a constant; not a number is no place to go."""
    level = target.log_prior(draws) + target.log_likelihood(draws) + 0.5 * (white**2).sum(axis=1)
    return np.where(np.isfinite(level), level, -np.inf)


def _moments(draws: Array, w: Array) -> tuple[Array, Array]:
    mean = w @ draws
    centred = draws - mean
    covariance = (w[:, None] * centred).T @ centred
    ridge = RIDGE * np.diag(np.diag(covariance)) + 1e-300 * np.eye(len(mean))
    return mean, np.linalg.cholesky(covariance + ridge)


def _worst_correlation(start: Array, now: Array) -> float:
    a, b = start - start.mean(axis=0), now - now.mean(axis=0)
    norm = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return float(np.max((a * b).sum(axis=0) / np.maximum(norm, 1e-300)))
