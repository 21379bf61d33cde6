"""The Gamma-frailty proportional hazard in formulas, of PyTensor's graphs and of arrays alike.

    hazard of unit u   lambda_u(t) = g_u m(s),   m(s) = 1 / ( e^-s + e^(log_rate - log_ceiling) )
    unit rate          g_u ~ Gamma(shape kappa, mean e^log_rate), integrated out
    score              s = sum over tags and groups of beta x, see `score`
    likelihood of u    sum over events log m + lgamma(kappa + n) - lgamma(kappa)
                       + kappa log b - (kappa + n) log(b + E),  b = kappa / rate
                       n events in E = integral of m over the time at risk
    settings           what is uncertain and discrete (half-lives, whether units are coupled):
                       each has covariates of its own, and is summed out with its prior weight

This is the only place where they are written. `density` makes them a PyMC model; of draws that
are there already the arrays are computed in a third of the graph's time, and without loading it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from models.covariates import Array
from models.engine.parts import in_parts
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
    on = _on(x)
    inside, strength = (x, beta) if members is None else (x[..., members], beta[..., members])
    # sums over members of (beta x)^2, and of the same with the sign of beta x
    squares = inside**2 @ (strength[..., :, None] ** 2 * groups)
    signed = (inside * abs(inside)) @ ((strength * abs(strength))[..., :, None] * groups)

    def norm(inside: Any) -> Any:
        rounded = on.maximum(inside, 0.0)
        return (on.sqrt(rounded + SMOOTHING**2) - SMOOTHING).sum(axis=-1)

    single = np.matvec(x, beta * alone) if on is np else x @ (beta * alone)
    return single + norm((squares + signed) / 2) - norm((squares - signed) / 2)


def inverse_multiplier(s: Any, log_rate: Any, log_ceiling: Any, capped: Any) -> Any:
    """1 / m at a score, of a graph or of arrays; `capped` is 1 with a ceiling, 0 without."""
    on = _on(s)
    return on.exp(-s) + capped * on.exp(log_rate - log_ceiling)


def unit_log_likelihood(
    log_rate: Any, log_shape: Any, at_risk: Any, log_m_of_events: Any, events: Any
) -> Any:
    """Log likelihood of units with the Gamma rate integrated out; inputs broadcast.

    `at_risk` is E, the integral of m; `log_m_of_events` the sum of log m over events. Of a graph
    or of arrays.
    """
    on = _on(log_rate)
    log_gamma = gammaln if on is np else on.gammaln
    kappa, scale = on.exp(log_shape), on.exp(log_shape - log_rate)
    return (
        log_m_of_events
        + log_gamma(kappa + events)
        - log_gamma(kappa)
        + kappa * on.log(scale)
        - (kappa + events) * on.log(scale + at_risk)
    )


def _on(value: Any) -> Any:
    """NumPy for arrays, PyTensor for graphs: who has a graph has loaded it."""
    if isinstance(value, np.ndarray):
        return np
    import pytensor.tensor

    return pytensor.tensor


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


@dataclass(frozen=True, slots=True)
class Multiplier:
    """The multiplier m of many draws of theta, laid out as a prior says."""

    prior: Prior

    def log_multiplier(self, draws: Array, x: Array) -> Array:
        """log m (draw, row) along covariates x, (row, tag) for all or (draw, row, tag) each."""
        prior, members = self.prior, members_of(self.prior)
        where = (prior.alone, prior.groups[members], members)
        capped = float(prior.capped)

        def log_m(some: Array, own: Array = x) -> Array:
            rate, ceiling = some[:, :1], some[:, 2:3]
            inverse = inverse_multiplier(score(own, some[:, 3:], *where), rate, ceiling, capped)
            return np.asarray(-np.log(inverse))

        rows, tags = x.shape[-2:]
        return in_parts(log_m, draws, rows * tags, *([x] if x.ndim == 3 else []))
