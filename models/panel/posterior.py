"""Draws of a panel's posterior: a mode and Laplace's Normal for each width of the prior, mixed.

The proposal is the mixture over widths, each with its evidence, and importance weights make it
exact. Its tails are Student's t of half as many degrees of freedom as there are parameters:
wide enough for few, and not so wide that with many no draw is near the mode.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, logsumexp

from models.covariates import Array
from models.engine.gates import khat_limit
from models.engine.psis import Weights, smooth
from models.panel.density import PanelDensity, Prior, Windows

STEP = 1e-3  # of the differences of the gradient, in posterior standard deviations
LEAST_FREEDOM = 7.0  # of Student's t; more with more parameters, whose lengths it spreads too far
LEAST_SHARE = 0.03  # of the draws go to any width, so that none is missed for want of a draw
LEAST_ESS = 0.1  # of the draws


@dataclass(frozen=True, slots=True)
class Posterior:
    """Draws (draw, 2 + column) with normalised weights (draw,).

    `shrinkage` (width,) is the evidence for each width, `khat` that of the weights, NaN where
    the draws were not weighed; `findings` says where the weights failed.
    """

    draws: Array
    weights: Array
    shrinkage: Array
    khat: float
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Laplace:
    """`mode` and `factor` L with L L' the inverse curvature there; `evidence` is a logarithm."""

    mode: Array
    factor: Array
    evidence: float

    def draw(self, count: int, freedom: float, rng: np.random.Generator) -> Array:
        """Student-t draws (draw, parameter); of infinite freedom, Normal ones.

        Normal ones are not weighed, and come in pairs on both sides of the mode: the mean of a
        forecast, which is nearly straight in theta, then hardly depends on the seed.
        """
        z = rng.standard_normal((count, len(self.mode)))
        if np.isfinite(freedom):
            z /= np.sqrt(rng.chisquare(freedom, count) / freedom)[:, None]
        else:
            half = count // 2
            z[half : 2 * half] = -z[:half]
        return np.asarray(self.mode + z @ self.factor.T)

    def log_density(self, draws: Array, freedom: float) -> Array:
        """Of Student-t draws (draw,)."""
        z = np.linalg.solve(self.factor, (draws - self.mode).T)
        n, distance = len(self.mode), (z**2).sum(axis=0)
        normaliser = gammaln((freedom + n) / 2) - gammaln(freedom / 2)
        normaliser -= 0.5 * n * np.log(freedom * np.pi) + np.linalg.slogdet(self.factor)[1]
        return np.asarray(normaliser - 0.5 * (freedom + n) * np.log1p(distance / freedom))


def draw(
    density: PanelDensity, windows: Windows, prior: Prior, draws: int, weigh: bool, seed: int
) -> Posterior:
    """Draws of theta given the windows, which are loaded into `density` with the prior."""
    density.load(windows, prior)
    around = _laplace(density, windows, prior)
    evidence = np.array([one.evidence for one in around])
    shrinkage = np.exp(evidence - logsumexp(evidence))
    findings: tuple[str, ...] = ()
    khat = np.nan
    if weigh:
        density.believe(prior)
        share = np.maximum(shrinkage, LEAST_SHARE)
        theta, weights = _weigh(density, around, share / share.sum(), draws, seed)
        khat = weights.khat
        if khat < khat_limit(draws) and weights.ess >= LEAST_ESS * draws:
            return Posterior(theta, weights.w, shrinkage, khat, ())
        findings = (
            f"the draws are Laplace's approximation: with k-hat {khat:.2f} and "
            f"{weights.ess:.0f} of {draws} draws' worth left, weights would not mend it",
        )
    theta = _mixture(around, shrinkage, draws, np.inf, seed)
    return Posterior(theta, np.full(draws, 1.0 / draws), shrinkage, khat, findings)


def _weigh(
    density: PanelDensity, around: list[_Laplace], share: Array, draws: int, seed: int
) -> tuple[Array, Weights]:
    """Draws of the wide mixture, and the weights that make them the posterior's."""
    freedom = max(LEAST_FREEDOM, len(around[0].mode) / 2)
    theta = _mixture(around, share, draws, freedom, seed)
    parts = [
        one.log_density(theta, freedom) + np.log(s) for one, s in zip(around, share, strict=True)
    ]
    target = density.log_prior(theta) + density.log_likelihood(theta)
    return theta, smooth(target - logsumexp(parts, axis=0))


def _mixture(around: list[_Laplace], share: Array, draws: int, freedom: float, seed: int) -> Array:
    """Draws (draw, parameter), of each width its share."""
    rng = np.random.default_rng(seed)
    counts = np.diff(np.floor(np.r_[0.0, np.cumsum(share)] * draws + 0.5)).astype(int)
    drawn = [one.draw(count, freedom, rng) for one, count in zip(around, counts, strict=True)]
    return np.concatenate(drawn)


def _laplace(density: PanelDensity, windows: Windows, prior: Prior) -> list[_Laplace]:
    """One Normal for each width; the curvature of the likelihood is taken at the best mode."""
    rough = _rough_curvature(windows)
    modes, start = [], prior.start()
    for width in range(len(prior.sd)):
        density.believe(prior.only(width))
        factor, log_det = _factor(rough, prior.scale(width))
        mode, value = _find_mode(density, start, factor)
        modes.append((mode, value + log_det))
        start = mode
    best = int(np.argmax([value for _, value in modes]))
    density.believe(prior.only(best))
    scale = prior.scale(best)
    whole = _curvature(density, modes[best][0], _factor(rough, scale)[0])
    likelihood = whole - np.diag(scale**-2.0)
    around = []
    for width, (mode, _) in enumerate(modes):
        density.believe(prior.only(width))
        factor, log_det = _factor(likelihood, prior.scale(width))
        value = density.value_and_gradient(mode)[0] + prior.log_weight[width]
        around.append(_Laplace(mode, factor, value + log_det))
    return around


def _rough_curvature(windows: Windows) -> Array:
    """Of minus the log likelihood, as if every window had the same chance: good enough to steer."""
    x = np.column_stack([np.ones(len(windows.x)), windows.x])
    chance = (windows.weight @ windows.happened + 0.5) / (windows.weight.sum() + 1.0)
    inner = (x * windows.weight[:, None]).T @ x * chance * (1 - chance)
    whole = np.zeros((len(inner) + 1, len(inner) + 1))
    places = np.r_[0, 2 : len(whole)]
    whole[np.ix_(places, places)] = inner
    return whole


def _factor(curvature: Array, scale: Array) -> tuple[Array, float]:
    """L with L L' = (curvature + scale^-2)^-1, and log det L.

    An eigenvalue below a quarter of the prior's would mean that data made us less sure by far:
    it is noise or a saddle, and is lifted to that.
    """
    scaled = curvature * scale[:, None] * scale + np.eye(len(scale))
    values, vectors = np.linalg.eigh((scaled + scaled.T) / 2)
    roots = 1.0 / np.sqrt(np.maximum(values, 0.25))
    return scale[:, None] * vectors * roots, float(np.log(scale).sum() + np.log(roots).sum())


def _find_mode(density: PanelDensity, start: Array, factor: Array) -> tuple[Array, float]:
    """The mode by L-BFGS in coordinates where the posterior is roughly round, and its density."""

    def objective(u: Array) -> tuple[float, Array]:
        value, gradient = density.value_and_gradient(start + factor @ u)
        return -value, -gradient @ factor

    options = {"ftol": 1e-10, "gtol": 1e-3, "maxiter": 200}
    found = minimize(objective, np.zeros_like(start), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(start + factor @ found.x), -float(found.fun)


def _curvature(density: PanelDensity, mode: Array, factor: Array) -> Array:
    """Minus the Hessian of the log posterior, by differences of its gradient along `factor`."""
    here = density.value_and_gradient(mode)[1]
    rows = [density.value_and_gradient(mode + STEP * along)[1] for along in factor.T]
    white = -(np.array(rows) - here) @ factor / STEP
    inverse = np.linalg.inv(factor)
    return np.asarray(inverse.T @ ((white + white.T) / 2) @ inverse)
