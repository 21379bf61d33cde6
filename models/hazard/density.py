"""The Gamma-frailty proportional hazard as one PyMC model, and the functions it compiles to.

    hazard of unit u   lambda_u(t) = g_u m(s),   m(s) = 1 / ( e^-s + e^(log_rate - log_ceiling) )
    unit rate          g_u ~ Gamma(shape kappa, mean e^log_rate), integrated out
    score              s = sum over tags and groups of beta x, see `score`
    likelihood of u    sum over events log m + lgamma(kappa + n) - lgamma(kappa)
                       + kappa log b - (kappa + n) log(b + E),  b = kappa / rate
                       n events in E = integral of m over the time at risk
    settings           what is uncertain and discrete (half-lives, whether units are coupled):
                       each has covariates of its own, and is summed out with its prior weight

The model is the only place where this is written: the value with gradient, the prior and the
likelihood come from its graph, and the multiplier m of many draws along past or simulated
covariates from the same two functions, `score` and `inverse_multiplier`, given arrays: in a third
of the graph's time. The number of tags is not part of the structure, nor is that of settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from models.covariates import Array
from models.engine.compiled import CompiledModel, in_parts
from models.priors.beliefs import Beliefs
from models.rows import Rows

SCALARS = ("log_rate", "log_shape", "log_ceiling")  # theta = these, then one beta a tag
SMOOTHING = 1e-3  # rounds off the kink of the group norm at 0; an error of at most this in s


def score(x: Any, beta: Any, alone: Any, groups: Any, members: Any = None) -> Any:
    """The linear predictor (row,) of covariates x (row, tag), of a graph or of arrays.

    Arrays may have an axis more for draws, the first: x (draw, row, tag) and beta (draw, tag).

    Tags on their own add beta x. A group counts as the root sum of squares of its members'
    upward parts beta x > 0 less that of their downward parts: one sign counts in full, two
    equal ones 1.4 times, four twice; more evidence never counts for less.
    `alone` (tag,) is 1 for tags without a group; `groups` (tag, group) is 1 for members, or
    (member, group) where the places of the `members` among the tags are given.
    """
    on = np if isinstance(x, np.ndarray) else pt
    inside, strength = (x, beta) if members is None else (x[..., members], beta[..., members])
    # sums over members of (beta x)^2, and of the same with the sign of beta x
    squares = inside**2 @ (strength[..., :, None] ** 2 * groups)
    signed = (inside * abs(inside)) @ ((strength * abs(strength))[..., :, None] * groups)

    def norm(inside: Any) -> Any:
        rounded = on.maximum(inside, 0.0)
        return (on.sqrt(rounded + SMOOTHING**2) - SMOOTHING).sum(axis=-1)

    single = x @ (beta * alone) if on is pt else np.matvec(x, beta * alone)
    return single + norm((squares + signed) / 2) - norm((squares - signed) / 2)


def inverse_multiplier(s: Any, log_rate: Any, log_ceiling: Any, capped: Any) -> Any:
    """1 / m at a score, of a graph or of arrays; `capped` is 1 with a ceiling, 0 without."""
    on = np if isinstance(s, np.ndarray) else pt
    return on.exp(-s) + capped * on.exp(log_rate - log_ceiling)


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


@dataclass(frozen=True, slots=True)
class Data:
    """What the likelihood is computed from: rows, and their covariates under each setting.

    `x` (setting, row, tag) stands in for that of `rows`; `log_weight` (setting,) are the log
    prior probabilities of the settings.
    """

    rows: Rows
    x: Array
    log_weight: Array

    @classmethod
    def of(cls, rows: Rows) -> "Data":
        """Rows with one setting: their own covariates."""
        return cls(rows, rows.x[None], np.zeros(1))


def hazard_model(data: Data, prior: "Prior") -> pm.Model:
    """The PyMC model of these data under this prior."""
    return model_of(shared_values(data, prior))


def model_of(values: Mapping[str, Any]) -> pm.Model:
    """The PyMC model on the values of its `pm.Data`, by name; see `shared_values`."""
    with pm.Model() as model:
        inputs = {name: pm.Data(name, value) for name, value in values.items()}
        mean, sd = inputs["prior_mean"], inputs["prior_sd"]
        log_rate, log_shape, log_ceiling = (
            pm.Normal(name, mean[i], sd[i]) for i, name in enumerate(SCALARS)
        )
        beta = pm.Normal("beta", mean[3:], sd[3:])

        s = score(inputs["x"], beta, inputs["alone"], inputs["groups"], inputs["members"])
        inverse = inverse_multiplier(s, log_rate, log_ceiling, inputs["capped"])
        pm.Deterministic("log_m", -pt.log(inverse))
        settings = inputs["log_weight"].shape[0]
        by_setting = inverse.reshape((settings, -1))
        # sums by unit as differences of one running sum: scattering took a quarter of the time
        risk = pt.cumsum(inputs["exposure"] / by_setting, axis=1)
        running = pt.concatenate([pt.zeros((settings, 1)), risk], axis=1)
        by_unit = unit_log_likelihood(
            log_rate,
            log_shape,
            running[:, inputs["last"]] - running[:, inputs["first"]],
            0.0,
            inputs["events_by_unit"],
        )
        log_m_of_events = -pt.log(by_setting[:, inputs["event_rows"]])
        given = by_unit.sum(axis=1) + (inputs["events"] * log_m_of_events).sum(axis=1)
        pm.Potential("likelihood", pt.logsumexp(inputs["log_weight"] + given))
    return model


def shared_values(data: Data, prior: "Prior") -> dict[str, Any]:
    """The model's data and priors by name; the settings of `x` follow each other."""
    rows = data.rows
    happened, members = np.flatnonzero(rows.events), members_of(prior)
    return {
        "x": np.ascontiguousarray(data.x.reshape(-1, data.x.shape[-1])),
        "exposure": rows.exposure,
        "events": rows.events[happened],
        "event_rows": happened,
        "first": rows.bounds[:-1],
        "last": rows.bounds[1:],
        "events_by_unit": rows.events_by_unit,
        "log_weight": data.log_weight,
        "alone": prior.alone,
        "groups": prior.groups[members],
        "members": members,
        "prior_mean": prior.mean,
        "prior_sd": prior.sd,
        "capped": np.array(float(prior.capped)),
    }


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


def members_of(prior: Prior) -> NDArray[np.int64]:
    """The places among the tags of those in groups; one at least, which in no group adds nothing.

    PyTensor cannot multiply by nothing.
    """
    members = np.flatnonzero(prior.groups.any(axis=1)).astype(np.int64)
    return members if len(members) else np.zeros(1, np.int64)


class Density(CompiledModel):
    """The model's graph compiled; one object serves every prior and every data set."""

    def __init__(self) -> None:
        empty = Data.of(Rows.of_one_unit(np.zeros((1, 1)), np.ones(1), np.zeros(1)))
        blank = Prior(np.zeros(4), np.ones(4), np.ones(1), np.zeros((1, 0)), True)
        super().__init__(hazard_model(empty, blank))
        self._held: tuple[Data, Prior] = (empty, blank)

    def load(self, data: Data, prior: Prior) -> "Density":
        """Put data and prior into the compiled functions, unless they are there."""
        if data is not self._held[0] or prior is not self._held[1]:
            self.set_data(shared_values(data, prior))
            self._held = (data, prior)
        return self

    def log_multiplier(self, draws: Array, x: Array) -> Array:
        """log m (draw, row) along covariates x, (row, tag) for all or (draw, row, tag) each."""
        prior, members = self._held[1], members_of(self._held[1])
        where = (prior.alone, prior.groups[members], members)
        capped = float(prior.capped)

        def log_m(some: Array, own: Array = x) -> Array:
            rate, ceiling = some[:, :1], some[:, 2:3]
            inverse = inverse_multiplier(score(own, some[:, 3:], *where), rate, ceiling, capped)
            return np.asarray(-np.log(inverse))

        rows, tags = x.shape[-2:]
        return in_parts(log_m, draws, rows * tags, *([x] if x.ndim == 3 else []))

    def of_one_unit(
        self, draws: Array, at_risk: Array, log_m_of_events: Array, events: Array
    ) -> Array:
        """Log likelihood (draw, setting) of one unit whose rows were summed up for each draw.

        `at_risk` and `log_m_of_events` are (draw, setting), `events` (draw, 1).
        """
        rate, shape = draws[:, :1], draws[:, 1:2]
        return np.asarray(self._unit(rate, shape, at_risk, log_m_of_events, events))

    @cached_property
    def _unit(self) -> Any:
        rate, shape, events = (pt.matrix(n, shape=(None, 1)) for n in ("rate", "shape", "events"))
        at_risk, log_m = pt.matrix("at_risk"), pt.matrix("log_m")
        inputs = [rate, shape, at_risk, log_m, events]
        return self.function(inputs, unit_log_likelihood(*inputs))


@lru_cache(maxsize=1)
def compiled_density() -> Density:
    """The compiled density, once a process."""
    return Density()
