"""Stacking in log odds: one probability from those of several members, weighed by their record.

    pool       logit p = b + a sum_m v_m logit p_m        v on the simplex
    weights    v ~ Dirichlet(C d)                         d the default, C = 10 in all
    sharpness  a ~ LogNormal(0, 0.25)                     above 1 it extremises, below it tempers
    shift      b ~ Normal(0, 0.3)

fitted to the log score of forecasts that each member made before the outcome was known. Without
a record it is the default pool: the mode is taken in phi = log(a v), where that of the prior is
a = 1, v = d, and the shift 0. Some 10 events' worth of prior keeps the weights near the default
until a hundred questions or so have come out, and all terms are few enough that an overlap of
members (models of the same facts) is not read as agreement: a stays near 1 unless the record
says otherwise. A row where some members are silent is pooled from the others, their weights
scaled up to 1.

Forecasts of one question are not independent: rows are weighed by 1/n of their group (a question,
or a block of time), so that what counts is the number of groups.

Sources: Yao, Vehtari, Simpson and Gelman (2018), Using stacking to average Bayesian predictive
distributions; Satopaa, Baron, Foster, Mellers, Tetlock and Ungar (2014), Combining multiple
probability predictions using a simple logit model; Buerkner, Gabry and Vehtari (2020),
Approximate leave-future-out cross-validation.
"""

import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from forecast.errors import InputError
from models.covariates import Array

EDGE = 1e-5  # how near 0 or 1 a member is taken to be: no one of them is a veto
CONCENTRATION = 10.0
LOG_SHARPNESS_SD = 0.25
SHIFT_SD = 0.3
LEAST_DEFAULT = 0.01  # of a member that the default leaves out, which may still earn its place

# families that one class of units teaches, and how much each counts before there is a record
OF_CLASS = {"panel": 0.6, "history": 0.2, "logistic": 0.2}

type Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PoolPrior:
    """What is believed of the pool before any record: `default` (member,) weights, and how sure.

    The defaults need not sum to 1; `concentration` is in events' worth. `sharpness_sd` is of log a,
    `shift_sd` of b. Where rows share their shocks (a panel's units in one month), the record of
    either is far shorter than its rows, and both are better held than learnt.
    """

    default: Array
    concentration: float = CONCENTRATION
    sharpness_sd: float = LOG_SHARPNESS_SD
    shift_sd: float = SHIFT_SD

    @classmethod
    def equal(cls, members: int) -> "PoolPrior":
        """All members alike."""
        return cls(np.full(members, 1.0))

    def weights(self) -> Array:
        """The defaults (member,) on the simplex, none of them nothing."""
        raised = np.maximum(self.default / self.default.sum(), LEAST_DEFAULT)
        return np.asarray(raised / raised.sum())


# the units of a class share their months, so there are too few shocks to learn the rest from
CLASS_PRIOR = PoolPrior(np.array(list(OF_CLASS.values())), sharpness_sd=0.02, shift_sd=0.02)


@dataclass(frozen=True, slots=True)
class PoolFit:
    """A fitted pool: `theta` (member + 1,) = phi and the shift, their covariance, its record.

    `groups` is the number of groups that it was fitted to, 0 where it is the prior.
    """

    theta: Array
    covariance: Array
    groups: int = 0

    @property
    def weights(self) -> Array:
        """v (member,), which sum to 1."""
        return _simplex(self.theta[:-1])

    @property
    def sharpness(self) -> float:
        """a: above 1 the pool is more extreme than its members, below 1 less."""
        return float(np.exp(self.theta[:-1]).sum())

    @property
    def shift(self) -> float:
        """b, in log odds."""
        return float(self.theta[-1])

    def predict(self, member_p: Array) -> Array:
        """p (row,) of member_p (row, member); NaN is a member that is silent, or a row of them."""
        logits, said = _logits(member_p)
        return expit(_score(self.theta, logits, said).score)

    def spread(self, member_p: Array) -> Array:
        """The standard deviation (row,) of the pooled log odds over what is not known of theta."""
        logits, said = _logits(member_p)
        slope = _score(self.theta, logits, said, with_slope=True).slope
        return np.asarray(np.sqrt(np.einsum("ri,ij,rj->r", slope, self.covariance, slope)))

    def to_bytes(self) -> bytes:
        """As a NumPy archive, without pickle; equal fits give equal bytes."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            theta=self.theta,
            covariance=self.covariance,
            groups=np.array(self.groups),
            allow_pickle=False,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "PoolFit":
        """The inverse of `to_bytes`; ValueError, KeyError or OSError for other bytes."""
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            return cls(saved["theta"], saved["covariance"], int(saved["groups"]))


def fit_pool(
    member_p: Array,
    outcome: Array,
    group: NDArray[np.int64],
    prior: PoolPrior | None = None,
    known: Flags | None = None,
) -> PoolFit:
    """The mode of the pool given what members said before and what came.

    `member_p` (row, member) are forecasts out of sample (NaN: none), `outcome` (row,) 0 or 1,
    `group` (row,) the question or block that a row belongs to, `known` (row,) whether the outcome
    was known when this is fitted: no other row is looked at.
    """
    member_p = np.asarray(member_p, float)
    rows = np.isfinite(member_p).any(axis=1)
    rows &= np.ones(len(rows), bool) if known is None else known
    outcome = np.asarray(outcome, float)[rows]
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise InputError("an outcome is neither 0 nor 1", at="pool")
    prior = prior or PoolPrior.equal(member_p.shape[1])
    start = np.append(np.log(prior.weights()), 0.0)
    weight = by_group(np.asarray(group)[rows])
    logits, said = _logits(member_p[rows])
    record = _Record(logits, said, outcome, weight, prior)
    theta = record.mode(start) if len(outcome) else start
    groups = len(np.unique(np.asarray(group)[rows]))
    return PoolFit(theta, record.covariance(theta), groups)


def stack_forward(
    member_p: Array,
    outcome: Array,
    group: NDArray[np.int64],
    origin: Array,
    known_at: Array,
    refits: Array,
    prior: PoolPrior | None = None,
) -> Array:
    """The pool's p (row,) walk-forward: each row by the newest of `refits` (moment,) before it.

    `origin` (row,) is when a row was forecast and `known_at` (row,) when its outcome was known, in
    days. Rows from before the first refit are pooled by the prior.
    """
    prior = prior or PoolPrior.equal(np.shape(member_p)[1])
    moments = np.unique(np.asarray(refits, float))
    turn = np.searchsorted(moments, origin, side="right")  # 0: before all of them
    p = np.full(len(outcome), np.nan)
    for nth in np.unique(turn):
        known = known_at < moments[nth - 1] if nth else np.zeros(len(outcome), bool)
        fitted = fit_pool(member_p, outcome, group, prior, known)
        p[turn == nth] = fitted.predict(member_p[turn == nth])
    return p


@dataclass(frozen=True, slots=True)
class _Scored:
    """The pooled logit (row,), and its derivative by theta (row, member + 1)."""

    score: Array
    slope: Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class _Record:
    """The density of theta: rows of logits with their outcomes and weights, and the prior."""

    logits: Array
    said: Flags
    outcome: Array
    weight: Array
    prior: PoolPrior

    def mode(self, start: Array) -> Array:
        """Where the density is highest."""
        from scipy.optimize import minimize

        found = minimize(self.loss, start, jac=True, method="L-BFGS-B")
        return np.asarray(found.x)

    def loss(self, theta: Array) -> tuple[float, Array]:
        """Minus the log density, and its gradient (member + 1,)."""
        scored = _score(theta, self.logits, self.said, with_slope=True)
        sign = 1.0 - 2.0 * self.outcome
        miss = float(self.weight @ np.logaddexp(0.0, sign * scored.score))
        gradient = (self.weight * (expit(scored.score) - self.outcome)) @ scored.slope
        prior, prior_gradient = self._prior(theta)
        return miss + prior, gradient + prior_gradient

    def covariance(self, theta: Array) -> Array:
        """The inverse of the expected information (member + 1, member + 1) at the mode."""
        scored = _score(theta, self.logits, self.said, with_slope=True)
        p = expit(scored.score)
        information = scored.slope.T @ (scored.slope * (self.weight * p * (1.0 - p))[:, None])
        v = _simplex(theta[:-1])
        last = len(theta) - 1
        information[:last, :last] += self.prior.concentration * (np.diag(v) - np.outer(v, v))
        information[:last, :last] += np.outer(v, v) / self.prior.sharpness_sd**2
        information[last, last] += 1.0 / self.prior.shift_sd**2
        return np.asarray(np.linalg.inv(information))

    def _prior(self, theta: Array) -> tuple[float, Array]:
        """Minus its log density and gradient; the Dirichlet's is that of log v."""
        phi, shift = theta[:-1], theta[-1]
        log_a, v = _log_sum(phi), _simplex(phi)
        prior, default = self.prior, self.prior.weights()
        loss = -prior.concentration * default @ (phi - log_a)
        loss += log_a**2 / (2 * prior.sharpness_sd**2) + shift**2 / (2 * prior.shift_sd**2)
        gradient = prior.concentration * (v - default) + v * log_a / prior.sharpness_sd**2
        return float(loss), np.append(gradient, shift / prior.shift_sd**2)


def _score(theta: Array, logits: Array, said: Flags, *, with_slope: bool = False) -> _Scored:
    """b + a (sum of w logit) / (sum of w) over the members that said something, w = a v.

    By w_k its derivative is r + a [k said] (logit_k - r) / W, with r the mean and W the sum.
    """
    w = np.exp(theta[:-1])
    a = w.sum()
    total = said @ w
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (logits @ w) / total
        score = theta[-1] + a * mean
        if not with_slope:
            return _Scored(score)
        by_w = mean[:, None] + a * said * (logits - mean[:, None]) / total[:, None]
    return _Scored(score, np.column_stack([by_w * w, np.ones(len(score))]))


def _logits(member_p: Array) -> tuple[Array, Flags]:
    """The logits (row, member), 0 where a member is silent, and where one is not."""
    p = np.atleast_2d(np.asarray(member_p, float))
    said = np.isfinite(p)
    if (said & ((p < 0.0) | (p > 1.0))).any():
        raise InputError("a member's number is no probability", at="pool")
    return logits_of(np.where(said, p, 0.5)), said


def logits_of(p: Array) -> Array:
    """log(p / (1-p)), with p kept `EDGE` away from 0 and 1."""
    inside = np.clip(p, EDGE, 1.0 - EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def by_group(group: NDArray[np.int64]) -> Array:
    """1/n (row,) of the group that each row belongs to."""
    if not len(group):
        return np.empty(0)
    _, place, count = np.unique(group, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / count[place])


def _simplex(phi: Array) -> Array:
    scaled = np.exp(phi - phi.max())
    return np.asarray(scaled / scaled.sum())


def _log_sum(phi: Array) -> float:
    return float(phi.max() + np.log(np.exp(phi - phi.max()).sum()))


def expit(score: Array) -> Array:
    """1 / (1 + e^-score)."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * score)))
