"""The frame of a chart of one number against another: scales, ticks and grid."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forecast.reports.charts import svg
from forecast.reports.charts.scale import Scale

type AnyScale = Callable[[float], float]

_SHARES = (
    0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6,
    0.7, 0.8, 0.9, 1.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RootScale:
    """A map from [0, high] to pixels that is straight in the square root.

    Where most forecasts are of a few per cent it gives those the room, and 0 is still on it.
    """

    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        root = math.sqrt(max(value, 0.0)) if math.isfinite(value) else math.nan
        return Scale(0.0, math.sqrt(self.high), self.start, self.end)(root)


@dataclass(frozen=True, slots=True)
class Plane:
    """Where the plot lies, in pixels, and its two scales."""

    left: float
    right: float
    top: float
    bottom: float
    x: AnyScale
    y: AnyScale

    def place(self, x: float, y: float) -> svg.Point:
        """The pixel of a pair of numbers."""
        return self.x(x), self.y(y)


def share_scale(high: float, start: float, end: float, is_rare: bool) -> AnyScale:
    """From 0 to `high`, by its root where what it shows is rare."""
    return RootScale(high, start, end) if is_rare else Scale(0.0, high, start, end)


def share_ticks(high: float, scale: AnyScale, gap: float) -> list[float]:
    """Plain percentages from 0 to `high`, at least `gap` pixels apart; even on a straight scale.

    >>> share_ticks(0.2, Scale(0.0, 0.2, 0.0, 100.0), 30.0)
    [0.0, 0.1, 0.2]
    >>> share_ticks(0.25, RootScale(0.25, 0.0, 100.0), 30.0)
    [0.0, 0.03, 0.15]
    """
    if isinstance(scale, Scale):
        return even_ticks(0.0, high, max(1, int(abs(scale.end - scale.start) / gap)))
    found: list[float] = []
    for tick in _SHARES:
        if tick <= high + 1e-9 and (not found or abs(scale(tick) - scale(found[-1])) >= gap):
            found.append(tick)
    return found


def even_ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in [low, high], at most `most` + 1 of them.

    >>> even_ticks(-0.012, 0.031, 5)
    [-0.01, 0.0, 0.01, 0.02, 0.03]
    """
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(n * power for n in (1, 2, 5, 10, 20) if (high - low) / (n * power) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def rows(on: Plane, ticks: Sequence[float], words: Sequence[str]) -> list[str]:
    """A hairline a tick, with its words to the left of it."""
    marks = []
    for tick, said in zip(ticks, words, strict=True):
        y = on.y(tick)
        marks.append(svg.line(on.left, y, on.right, y, "axis" if tick == 0 else "grid"))
        marks.append(svg.text(on.left - 8, y + 4, said, "tick", "end"))
    return marks


def columns(on: Plane, ticks: Sequence[float], words: Sequence[str]) -> list[str]:
    """A short mark below the plot at each tick, with its words."""
    marks = []
    for tick, said in zip(ticks, words, strict=True):
        x = on.x(tick)
        marks.append(svg.line(x, on.bottom, x, on.bottom + 5, "axis"))
        marks.append(svg.text(x, on.bottom + 19, said, "tick", "middle"))
    return marks


def share_words(ticks: Sequence[float]) -> list[str]:
    """Percentages; only the last one carries the sign.

    >>> share_words([0.0, 0.05, 0.1])
    ['0', '5', '10 %']
    """
    last = len(ticks) - 1
    return [f"{100 * t:.3g}{' %' if n == last else ''}" for n, t in enumerate(ticks)]
