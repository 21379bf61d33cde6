"""Posteriors in NumPy, small enough that a grid knows the answer: what a ladder can be tried on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.covariates import Array
from models.engine.problem import Problem

STEP = 1e-5


@dataclass(frozen=True)
class Numeric:
    """Normal priors around 0 with sd `scale` (parameter,), and a log likelihood (draw,) of draws.

    The gradient is that of central differences.
    """

    scale: Array
    likelihood: Callable[[Array], Array]

    @property
    def start(self) -> Array:
        return np.zeros_like(self.scale)

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        steps = STEP * np.diag(self.scale)
        levels = self.log_posterior(np.concatenate([theta[None], theta + steps, theta - steps]))
        ahead, behind = levels[1:].reshape(2, -1)
        with np.errstate(invalid="ignore"):  # where there is no density there is no slope
            return float(levels[0]), (ahead - behind) / (2 * STEP * self.scale)

    def log_prior(self, draws: Array) -> Array:
        return np.asarray(-0.5 * ((draws / self.scale) ** 2).sum(axis=1))

    def log_likelihood(self, draws: Array) -> Array:
        return self.likelihood(draws)

    def log_posterior(self, draws: Array) -> Array:
        return self.log_prior(draws) + self.log_likelihood(draws)


def gaussian(mean: Array, sd: float = 0.5, prior: float = 2.0) -> Numeric:
    """Each parameter was measured once, with an error of `sd`."""
    return Numeric(
        np.full(len(mean), prior), lambda draws: -0.5 * (((draws - mean) / sd) ** 2).sum(axis=1)
    )


def log_gamma(parameters: int, shape: float) -> Numeric:
    """Each is the log of a rate that saw `shape` events in as many days: skewed to the left."""
    return Numeric(
        np.full(parameters, 3.0), lambda draws: shape * (draws - np.exp(draws)).sum(axis=1)
    )


def banana(parameters: int, bend: float = 0.5, width: float = 0.4) -> Numeric:
    """The second parameter follows the square of the first; the others were measured once."""

    def likelihood(draws: Array) -> Array:
        off = (draws[:, 1] - bend * (draws[:, 0] ** 2 - 1)) / width
        rest = (draws[:, 2:] - 0.5) / 0.5
        return np.asarray(-0.5 * off**2 - 0.5 * (rest**2).sum(axis=1))

    return Numeric(np.ones(parameters), likelihood)


def two_modes(parameters: int, apart: float = 8.0) -> Numeric:
    """Equal bumps of width 1 on both sides of 0, at `apart` in every parameter."""

    def likelihood(draws: Array) -> Array:
        bumps = [-0.5 * ((draws - at) ** 2).sum(axis=1) for at in (apart, -apart)]
        return np.asarray(np.logaddexp(*bumps))

    return Numeric(np.full(parameters, 10.0), likelihood)


def heavy(parameters: int, scale: float = 1.0) -> Numeric:
    """Cauchy in each parameter, which no proposal of ours has the tails of."""
    return Numeric(
        np.full(parameters, 1e4), lambda draws: -np.log1p((draws / scale) ** 2).sum(axis=1)
    )


def broken(parameters: int, value: float, where: Callable[[Array], NDArray[np.bool_]]) -> Numeric:
    """A Gaussian whose likelihood is `value` in some places."""
    sound = gaussian(np.zeros(parameters))
    return Numeric(
        sound.scale, lambda draws: np.where(where(draws), value, sound.likelihood(draws))
    )


def problem(target: Numeric, seed: int = 1, data: str = "data", size: int = 10) -> Problem:
    """A problem of that target, without NUTS."""
    return Problem(target=target, seed=seed, prior_digest="p", data_digest=data, size=size)


@dataclass(frozen=True)
class Grid:
    """The exact marginals of the first two parameters of a target, as if there were no others."""

    points: Array
    weights: Array

    @classmethod
    def of(cls, target: Numeric, reach: float = 6.0, nodes: int = 801) -> "Grid":
        axis = np.linspace(-reach, reach, nodes)
        points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        level = Numeric(target.scale[:2], target.likelihood).log_posterior(points)
        weights = np.exp(level - level.max())
        return cls(points, weights / weights.sum())

    def mean(self, place: int) -> float:
        return float(self.weights @ self.points[:, place])

    def sd(self, place: int) -> float:
        return float(np.sqrt(self.weights @ (self.points[:, place] - self.mean(place)) ** 2))

    def below(self, place: int, value: float) -> float:
        """The distribution function."""
        return float(self.weights @ (self.points[:, place] <= value))
