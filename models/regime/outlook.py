"""From today's state to what lies ahead, exactly and without simulating futures.

    night          p -> p A
    within a day   after dt days in state z, Poisson(q h_z dt) events
    P(n in window) the window's days multiplied out, as power series in the count up to n

Whole days between two moments are a power of one matrix, taken by squaring. Incidents still to
come need no simulating: what they could tell is of the state, and that is averaged over. What
can happen only once must not have happened before the window opens, and is of the narrower
kind or is not: then P = q ( S(opening) - S(end) ), S the probability of none of any kind.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.covariates import Array
from models.regime.density import Filtered

ROUNDING = 1e-9  # of a day: a moment this near to midnight is at midnight


@dataclass(frozen=True, slots=True)
class Course:
    """How a vector (draw, count, place) goes on in time, as power series in a count.

    `night` (draw, place, place) is what a midnight does; `within` gives what dt days without
    one do (draw, count, place, place).
    """

    night: Array
    within: Callable[[float], Array]

    def along(self, vector: Array, moments: Array) -> Array:
        """The vector at each moment (draw, moment, count, place); it holds at the first.

        Moments are days since the last midnight before now, and rise.
        """
        found, squares = [vector], [_multiply_night(self.night, self.within(1.0))]
        for begin, end in zip(moments[:-1].tolist(), moments[1:].tolist(), strict=True):
            first, last = (math.floor(moment + ROUNDING) for moment in (begin, end))
            if first == last:
                vector = multiply(vector, self.within(end - begin))
            else:
                vector = multiply(vector, self.within(first + 1 - begin))
                vector = _raise(vector, squares, last - first - 1)
                vector = multiply(vector @ self.night, self.within(end - last))
            found.append(vector)
        return np.stack(found, axis=1)


def multiply(one: Array, other: Array) -> Array:
    """The product of two power series cut at their length.

    `one` is of vectors (draw, count, place) or matrices (draw, count, place, place), `other`
    of matrices.
    """
    length = other.shape[1]
    if one.ndim == 3:
        out = one @ other[:, 0]
        for k in range(1, length):
            out[:, k:] += one[:, : length - k] @ other[:, k]
        return out
    out = one @ other[:, :1]
    for k in range(1, length):
        out[:, k:] += one[:, : length - k] @ other[:, k : k + 1]
    return out


def _multiply_night(night: Array, day: Array) -> Array:
    return np.asarray(night[:, None] @ day)


def _raise(vector: Array, squares: list[Array], power: int) -> Array:
    """The vector times a power of squares[0]; squares[i] is its 2^i-th, made when wanted."""
    place = 0
    while power:
        if place == len(squares):
            squares.append(multiply(squares[-1], squares[-1]))
        if power % 2:
            vector = multiply(vector, squares[place])
        power, place = power // 2, place + 1
    return vector


def counting(filtered: Filtered, share: Array, length: int) -> Course:
    """The course of the states and of the count of events up to `length` - 1."""
    rate = filtered.hazard * share[:, None]

    def within(days: float) -> Array:
        mean = rate * days
        out = np.zeros((len(rate), length, 3, 3))
        term = np.exp(-mean)
        for n in range(length):
            out[:, n, range(3), range(3)] = term
            term = term * mean / (n + 1)
        return out

    return Course(filtered.transition, within)


def expecting(filtered: Filtered) -> Course:
    """The course of the states and of the expected events of the root, the fourth place."""
    draws = len(filtered.hazard)
    night = np.zeros((draws, 4, 4))
    night[:, :3, :3], night[:, 3, 3] = filtered.transition, 1.0

    def within(days: float) -> Array:
        out = np.broadcast_to(np.eye(4), (draws, 1, 4, 4)).copy()
        out[:, 0, :3, 3] = filtered.hazard * days
        return out

    return Course(night, within)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the draws say of the days ahead; `since_midnight` is the part of today that is over."""

    filtered: Filtered
    since_midnight: float
    recurrent: bool

    def at_least(self, share: Array, edges: Array, n: int) -> Array:
        """P of at least 1, 2, .. n events (draw, edge, n) between edges[0] and each edge.

        Edges are days from now; `share` (draw,) of the events are of the definition.
        """
        if not self.recurrent:
            none = self._none_before(edges)
            once = share[:, None] * (none[:, :1] - none)
            return np.stack([once, *[np.zeros_like(once)] * (n - 1)], axis=2)
        course = counting(self.filtered, share, n)
        start = np.zeros((len(share), n, 3))
        start[:, 0] = self._state_at(edges[0])
        exactly = course.along(start, self.since_midnight + edges).sum(axis=3)
        return np.asarray(np.clip(1.0 - np.cumsum(exactly, axis=2), 0.0, 1.0))

    def expected(self, share: Array, window: Array) -> Array:
        """The expected number of events (draw,) between the two edges of a window."""
        if not self.recurrent:
            return self.at_least(share, window, 1)[:, -1, 0]
        start = np.zeros((len(share), 1, 4))
        start[:, 0, :3] = self._state_at(window[0])
        end = expecting(self.filtered).along(start, self.since_midnight + window)[:, -1, 0, 3]
        return np.asarray(share * end)

    def _none_before(self, edges: Array) -> Array:
        """P of no event of any kind from now to each edge (draw, edge)."""
        course = counting(self.filtered, np.ones(len(self.filtered.state)), 1)
        moments = self.since_midnight + np.concatenate([[0.0], edges])
        along = course.along(self.filtered.state[:, None], moments)
        return np.asarray(along[:, 1:, 0].sum(axis=2))

    def _state_at(self, days: float) -> Array:
        """The probabilities of the states (draw, 3) so many days from now."""
        nights = math.floor(self.since_midnight + days + ROUNDING)
        return _raise(self.filtered.state[:, None], [self.filtered.transition[:, None]], nights)[
            :, 0
        ]
