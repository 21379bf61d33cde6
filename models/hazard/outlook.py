"""From draws to probabilities: what the hazard comes to over the days ahead.

    P(at least n events in the window) = mean over draws and futures of P(N >= n),
    N ~ NegativeBinomial of A and q H / R:   P(N >= 1) = 1 - ( R / (R + q H) )^A

A = kappa + n and R = kappa / rate + E are the posterior of the unit's rate given the draw, H
the integral of m over the window along the draw's own future, and q the share of a narrower
definition. The rate is integrated exactly, so each draw gives a probability, not a yes or no;
settings are summed out with their posterior weights given the draw.

What can happen only once must not have happened before the window opens, and is of the
narrower kind or is not: then P = mean of q ( S(opening) - S(end) ), S(H) = ( R / (R + H) )^A.
"""

from dataclasses import dataclass

import numpy as np

from models.covariates import Array
from models.hazard.formulas import Multiplier
from models.hazard.problem import AT_RISK, EVENTS, Extras


@dataclass(frozen=True, slots=True)
class Frailty:
    """The Gamma posterior of the unit's rate for each draw and setting.

    `shape` (draw, 1), `scale` and `weight` (draw, setting); weights of a draw sum to one.
    """

    shape: Array
    scale: Array
    weight: Array

    @classmethod
    def of(cls, draws: Array, extras: Extras, by_setting: Array) -> "Frailty":
        """A = kappa + n and R = kappa / rate + E; `by_setting` are log weights, any constant."""
        log_rate, log_shape = draws[:, :1], draws[:, 1:2]
        weight = np.exp(by_setting - by_setting.max(axis=1, keepdims=True))
        return cls(
            np.exp(log_shape) + extras[EVENTS],
            np.exp(log_shape - log_rate) + extras[AT_RISK],
            weight / weight.sum(axis=1, keepdims=True),
        )

    def chance(
        self, opening: Array, end: Array, share: Array, recurrent: bool, at_least: int = 1
    ) -> Array:
        """P of so many events between two H, (draw, setting) or (draw, setting, edge).

        (draw,) or (draw, edge), settings summed out; `share` (draw,).
        """
        q = share.reshape(-1, *[1] * (end.ndim - 1))
        if recurrent:
            return self._mixed(self._at_least(q * (end - opening), at_least))
        if at_least > 1:
            return np.zeros((end.shape[0], *end.shape[2:]))
        return self._mixed(q * (self._at_least(end, 1) - self._at_least(opening, 1)))

    def counts(self, opening: Array, end: Array, share: Array, recurrent: bool, most: int) -> Array:
        """P of at least 1, 2, ... `most` events between two H (draw, setting): (draw, n).

        P(N >= n) = 1 - sum of P(N = k) over k < n, where for odds o = q H / R and x = o / (1 + o)
        P(0) = (1 + o)^-A and P(k) = P(k - 1) x (A + k - 1) / k: a tenth of the time of the
        incomplete beta function, and the same but for rounding, of 1e-15 at most.
        """
        if not recurrent or most == 1:
            one = self.chance(opening, end, share, recurrent)
            return np.stack([one, *[np.zeros_like(one)] * (most - 1)], axis=1)
        odds = share[:, None] * (end - opening) / self.scale
        none = np.exp(-self.shape * np.log1p(odds))
        term, left, x = none, -np.expm1(-self.shape * np.log1p(odds)), odds / (1 + odds)
        found = [self._mixed(left)]
        for k in range(1, most):
            term = term * x * (self.shape + (k - 1)) / k
            left = np.maximum(left - term, 0.0)
            found.append(self._mixed(left))
        return np.stack(found, axis=1)

    def expected(self, opening: Array, end: Array, share: Array, recurrent: bool) -> Array:
        """The expected number of events (draw,) between two H (draw, setting)."""
        if not recurrent:
            return self.chance(opening, end, share, recurrent)
        return self._mixed(share[:, None] * (end - opening) * self.shape / self.scale)

    def _at_least(self, hazard: Array, events: int) -> Array:
        extra = (...,) + (None,) * (hazard.ndim - 2)
        shape, odds = self.shape[extra], hazard / self.scale[extra]
        if events == 1:
            return np.asarray(-np.expm1(-shape * np.log1p(odds)))
        from scipy.special import betainc

        return np.asarray(betainc(float(events), shape, odds / (1 + odds)))

    def _mixed(self, by_setting: Array) -> Array:
        if by_setting.shape[1] == 1:
            return by_setting[:, 0]
        return np.asarray(np.einsum("ds,ds...->d...", self.weight, by_setting))


def hazard_ahead(multiplier: Multiplier, draws: Array, x: Array, edges: Array) -> Array:
    """Integral of m from now to each edge (draw, edge), along covariates x (draw, bin, tag)."""
    steps = np.exp(multiplier.log_multiplier(draws, x)) * np.diff(edges)
    return np.concatenate([np.zeros((len(draws), 1)), np.cumsum(steps, axis=1)], axis=1)
