"""Landmarks: the moments at which units were at risk, what was seen then, what came after."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.covariates import Array
from models.panel.facts import Codes, Spans, Stream

LN2 = float(np.log(2.0))


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Moments, sorted by unit and origin: `unit` (row,) codes and `origin` (row,) in days."""

    unit: Codes
    origin: Array

    @classmethod
    def of(cls, unit: Codes, origin: Array) -> "Landmarks":
        """In any order."""
        order = np.lexsort((origin, unit))
        return cls(np.asarray(unit, np.int64)[order], np.asarray(origin, float)[order])

    def __len__(self) -> int:
        return len(self.unit)


def landmarks(spans: Spans, last: float, step: float) -> Landmarks:
    """Every `step` days back from `last`, wherever a unit is at risk: start < origin <= end."""
    first = np.floor((last - spans.start) / step)
    newest = np.maximum(np.ceil((last - spans.end) / step), 0.0)
    count = np.maximum(first - newest + 1, 0.0).astype(np.int64)
    span = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(span)) - np.repeat(np.cumsum(count) - count, count)
    origin = last - step * (newest[span] + nth)
    kept = origin > spans.start[span]
    return Landmarks.of(spans.unit[span][kept], origin[kept])


def first_after(marks: Landmarks, unit: Codes, time: Array) -> tuple[Codes, NDArray[np.bool_]]:
    """The place of each unit's first landmark after its time (query,), and whether there is one."""
    place = _search(marks.unit, marks.origin, unit, time, "right")
    found = place < len(marks)
    found[found] = marks.unit[place[found]] == unit[found]
    return place, found


def count_in(events: Stream, marks: Landmarks, start: float, end: float) -> Array:
    """How many events (row,) occurred in [origin + start, origin + end)."""
    order = np.lexsort((events.occurred, events.unit))
    unit, occurred = events.unit[order], events.occurred[order]
    ends = [
        _search(unit, occurred, marks.unit, marks.origin + bound, "left") for bound in (start, end)
    ]
    return (ends[1] - ends[0]).astype(float)


def stocks(rows: Stream, names: int, marks: Landmarks, half_lives: Array) -> Array:
    """Faded sums (row, name, half-life) of what was usable at each landmark.

        S_uk(t) = sum over rows of u and k known before t of value * 2^-((t - occurred)/half-life)

    An infinite half-life does not fade. Cost: rows + landmarks, once each.
    """
    place, found = first_after(marks, rows.unit, rows.known)
    place, rows = place[found], rows.where(found)
    age = marks.origin[place] - rows.occurred
    total = np.zeros((len(marks), names, len(half_lives)))
    cell = place * names + rows.name
    for j, half_life in enumerate(half_lives):
        weight = rows.value * 2.0 ** (-age / half_life)
        total[:, :, j] = np.bincount(cell, weight, len(marks) * names).reshape(-1, names)
    return _carried_on(total, marks, half_lives)


def _carried_on(total: Array, marks: Landmarks, half_lives: Array) -> Array:
    """Add to each landmark what has remained of the unit's earlier ones."""
    begins = np.flatnonzero(np.diff(marks.unit, prepend=-1))
    lengths = np.diff(np.r_[begins, len(marks)])
    for nth in range(1, int(lengths.max(initial=0))):
        now = begins[lengths > nth] + nth
        faded = 2.0 ** (-(marks.origin[now] - marks.origin[now - 1])[:, None] / half_lives)
        total[now] += total[now - 1] * faded[:, None, :]
    return total


def last_known(rows: Stream, marks: Landmarks, lag: float) -> tuple[Array, Array]:
    """The newest value (row,) that was usable `lag` days before each landmark, and its age."""
    order = np.lexsort((rows.occurred, rows.known, rows.unit))
    unit, known = rows.unit[order], rows.known[order]
    place = _search(unit, known, marks.unit, marks.origin - lag, "left") - 1
    found = place >= 0
    found[found] = unit[place[found]] == marks.unit[found]
    at = order[np.where(found, place, 0)] if len(order) else np.zeros(len(marks), np.int64)
    if not len(order):
        return np.full(len(marks), np.nan), np.full(len(marks), np.inf)
    value = np.where(found, rows.value[at], np.nan)
    return value, np.where(found, marks.origin - rows.occurred[at], np.inf)


def faded_time(duration: Array, half_lives: Array) -> Array:
    """Integral (row, half-life) of 2^-(age/half-life) over a duration (row,) up to now."""
    duration = np.maximum(duration, 0.0)[:, None]
    with np.errstate(invalid="ignore"):
        faded = half_lives / LN2 * -np.expm1(-LN2 * duration / half_lives)
    return np.where(np.isinf(half_lives), duration, faded)


def _search(unit: Codes, time: Array, asked: Codes, at: Array, side: str) -> Codes:
    """np.searchsorted in (unit, time) pairs, sorted, for (asked, at) pairs."""
    times, place = np.unique(np.concatenate([time, at]), return_inverse=True)
    n = len(times)
    keys, wanted = unit * n + place[: len(time)], asked * n + place[len(time) :]
    return np.searchsorted(keys, wanted, side=side)  # type: ignore[call-overload,no-any-return]
