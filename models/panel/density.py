"""The panel hazard with Gamma frailty and Bernoulli windows, as one PyMC model.

    score of a window   eta = log_rate + log(length) + x beta
    its hazard          mu = log( 1 + e^eta ): e^eta where rare, and growing no faster than eta
    at unit u           P(an event in the window | g) = 1 - exp(-g mu),  g_u ~ Gamma(kappa, kappa)

Where g is 1 that is the logistic curve, and where events are rare a proportional hazard: one
far-out column cannot make certainty of it. The unit's g, of mean 1, is integrated out: with E
the summed mu of its windows without an event and n windows b with one,

    1 - exp(-g mu) = g mu exp(-g mu / 2) sinhc(g mu / 2),    sinhc(z) = sinh(z) / z

    integral = prod mu_b * kappa^kappa / Gamma(kappa) * Gamma(kappa + n) / R^(kappa + n) * T
    R = kappa + E + sum mu_b / 2,    T = mean of prod sinhc(g mu_b / 2) under Gamma(kappa + n, R)

T is near 1 and smooth in g: nine Gauss-Hermite nodes through Wilson-Hilferty's cube root. The
same nodes give the mean and variance of g given all windows, and so the Gamma that a
prediction uses. Windows that overlap weigh less than 1, as powers of their likelihoods.

The prior of beta is one Normal, or a mixture of some that differ in how wide they are.
Here nothing may be written that PyTensor's Python linker computes element by element in
Python (softplus, clip, small integer powers): a tenfold difference, measured.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.replace import graph_replace

from models.covariates import Array
from models.engine.compiled import CompiledModel
from models.engine.parts import in_parts
from models.panel.facts import Codes

NODES = 9
LINEAR = -15.0  # below it log(1 + e^eta) is e^eta to seven digits
SMALL, LARGE = 1e-2, 20.0  # between them sinhc is taken as written


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows ahead of landmarks, sorted by unit: what is learnt from.

    `x` (window, column), `happened` (window,) 0 or 1, `weight` (window,), `unit` (window,) codes
    below `units`; every window is `length` days long.
    """

    x: Array
    happened: Array
    weight: Array
    unit: Codes
    units: int
    length: float

    def data(self) -> dict[str, Any]:
        """As the model's data; windows with an event stand on their own too."""
        hit = self.happened > 0
        bounds = np.searchsorted(self.unit, np.arange(self.units + 1))
        of_events = np.searchsorted(self.unit[hit], np.arange(self.units + 1))
        return {
            "x": self.x,
            "part": self.weight * (1 - self.happened / 2),
            "first": bounds[:-1],
            "last": bounds[1:],
            "event_x": self.x[hit],
            "event_weight": self.weight[hit],
            "event_unit": self.unit[hit],
            "event_first": of_events[:-1],
            "event_last": of_events[1:],
            "events": np.bincount(self.unit, self.weight * self.happened, self.units),
            "log_length": np.float64(np.log(self.length)),
        }


@dataclass(frozen=True, slots=True)
class Prior:
    """Normal priors: `log_rate` and `log_shape` are (mean, sd); beta has `mean` (column,) and one
    of the rows of `sd` (width, column), with `log_weight` (width,).
    """

    log_rate: tuple[float, float]
    log_shape: tuple[float, float]
    mean: Array
    sd: Array
    log_weight: Array

    def data(self) -> dict[str, Any]:
        """As the model's data."""
        return {
            "rate_prior": np.array(self.log_rate),
            "shape_prior": np.array(self.log_shape),
            "beta_mean": self.mean,
            "beta_sd": self.sd,
            "log_weight": self.log_weight,
        }

    def only(self, width: int) -> "Prior":
        """With one of the widths for sure."""
        sd = self.sd[width : width + 1]
        return Prior(self.log_rate, self.log_shape, self.mean, sd, np.zeros(1))

    def scale(self, width: int) -> Array:
        """Standard deviations (2 + column,) of theta under one of the widths."""
        return np.concatenate([[self.log_rate[1], self.log_shape[1]], self.sd[width]])

    def start(self) -> Array:
        """Means (2 + column,) of theta."""
        return np.concatenate([[self.log_rate[0], self.log_shape[0]], self.mean])


def log_hazard(eta: Any) -> Any:
    """log mu = log( log( 1 + e^eta ) )."""
    half = pt.maximum(eta, LINEAR) / 2
    return pt.switch(eta < LINEAR, eta, pt.log(half + pt.log(2 * pt.cosh(half))))


def log_sinhc(z: Any) -> Any:
    """log( sinh(z) / z ) for z >= 0."""
    middle, far = pt.minimum(pt.maximum(z, SMALL), LARGE), pt.maximum(z, LARGE)
    beyond = pt.switch(z > LARGE, far - pt.log(2 * far), pt.log(pt.sinh(middle) / middle))
    return pt.switch(z < SMALL, z**2 / 6, beyond)


def width_mixture(value: Any, mean: Any, sd: Any, log_weight: Any) -> Any:
    """Log density of beta under Normals of several widths."""
    z = (value - mean) / sd
    each = -0.5 * z**2 - pt.log(sd) - 0.5 * np.log(2 * np.pi)
    return pt.logsumexp(each.sum(axis=1) + log_weight)


def panel_model(windows: Windows, prior: Prior) -> pm.Model:
    """The PyMC model; sample it with NUTS, or compile its densities with `PanelDensity`."""
    with pm.Model() as model:
        d = {k: pm.Data(k, v) for k, v in (windows.data() | prior.data()).items()}
        log_rate = pm.Normal("log_rate", d["rate_prior"][0], d["rate_prior"][1])
        log_shape = pm.Normal("log_shape", d["shape_prior"][0], d["shape_prior"][1])
        beta = pm.CustomDist(
            "beta", d["beta_mean"], d["beta_sd"], d["log_weight"],
            logp=width_mixture, signature="(k),(w,k),(w)->(k)",
        )  # fmt: skip
        level = log_rate + d["log_length"]
        log_mu = pm.Deterministic("log_mu", log_hazard(level + d["x"] @ beta))
        of_events = log_hazard(level + d["event_x"] @ beta)
        running = pt.concatenate([[0.0], pt.cumsum(pt.exp(log_mu) * d["part"], axis=0)])
        kappa = pt.exp(log_shape)
        shape = kappa + d["events"]
        rate = kappa + running[d["last"]] - running[d["first"]]
        tilt = _tilt(shape, rate, of_events, d)
        conjugate = kappa * log_shape - pt.gammaln(kappa) + pt.gammaln(shape) - shape * pt.log(rate)
        by_unit = (conjugate + tilt).sum()
        pm.Potential("likelihood", by_unit + (d["event_weight"] * of_events).sum())
    return model


def _tilt(shape: Any, rate: Any, log_mu: Any, d: dict[str, Any]) -> Any:
    """log T (unit,); the Gamma of g given all windows goes on the model as `unit_gamma`."""
    z, weight = np.polynomial.hermite_e.hermegauss(NODES)
    cube = 1 - 1 / (9 * shape[:, None]) + z / (3 * pt.sqrt(shape[:, None]))
    g = shape[:, None] / rate[:, None] * pt.exp(3 * pt.log(pt.maximum(cube, 1e-3)))
    factors = log_sinhc(g[d["event_unit"]] * pt.exp(log_mu)[:, None] / 2)
    running = pt.cumsum(factors * d["event_weight"][:, None], axis=0)
    running = pt.concatenate([np.zeros((1, NODES)), running])
    terms = running[d["event_last"]] - running[d["event_first"]] + np.log(weight / weight.sum())
    total = pt.logsumexp(terms, axis=1)
    share = pt.exp(terms - total[:, None])
    mean = (share * g).sum(axis=1)
    variance = (share * (g - mean[:, None]) ** 2).sum(axis=1)
    tilted = d["event_last"] > d["event_first"]  # where nothing happened the Gamma is exact
    new_shape = pt.switch(tilted, mean**2 / variance, shape)
    pm.Deterministic("unit_gamma", pt.stack([new_shape, pt.switch(tilted, mean / variance, rate)]))
    return total


class PanelDensity:
    """The panel model compiled once a process, a `Target`; windows and priors come by `load`."""

    def __init__(self) -> None:
        one = Windows(np.zeros((1, 1)), np.zeros(1), np.ones(1), np.zeros(1, np.int64), 1, 1.0)
        prior = Prior((0.0, 1.0), (0.0, 1.0), np.zeros(1), np.ones((1, 1)), np.zeros(1))
        self.compiled = CompiledModel(panel_model(one, prior))
        self._rows, self._prior = 1, prior

    def load(self, windows: Windows, prior: Prior) -> None:
        """Put windows and priors into the compiled functions."""
        self._rows, self._prior = len(windows.x), prior
        self.compiled.set_data(windows.data() | prior.data(), self._rows)

    def believe(self, prior: Prior) -> None:
        """Change the priors only."""
        self.compiled.set_data(prior.data(), self._rows)
        self._prior = prior

    @property
    def start(self) -> Array:
        """The prior means (2 + column,) of theta."""
        return self._prior.start()

    @property
    def scale(self) -> Array:
        """The widest prior standard deviations (2 + column,) of theta."""
        return self._prior.scale(-1)

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log posterior density and its gradient (2 + column,)."""
        return self.compiled.value_and_gradient(theta)

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,)."""
        return self.compiled.log_prior(draws)

    def log_likelihood(self, draws: Array) -> Array:
        """Log likelihoods (draw,) of the loaded windows."""
        return self.compiled.log_likelihood(draws)

    def unit_gamma(self, draws: Array) -> tuple[Array, Array]:
        """Shapes and rates (draw, unit) of the Gamma of each unit's g given its windows."""
        found = in_parts(self._gammas, draws, self._rows)
        return found[:, 0], found[:, 1]

    def hazard_of(self, draws: Array, x: Array, length: float) -> Array:
        """mu (draw, row) of windows of this length in days, for columns x (row, column)."""
        log_mu = in_parts(lambda some: self._log_mu(some, x, np.log(length)), draws, len(x))
        return np.exp(log_mu)

    @cached_property
    def _gammas(self) -> Any:
        graph = self.compiled.named("unit_gamma")
        return self.compiled.function([self.compiled.draws], self.compiled.batched(graph))

    @cached_property
    def _log_mu(self) -> Any:
        path, log_length = pt.matrix("path"), pt.scalar("length")
        model = self.compiled.model
        replace = {model["x"]: path, model["log_length"]: log_length}
        [graph] = graph_replace([self.compiled.named("log_mu")], replace)
        inputs = [self.compiled.draws, path, log_length]
        return self.compiled.function(inputs, self.compiled.batched(graph))
