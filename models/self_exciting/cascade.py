"""How many events are still to come: the exact law of what the process sets off, day by day.

Given a draw and its future, what comes from now on is a Poisson number of events a day that
known events and the background set off, each with a family of its own. An event on day b of a
family in the window, and all it sets off, has the generating function

    G_b(z) = (1 - v_b + v_b z) exp( -n sum over days c > b of k_cb (1 - G_c(z)) )
    k_cb   = (1 - e^-w) e^(-w (c - b - 1))

with v_b the chance that an event of that day lies in the window and is of the kind asked for,
and all together F(z) = exp( -sum over days of expected_b (1 - G_b(z)) ). Backwards from the
last day this is one step a day. Carried as power series up to z^(n-1) it gives P(at least n)
without simulating a single event; its derivative at 1 gives the expected number. Where an open
window asks for one event of any kind nothing that is set off matters: P = 1 - exp(-expected).
"""

from dataclasses import dataclass

import numpy as np

from models.covariates import Array


@dataclass(frozen=True, slots=True)
class Ahead:
    """The days ahead for each draw: the first is what is left of today.

    `width` (day,) is how much of each day lies before the horizon, `expected` (day, draw) the
    number of events in that time that the background and known events set off; `branching`
    and `decay` (draw,) are n and e^-w.
    """

    width: Array
    expected: Array
    branching: Array
    decay: Array

    @property
    def ends(self) -> Array:
        """Days from now to the end of each day (day,)."""
        return np.cumsum(self.width)

    def inside(self, start: float, ends: Array) -> Array:
        """How much of each day is in the windows from `start` to each of `ends` (window, day)."""
        last = self.ends
        upper = np.minimum(last, ends[:, None])
        return np.asarray(np.maximum(upper - np.maximum(last - self.width, start), 0.0))

    def any(self, inside: Array) -> Array:
        """P (window, draw) of an event of any kind in windows that open now."""
        return np.asarray(-np.expm1(-(inside / self.width) @ self.expected))

    def fewer(self, inside: Array, share: Array, most: int) -> Array:
        """P (most, window, draw) of exactly 0, 1, ... most - 1 events of the kind in the windows.

        `share` (draw,) of all events are of the kind.
        """
        shape = (most, len(inside), len(share))
        log_law, below = np.zeros(shape), np.zeros(shape)
        for day in range(len(self.width) - 1, -1, -1):
            family = power_series_exp(-self.branching * below)
            hit = np.multiply.outer(inside[:, day] / self.width[day], share)
            missed = family * (1.0 - hit)
            missed[1:] += family[:-1] * hit
            missed *= -1.0
            missed[0] += 1.0  # 1 - G
            log_law -= self.expected[day] * missed
            below *= self.decay
            below += (1.0 - self.decay) * self.width[day] * missed
        return power_series_exp(log_law)

    def mean(self, inside: Array, share: Array) -> Array:
        """Expected number (draw,) of events of the kind in one window; `inside` (day,)."""
        total, below = np.zeros(len(share)), np.zeros(len(share))
        for day in range(len(self.width) - 1, -1, -1):
            family = share * inside[day] / self.width[day] + self.branching * below
            total += self.expected[day] * family
            below = self.decay * below + (1.0 - self.decay) * self.width[day] * family
        return total


def power_series_exp(series: Array) -> Array:
    """Coefficients of exp(sum of series_k z^k), as many; along the first axis.

    g_0 = exp(a_0), k g_k = sum over i = 1..k of i a_i g_(k-i).

    >>> power_series_exp(np.array([0.0, 1.0, 0.0, 0.0]))
    array([1.        , 1.        , 0.5       , 0.16666667])
    """
    found = np.empty_like(series)
    found[0] = np.exp(series[0])
    for k in range(1, len(series)):
        order = np.arange(1, k + 1).reshape(-1, *[1] * (series.ndim - 1))
        found[k] = (order * series[1 : k + 1] * found[k - 1 :: -1][:k]).sum(axis=0) / k
    return found


def days_ahead(now: float, horizon: float) -> Array:
    """Widths (day,) of the days from `now` (days since a midnight) over `horizon` days."""
    rest = 1.0 - now % 1.0
    edges = np.concatenate([[0.0], np.arange(rest, horizon, 1.0), [horizon]])
    return np.diff(edges)
