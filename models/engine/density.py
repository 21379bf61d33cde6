"""The Gamma-frailty proportional hazard as one PyMC model, and the functions it compiles to.

    hazard of unit u   lambda_u(t) = g_u m(s),   m(s) = 1 / ( e^-s + e^(log_rate - log_ceiling) )
    unit rate          g_u ~ Gamma(shape kappa, mean e^log_rate), integrated out
    score              s = sum over tags and groups of beta x, see `score`
    likelihood of u    sum over events log m + lgamma(kappa + n) - lgamma(kappa)
                       + kappa log b - (kappa + n) log(b + E),  b = kappa / rate
                       n events in E = integral of m over the time at risk

The model is the only place where this is written: the value with gradient, the density of
many draws at once, and the multiplier m along past or simulated covariates all come from its
graph. PyTensor's Python linker without fusion compiles them in well under a second, once a
process: data and priors are `pm.Data`, and the number of tags is not part of the structure.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.replace import graph_replace, vectorize_graph
from threadpoolctl import threadpool_limits

from models.covariates import Array
from models.priors.beliefs import Beliefs
from models.rows import Rows

SCALARS = ("log_rate", "log_shape", "log_ceiling")  # theta = these, then one beta a tag
SMOOTHING = 1e-3  # rounds off the kink of the group norm at 0; an error of at most this in s
CELLS = 40_000  # draws x rows at once, so that arrays stay in the processor's cache


def score(x: Any, beta: Any, alone: Any, groups: Any) -> Any:
    """The linear predictor (row,) of covariates x (row, tag).

    Tags on their own add beta x. A group counts as the root sum of squares of its members'
    upward parts less that of their downward parts: one sign counts in full, two equal ones
    1.4 times, four twice; more evidence never counts for less.
    `alone` (tag,) is 1 for tags without a group; `groups` (tag, group) is 1 for members.
    """
    squares = x**2

    def norm(part: Any) -> Any:
        inside = squares @ (part[:, None] ** 2 * groups)
        return (pt.sqrt(inside + SMOOTHING**2) - SMOOTHING).sum(axis=-1)

    return x @ (beta * alone) + norm(pt.maximum(beta, 0.0)) - norm(pt.minimum(beta, 0.0))


def unit_log_likelihood(
    log_rate: Any, log_shape: Any, at_risk: Any, log_m_of_events: Any, events: Any
) -> Any:
    """Log likelihood of units with the Gamma rate integrated out; inputs broadcast.

    `at_risk` is E, the integral of m; `log_m_of_events` the sum of log m over events.
    """
    kappa, scale = pt.exp(log_shape), pt.exp(log_shape - log_rate)
    return (
        log_m_of_events
        + pt.gammaln(kappa + events)
        - pt.gammaln(kappa)
        + kappa * pt.log(scale)
        - (kappa + events) * pt.log(scale + at_risk)
    )


def hazard_model(rows: Rows, prior: "Prior") -> pm.Model:
    """The PyMC model; sample it with NUTS, or compile its density with `Density`."""
    with pm.Model() as model:
        x = pm.Data("x", rows.x)
        exposure = pm.Data("exposure", rows.exposure)
        events = pm.Data("events", rows.events)
        first, last = pm.Data("first", rows.bounds[:-1]), pm.Data("last", rows.bounds[1:])
        events_by_unit = pm.Data("events_by_unit", rows.events_by_unit)
        alone = pm.Data("alone", prior.alone)
        groups = pm.Data("groups", prior.groups)
        mean, sd = pm.Data("prior_mean", prior.mean), pm.Data("prior_sd", prior.sd)
        capped = pm.Data("capped", np.float64(prior.capped))

        log_rate, log_shape, log_ceiling = (
            pm.Normal(name, mean[i], sd[i]) for i, name in enumerate(SCALARS)
        )
        beta = pm.Normal("beta", mean[3:], sd[3:])

        s = score(x, beta, alone, groups)
        log_m = pm.Deterministic(
            "log_m", -pt.log(pt.exp(-s) + capped * pt.exp(log_rate - log_ceiling))
        )
        # sums by unit as differences of one running sum: scattering took a quarter of the time
        running = pt.concatenate([[0.0], pt.cumsum(exposure * pt.exp(log_m), axis=0)])
        by_unit = unit_log_likelihood(
            log_rate, log_shape, running[last] - running[first], 0.0, events_by_unit
        )
        pm.Potential("likelihood", by_unit.sum() + (events * log_m).sum())
    return model


@dataclass(frozen=True, slots=True)
class Prior:
    """Beliefs as arrays: `mean`, `sd` (3 + tag,), group membership, and whether capped."""

    mean: Array
    sd: Array
    alone: Array
    groups: Array
    capped: bool

    @classmethod
    def of(cls, beliefs: Beliefs) -> "Prior":
        """Lay out the beliefs; without a ceiling its parameter is there but does nothing."""
        effects = beliefs.columns()
        ceiling = beliefs.log_ceiling or beliefs.log_rate
        normals = [beliefs.log_rate, beliefs.log_shape, ceiling]
        normals += [effect.log_ratio for effect in effects]
        names = sorted({e.group for e in effects if e.group})
        groups = np.array([[e.group == g for g in names] for e in effects], float)
        groups = groups.reshape(len(effects), len(names))
        return cls(
            mean=np.array([n.mean for n in normals]),
            sd=np.array([n.sd for n in normals]),
            alone=1.0 - groups.sum(axis=1),
            groups=groups,
            capped=beliefs.log_ceiling is not None,
        )


class Density:
    """The model's graph compiled; one object serves every prior and every data set."""

    def __init__(self) -> None:
        # our matrices are thin: with two threads BLAS took three to five times as long
        threadpool_limits(1, user_api="blas")
        empty = Rows.of_one_unit(np.zeros((1, 1)), np.ones(1), np.zeros(1))
        blank = Prior(np.zeros(4), np.ones(4), np.ones(1), np.zeros((1, 0)), True)
        self.model = hazard_model(empty, blank)
        self._mode = Mode(linker="py", optimizer="fast_run").excluding("fusion")
        self._theta, self._draws = pt.vector("theta"), pt.matrix("draws")
        self._parts = dict(
            zip(
                self.model.value_vars,
                [self._theta[0], self._theta[1], self._theta[2], self._theta[3:]],
                strict=True,
            )
        )
        self._log_posterior = graph_replace([self.model.logp()], self._parts)[0]
        self._log_prior = graph_replace([self.model.varlogp], self._parts)[0]
        [log_m] = self.model.replace_rvs_by_values([self.model["log_m"]])
        self._log_m = graph_replace([log_m], self._parts, strict=False)[0]

    def load(self, rows: Rows, prior: Prior) -> None:
        """Put data and priors into the compiled functions."""
        pm.set_data(
            {
                "x": rows.x,
                "exposure": rows.exposure,
                "events": rows.events,
                "first": rows.bounds[:-1],
                "last": rows.bounds[1:],
                "events_by_unit": rows.events_by_unit,
                "alone": prior.alone,
                "groups": prior.groups,
                "prior_mean": prior.mean,
                "prior_sd": prior.sd,
                "capped": np.float64(prior.capped),
            },
            model=self.model,
        )

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        """Log posterior density and its gradient (3 + tag,) at theta."""
        value, gradient = self._compiled_gradient(theta)
        return float(value), np.asarray(gradient)

    def log_prior(self, draws: Array) -> Array:
        """Log prior densities (draw,) of draws (draw, 3 + tag)."""
        return np.asarray(self._compiled_prior(draws))

    def log_posterior(self, draws: Array) -> Array:
        """Log posterior densities (draw,) of draws (draw, 3 + tag), on the loaded data."""
        step = self._draws_at_once(self.model["x"].get_value(borrow=True).shape[0])
        parts = [self._compiled_batch(draws[i : i + step]) for i in range(0, len(draws), step)]
        return np.concatenate(parts)

    def log_multiplier(self, draws: Array, x: Array) -> Array:
        """log m (draw, row) along covariates x, (row, tag) for all or (draw, row, tag) each."""
        compiled = self._compiled_shared_path if x.ndim == 2 else self._compiled_own_paths
        step = self._draws_at_once(x.shape[-2])
        parts = [
            compiled(draws[i : i + step], x if x.ndim == 2 else x[i : i + step])
            for i in range(0, len(draws), step)
        ]
        return np.concatenate(parts)

    def log_likelihood(
        self, draws: Array, at_risk: Array, log_m_of_events: Array, n: float
    ) -> Array:
        """Log likelihood (draw,) of one unit whose rows were summed up for each draw."""
        values = self._compiled_likelihood(draws[:, 0], draws[:, 1], at_risk, log_m_of_events, n)
        return np.asarray(values)

    @cached_property
    def _compiled_likelihood(self) -> Any:
        inputs = [pt.vector(name) for name in ("rate", "shape", "at_risk", "log_m_of_events")]
        inputs.append(pt.scalar("events"))
        return self._compile(inputs, unit_log_likelihood(*inputs))

    @staticmethod
    def _draws_at_once(rows: int) -> int:
        return max(CELLS // max(rows, 1), 1)

    @cached_property
    def _compiled_prior(self) -> Any:
        batch = vectorize_graph(self._log_prior, {self._theta: self._draws})
        return self._compile([self._draws], batch)

    @cached_property
    def _compiled_gradient(self) -> Any:
        gradient = pt.grad(self._log_posterior, self._theta)
        return self._compile([self._theta], [self._log_posterior, gradient])

    @cached_property
    def _compiled_batch(self) -> Any:
        batch = vectorize_graph(self._log_posterior, {self._theta: self._draws})
        return self._compile([self._draws], batch)

    @cached_property
    def _compiled_shared_path(self) -> Any:
        path = pt.matrix("path")
        log_m = graph_replace([self._log_m], {self.model["x"]: path})[0]
        return self._compile(
            [self._draws, path], vectorize_graph(log_m, {self._theta: self._draws})
        )

    @cached_property
    def _compiled_own_paths(self) -> Any:
        paths = pt.tensor3("paths")
        replacements = {self._theta: self._draws, self.model["x"]: paths}
        return self._compile([self._draws, paths], vectorize_graph(self._log_m, replacements))

    def _compile(self, inputs: list[Any], outputs: Any) -> Any:
        return pytensor.function(inputs, outputs, mode=self._mode)
