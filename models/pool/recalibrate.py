"""Recalibration by reference class, once there is a record: shift and slope in log odds, shrunk.

    recalibrated    logit p' = logit p + alpha_c + (e^beta_c - 1) (logit p - centre)
    classes         (alpha_c, beta_c) ~ Normal(mu, t^2),   mu ~ Normal(0, s^2)

with `centre` the mean logit, so that shift and slope do not fight. The class learns from the
others by way of mu; a class without a record of its own gets what they have in common. s and t
are the ones of a small grid under which the outcomes are likeliest (empirical Bayes, by
Laplace's approximation), where that is by `LEAST_EVIDENCE` nats more likely than under no
recalibration at all; else, and below `FEWEST` resolved questions, p stands as it is. So
calibrated forecasts are mostly left alone rather than disturbed a little each time.

Sources: Platt (1999), Probabilistic outputs for support vector machines; Cox (1958), Two further
applications of a model for binary regression; Tierney and Kadane (1986), Accurate approximations
for posterior moments and marginal densities.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.covariates import Array
from models.pool.stack import Flags, by_group, expit, logits_of

FEWEST = 200  # resolved questions
LEAST_EVIDENCE = 2.0  # nats: recalibration must make the outcomes 7 times as likely
COMMON = (0.1, 0.2, 0.4, 0.8)  # s
BETWEEN = (0.02, 0.1, 0.2, 0.4)  # t
MOST_STEPS = 50
SMALL_STEP = 1e-8


@dataclass(frozen=True, slots=True)
class Recalibration:
    """`theta` (class, 2) shift and log slope by name of the class, and what they share (2,).

    `questions` is how many it was fitted to; 0 where it is no recalibration.
    """

    classes: tuple[str, ...]
    theta: Array
    common: Array
    centre: float
    questions: int = 0

    @property
    def is_none(self) -> bool:
        """Whether every p stays as it is."""
        return self.questions == 0

    def apply(self, p: Array, classes: Sequence[str]) -> Array:
        """p' (row,) of p (row,) in the reference class of each row; rises with p."""
        if self.is_none:
            return np.asarray(p, float)
        place = {name: nth for nth, name in enumerate(self.classes)}
        known = np.vstack([self.theta, self.common])
        theta = known[[place.get(name, len(place)) for name in classes]]
        logit = logits_of(np.asarray(p, float))
        return expit(logit + _shift(theta, logit - self.centre))

    def to_bytes(self) -> bytes:
        """As a NumPy archive, without pickle."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            classes=np.array(self.classes, str),
            theta=self.theta,
            common=self.common,
            numbers=np.array([self.centre, self.questions]),
            allow_pickle=False,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recalibration":
        """The inverse of `to_bytes`; ValueError, KeyError or OSError for other bytes."""
        with np.load(io.BytesIO(data), allow_pickle=False) as saved:
            centre, questions = saved["numbers"]
            names = tuple(map(str, saved["classes"]))
            return cls(names, saved["theta"], saved["common"], float(centre), int(questions))


NONE = Recalibration((), np.zeros((0, 2)), np.zeros(2), 0.0)


def fit_recalibration(
    p: Array,
    outcome: Array,
    group: NDArray[np.int64],
    classes: Sequence[str],
    known: Flags | None = None,
) -> Recalibration:
    """From forecasts p (row,) made out of sample, their outcomes, questions and classes.

    `known` (row,) is whether an outcome was known when this is fitted: no other row is looked at.
    """
    rows = np.isfinite(p) & (np.ones(len(p), bool) if known is None else known)
    questions = len(np.unique(np.asarray(group)[rows]))
    if questions < FEWEST:
        return NONE
    names, code = np.unique(np.asarray(classes)[rows], return_inverse=True)
    weight = by_group(np.asarray(group)[rows])
    logit = logits_of(np.asarray(p, float)[rows])
    centre = float(np.average(logit, weights=weight))
    fit = _Fit(logit, logit - centre, np.asarray(outcome, float)[rows], weight, code, len(names))
    nothing = fit.log_likelihood(np.zeros((len(names), 2)))
    found = [(fit.evidence(s, t), s, t) for s in COMMON for t in BETWEEN]
    evidence, s, t = max(found)
    if evidence < nothing + LEAST_EVIDENCE:
        return NONE
    theta = fit.mode(_covariance(len(names), s, t))
    # the mean of a class that was never seen, given those that were
    pull = np.full(len(names), s**2) @ np.linalg.inv(_covariance(len(names), s, t))
    return Recalibration(tuple(map(str, names)), theta, pull @ theta, centre, questions)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Rows of logits, centred too, with outcomes, weights and the `code` of their class."""

    logit: Array
    centred: Array
    outcome: Array
    weight: Array
    code: NDArray[np.int64]
    count: int

    def log_likelihood(self, theta: Array) -> float:
        """Of the outcomes, at theta (class, 2)."""
        score = self.logit + _shift(theta[self.code], self.centred)
        return float(-self.weight @ np.logaddexp(0.0, (1.0 - 2.0 * self.outcome) * score))

    def mode(self, covariance: Array) -> Array:
        """theta (class, 2) at the mode, by Fisher scoring with halved steps where one overshoots.

        `covariance` (class, class) is the prior's, of shifts and of log slopes alike.
        """
        precision = np.linalg.inv(covariance)
        theta = np.zeros((self.count, 2))
        height = self._height(theta, precision)
        for _ in range(MOST_STEPS):
            step = self._step(theta, precision)
            while (higher := self._height(theta + step, precision)) < height:
                step = step / 2
                if np.abs(step).max() < SMALL_STEP:
                    return theta
            theta, height = theta + step, higher
            if np.abs(step).max() < SMALL_STEP:
                break
        return theta

    def evidence(self, s: float, t: float) -> float:
        """log P(outcomes) with theta integrated out, by Laplace."""
        covariance = _covariance(self.count, s, t)
        theta = self.mode(covariance)
        information = _joined(self._slopes(theta)[1])
        spread = np.kron(np.eye(2), covariance)
        volume = np.linalg.slogdet(np.eye(2 * self.count) + spread @ information)[1]
        return self._height(theta, np.linalg.inv(covariance)) - 0.5 * float(volume)

    def _height(self, theta: Array, precision: Array) -> float:
        return self.log_likelihood(theta) - 0.5 * float(np.sum(theta * (precision @ theta)))

    def _step(self, theta: Array, precision: Array) -> Array:
        gradient, information = self._slopes(theta)
        pull = gradient - precision @ theta
        whole = _joined(information) + np.kron(np.eye(2), precision)
        return np.asarray(np.linalg.solve(whole, pull.T.ravel()).reshape(2, -1).T)

    def _slopes(self, theta: Array) -> tuple[Array, Array]:
        """The likelihood's gradient (class, 2) and expected information (class, 2, 2)."""
        mine = theta[self.code]
        p = expit(self.logit + _shift(mine, self.centred))
        by = np.column_stack([np.ones(len(p)), np.exp(mine[:, 1]) * self.centred])
        off, flat = self.weight * (self.outcome - p), self.weight * p * (1.0 - p)
        gradient = np.stack([self._sum(off * by[:, i]) for i in (0, 1)], axis=1)
        pairs = [[self._sum(flat * by[:, i] * by[:, j]) for j in (0, 1)] for i in (0, 1)]
        return gradient, np.moveaxis(np.array(pairs), -1, 0)

    def _sum(self, values: Array) -> Array:
        return np.bincount(self.code, values, self.count)


def _shift(theta: Array, centred: Array) -> Array:
    return np.asarray(theta[:, 0] + np.expm1(theta[:, 1]) * centred)


def _covariance(count: int, s: float, t: float) -> Array:
    """Of one quantity over classes (class, class), with the common mean integrated out."""
    return np.asarray(np.full((count, count), s**2) + t**2 * np.eye(count))


def _joined(information: Array) -> Array:
    """Blocks (class, 2, 2) as one matrix (2 class, 2 class), all shifts before all log slopes."""
    return np.block([[np.diag(information[:, i, j]) for j in (0, 1)] for i in (0, 1)])
