"""The discrete-time Hawkes process of one unit as one PyMC model, and what it compiles to.

    rate of day b     lambda_b = mu m(s_b) + n (1 - e^-w) S_b          given the past, per day
    own history       S_b = sum over events of days j < b of e^(-w (b - 1 - j))
    count of day b    Poisson( exposure_b lambda_b )

n is the branching ratio: what one event sets off directly, n (1 - e^-w) of it on the next day
and a part 1 - e^-w of the rest on each day after, n in all; 1/w is its memory in days. mu m(s)
is the background, with the covariates and the ceiling of the hazard family.

S is needed only at *points*, the days of events and of changes of exposure: between them it
decays, and (1 - e^-w) times its sum over a stretch telescopes. Points are summed in blocks,
pair by pair within a block and block by block beyond it, so a likelihood is cheap up to tens
of thousands of days and thousands of events, stable for any w, and needs no scan.
Source: discrete-time Bayesian Hawkes, arXiv 2408.14940; identifiability, arXiv 2211.16552.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import Transform
from scipy.special import betaincinv, ndtr, ndtri

from models.covariates import Array
from models.engine.compiled import CompiledModel
from models.engine.target import Loaded
from models.hazard.formulas import Prior, score
from models.priors.beliefs import Beliefs
from models.rows import Rows

SCALARS = ("log_rate", "log_ceiling", "branching", "log_memory")  # theta: these, then the betas
BRANCHING_PLACE = 2  # among them; its value in theta is its probit
BRANCHING = (2.0, 6.0)  # Beta: mean 0.25, 90 % between 0.05 and 0.52
LOG_MEMORY = (float(np.log(14.0)), 0.6)  # Normal, of days: 90 % between 5 and 38
BLOCK = 16  # points
SMALL_ARRAYS = 4  # so many are small that four times the draws at once took half the time
_ROOT_TWO = np.sqrt(2.0)  # that of pm.math.probit is in single precision


class Probit(Transform):  # type: ignore[misc]
    """n = Phi(z): nearly Normal where log-odds have a long tail to the left, which R1 misses."""

    name = "probit"
    ndim_supp = 0

    def forward(self, value: Any, *inputs: Any) -> Any:
        """z of n."""
        return -_ROOT_TWO * pt.erfcinv(2 * value)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """n of z."""
        return 0.5 * pt.erfc(-value / _ROOT_TWO)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Log dn/dz, the standard Normal density of z."""
        return -0.5 * value**2 - 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, slots=True)
class Past:
    """One unit's history as the likelihood wants it.

    `x` (row, tag) and `exposure` (row,) in days: days with equal covariates are one row.
    By point, in whole blocks: its `day`, the `row` of that day, `count` of the day's events,
    `scored` of those that happened at risk, `gap` in days to the next point and `level` of
    exposure on each of the days until then.
    """

    x: Array
    exposure: Array
    day: Array
    row: NDArray[np.int64]
    count: Array
    scored: Array
    gap: Array
    level: Array

    @classmethod
    def of(cls, rows: Rows, earlier: Array | None = None) -> "Past":
        """Lay out daily rows; `earlier` are the (negative) days of events before the first.

        Those excite but are not scored, and so are events on days without exposure.
        """
        days, tags = rows.x.shape
        if not days:
            rows = Rows.of_one_unit(np.zeros((1, tags)), np.zeros(1), np.zeros(1))
        before, early = np.unique(np.floor([] if earlier is None else earlier), return_counts=True)
        changed = np.diff(rows.exposure, prepend=np.nan) != 0
        inside = np.flatnonzero(changed | (rows.events > 0))
        padding = -(len(before) + len(inside)) % BLOCK
        day = np.concatenate([before, inside, np.full(padding, max(days, 1))])
        x, row_of_day = np.unique(rows.x, axis=0, return_inverse=True)
        row_of_day = row_of_day.reshape(-1)
        level = _by_point(0 * early, rows.exposure[inside], padding)
        count = _by_point(early, rows.events[inside], padding)
        return cls(
            x=x,
            exposure=np.bincount(row_of_day, rows.exposure, len(x)),
            day=day,
            row=_by_point(0 * early, row_of_day[inside], padding).astype(np.int64),
            count=count,
            scored=np.where(level > 0, count, 0.0),
            gap=np.diff(day, append=max(days, 1)),
            level=level,
        )


def _by_point(early: NDArray[Any], inside: NDArray[Any], padding: int) -> Array:
    return np.concatenate([early, inside, np.zeros(padding)])


def prior_of(beliefs: Beliefs) -> Prior:
    """The hazard's prior, with the log memory in the place of the spread of units: (3 + tag,).

    The belief of the base rate is of this unit's own background: with the tens of events that
    this family needs, how far units differ says next to nothing, and beside what events set
    off a Gamma rate could not be integrated out.
    """
    prior = Prior.of(beliefs)
    order = [0, 2, 1, *range(3, len(prior.mean))]  # rate, ceiling, spread, effects
    mean, sd = prior.mean[order], prior.sd[order]
    mean[2], sd[2] = LOG_MEMORY
    return replace(prior, mean=mean, sd=sd)


def values_of(past: Past, prior: Prior) -> dict[str, Any]:
    """The model's data and priors by name."""
    return {
        **{name: getattr(past, name) for name in past.__slots__},
        "prior_mean": prior.mean,
        "prior_sd": prior.sd,
        "branching_prior": np.array(BRANCHING),
        "alone": prior.alone,
        "groups": prior.groups,
        "capped": np.float64(prior.capped),
    }


def history(day: Any, count: Any, w: Any) -> Any:
    """S (point,) at the start of the `day` of each point, of the `count`s of earlier points.

    Pairs of points within a block are summed one by one. What lies in earlier blocks is summed
    as of their last days first: it decays to the block's first day, and from there on.
    """
    day, count = day.reshape((-1, BLOCK)), count.reshape((-1, BLOCK))
    first, last = day[:, 0], day[:, -1]

    def faded(age: Any) -> Any:
        return (age >= 0) * pt.exp(-w * pt.maximum(age, 0.0))

    near = (count[:, None, :] * faded(day[:, :, None] - day[:, None, :] - 1)).sum(axis=-1)
    blocks = (count * faded(last[:, None] - day)).sum(axis=-1)
    far = (blocks * faded(first[:, None] - last - 1)).sum(axis=-1)
    return (near + far[:, None] * faded(day - first[:, None])).reshape((-1,))


def hawkes_model(values: Mapping[str, Any]) -> pm.Model:
    """The PyMC model of data and priors by name; sample it with NUTS, or see `Density`."""
    with pm.Model() as model:
        data = {name: pm.Data(name, value) for name, value in values.items()}
        mean, sd = data["prior_mean"], data["prior_sd"]
        log_rate = pm.Normal("log_rate", mean[0], sd[0])
        log_ceiling = pm.Normal("log_ceiling", mean[1], sd[1])
        a, b = data["branching_prior"][0], data["branching_prior"][1]
        branching = pm.Beta("branching", a, b, default_transform=Probit())
        log_memory = pm.Normal("log_memory", mean[2], sd[2])
        beta = pm.Normal("beta", mean[3:], sd[3:])

        s = score(data["x"], beta, data["alone"], data["groups"])
        log_m = pm.Deterministic(
            "log_m", -pt.log(pt.exp(-s) + data["capped"] * pt.exp(log_rate - log_ceiling))
        )
        background = pt.exp(log_rate + log_m)
        w = pt.exp(-log_memory)
        count, gap = data["count"], data["gap"]
        state = history(data["day"], count, w)
        rate = background[data["row"]] - branching * pt.expm1(-w) * state
        # (1 - e^-w) S summed over the days from a point to the next
        stretch = -state * pt.expm1(-w * gap) - count * pt.expm1(-w * pt.maximum(gap - 1, 0.0))
        expected = (data["exposure"] * background).sum()
        expected += branching * (data["level"] * stretch).sum()
        pm.Potential("likelihood", (data["scored"] * pt.log(rate)).sum() - expected)
    return model


class Density(CompiledModel):
    """The model compiled once, for any history and prior."""

    def __init__(self) -> None:
        empty = Past.of(Rows.of_one_unit(np.zeros((1, 1)), np.ones(1), np.zeros(1)))
        blank = Prior(np.zeros(4), np.ones(4), np.ones(1), np.zeros((1, 0)), False)
        super().__init__(hawkes_model(values_of(empty, blank)))
        self._held: tuple[Past, Prior] = (empty, blank)

    def load(self, past: Past, prior: Prior) -> "Density":
        """Put a history and a prior into the compiled functions, unless they are there."""
        if past is not self._held[0] or prior is not self._held[1]:
            cells = len(past.x) + BLOCK * len(past.day)
            self.set_data(values_of(past, prior), cells // SMALL_ARRAYS)
            self._held = (past, prior)
        return self

    def log_multiplier(self, draws: Array, x: Array) -> Array:
        """log m (draw, row) along covariates x, (row, tag) for all or (draw, row, tag) each."""
        return self.along("log_m", "x", draws, x)


@lru_cache(maxsize=1)
def compiled_density() -> Density:
    """The compiled density, once a process."""
    return Density()


_PROBIT = ndtri(betaincinv(*BRANCHING, (np.arange(1000) + 0.5) / 1000))  # of prior quantiles


def hawkes_target(density: Density, past: Past, prior: Prior) -> Loaded:
    """The posterior given one history and prior; theta is (4 + tag,)."""
    start = np.insert(prior.mean, BRANCHING_PLACE, _PROBIT.mean())
    scale = np.insert(prior.sd, BRANCHING_PLACE, _PROBIT.std())
    return Loaded(start, scale, lambda: density.load(past, prior))


@dataclass(frozen=True, slots=True)
class Theta:
    """The draws' parameters by name, on their own scales: each (draw,)."""

    log_rate: Array
    branching: Array
    w: Array

    @classmethod
    def of(cls, draws: Array) -> "Theta":
        """From draws (draw, 4 + tag) on the unconstrained scale."""
        return cls(draws[:, 0], ndtr(draws[:, BRANCHING_PLACE]), np.exp(-draws[:, 3]))

    @property
    def decay(self) -> Array:
        """What is left of an event's effect after a day: e^-w."""
        return np.asarray(np.exp(-self.w))

    def left(self, days: Array, day: float) -> Array:
        """S (draw,) at the start of a day, of events on whole `days` (event,), all before it."""
        before, count = np.unique(days, return_counts=True)
        return np.asarray(np.exp(np.multiply.outer(-self.w, day - 1 - before)) @ count)
