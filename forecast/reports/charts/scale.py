"""Scales, ticks, and labels that keep out of each other's way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forecast.reports.phrases import MONTHS

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight map from [low, high] to pixels [start, end]; what lies outside is clamped."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high <= self.low or math.isnan(value):
            return (self.start + self.end) / 2
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return self.start + share * (self.end - self.start)


def probability_ticks(largest: float, most: int = 5) -> list[float]:
    """Even ticks from 0 to the first one at or above `largest`, at most `most` steps.

    >>> probability_ticks(0.47)
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    """
    largest = min(max(largest, 0.004), 1.0)
    step = next((s for s in _STEPS if math.ceil(largest / s - 1e-9) <= most), 0.25)
    return [round(n * step, 6) for n in range(math.ceil(largest / step - 1e-9) + 1)]


def date_ticks(start: datetime, end: datetime, most: int) -> list[tuple[datetime, str]]:
    """At most `most` first days of months (or days, or hours) in [start, end], with labels."""
    days = (end - start) / timedelta(days=1)
    if days <= 0:
        return [(start, f"{start.day} {MONTHS[start.month - 1]}")]
    if days < 2:
        return _hour_ticks(start, end, most)
    step = next((s for s in _DAY_STEPS if days / s <= most), None)
    return _day_ticks(start, end, step) if step else _month_ticks(start, end, most)


def _hour_ticks(start: datetime, end: datetime, most: int) -> list[tuple[datetime, str]]:
    hours = (end - start) / timedelta(hours=1)
    step = next((s for s in (1, 2, 3, 6, 12, 24) if hours / s <= most), 24)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (midnight + timedelta(hours=n * step) for n in range(49 // step + 2))
    return [(t, f"{t:%H:%M}") for t in moments if start <= t <= end]


def _day_ticks(start: datetime, end: datetime, step: int) -> list[tuple[datetime, str]]:
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (first + timedelta(days=n) for n in range((end - first).days + 1))
    return [
        (t, f"{t.day} {MONTHS[t.month - 1]}")
        for t in moments
        if start <= t <= end and t.toordinal() % step == 1 % step
    ]


def _month_ticks(start: datetime, end: datetime, most: int) -> list[tuple[datetime, str]]:
    months = (end.year - start.year) * 12 + end.month - start.month
    step = next((s for s in _MONTH_STEPS if months / s <= most), 240)
    ticks: list[tuple[datetime, str]] = []
    for number in range(start.year * 12, end.year * 12 + 12):
        year, month = divmod(number, 12)
        if number % step or not 1 <= year <= 9999:
            continue
        moment = datetime(year, month + 1, 1, tzinfo=UTC)
        if start <= moment <= end:
            named = not ticks or month == 0 or step >= 12
            label = f"{MONTHS[month]} {year}" if named else MONTHS[month]
            ticks.append((moment, str(year) if step >= 12 else label))
    return ticks


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels: near where each is wanted, at least `gap` apart, in [low, high].

    Labels that touch are pushed down from the top, and back up from the end; where there is
    no room for all, the gaps shrink evenly.

    >>> spread([50, 52, 90], 10, 0, 100)
    [46.0, 56.0, 90.0]
    """
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    groups: list[list[float]] = []
    for n in order:
        groups.append([min(max(float(wanted[n]), low), high)])
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap, low, high):
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = [y for group in groups for y in _laid_out(group, gap, low, high)]
    return [place for _, place in sorted(zip(order, placed, strict=True))]


def _laid_out(group: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The labels of one group, `gap` apart around their common centre, within the bounds."""
    length = gap * (len(group) - 1)
    first = sum(group) / len(group) - length / 2
    first = min(max(first, low), high - length)
    return [first + n * gap for n in range(len(group))]


def _touch(
    above: Sequence[float], below: Sequence[float], gap: float, low: float, high: float
) -> bool:
    last = _laid_out(above, gap, low, high)[-1]
    return _laid_out(below, gap, low, high)[0] - last < gap - 1e-9
