"""A forest plot: what was gained over each reference, its interval, and the line of no gain."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forecast.reports.charts import svg
from forecast.reports.charts.plane import even_ticks
from forecast.reports.charts.scale import Scale
from forecast.scoring.results import Gain

_HEAD = 26.0


@dataclass(frozen=True, slots=True)
class Row:
    """One gain by name, `words` as it is written beside it."""

    name: str
    gain: Gain
    words: str


def forest(
    gains: Sequence[Row], title: str, key: str, width: float, tick: Callable[[float], str]
) -> str:
    """The chart, or nothing without rows; `tick` writes the numbers along the axis.

    Full dots are surely above zero, hollow ones not surely, triangles down surely below.
    """
    shown = [row for row in gains if math.isfinite(row.gain.value)]
    if not shown:
        return ""
    stacked = width < 500
    left, right, row_height = (8.0, width - 12, 44.0) if stacked else (150.0, width - 226, 27.0)
    x = _scale(shown, left, right)
    bottom = row_height * len(shown) + _HEAD + 2
    body = [svg.text(0, 14, title, "strong"), *_grid(x, bottom, tick)]
    for number, row in enumerate(shown):
        body += _row(row, x, number * row_height + _HEAD, stacked, width)
    return svg.figure(key, width, bottom + 26, title, describe(shown), body)


def describe(gains: Sequence[Row]) -> str:
    """The chart in words."""
    return "Above zero is better. " + "; ".join(f"{r.name}: {r.words}" for r in gains) + "."


def _scale(gains: Sequence[Row], start: float, end: float) -> Scale:
    ends = [0.0]
    for row in gains:
        ends += [v for v in (row.gain.value, row.gain.lower, row.gain.upper) if v is not None]
    slack = 0.06 * (max(ends) - min(ends)) or 1e-4
    return Scale(min(ends) - slack, max(ends) + slack, start, end)


def _grid(x: Scale, bottom: float, tick: Callable[[float], str]) -> list[str]:
    marks = []
    for value in even_ticks(x.low, x.high, 4):
        place = x(value)
        marks.append(svg.line(place, _HEAD, place, bottom, "ideal" if value == 0 else "grid"))
        marks.append(svg.text(place, bottom + 17, tick(value), "tick", "middle"))
    return marks


def _row(row: Row, x: Scale, top: float, stacked: bool, width: float) -> list[str]:
    words_y, y = (top + 11, top + 25) if stacked else (top + 16, top + 12)
    limit = 20 if stacked else 21
    name = row.name if len(row.name) <= limit else row.name[: limit - 1] + "…"
    marks = [svg.text(0, words_y, name, "name")]
    if row.gain.lower is not None and row.gain.upper is not None:
        marks.append(svg.line(x(row.gain.lower), y, x(row.gain.upper), y, "whisker"))
    marks.append(_mark(row.gain, x(row.gain.value), y))
    return [*marks, svg.text(width, words_y, row.words, "tick", "end")]


def _mark(gain: Gain, x: float, y: float) -> str:
    if gain.upper is not None and gain.upper < 0.0:
        return svg.triangle(x, y, "dot", up=False)
    is_sure = gain.lower is not None and gain.lower > 0.0
    return svg.dot(x, y, "dot" if is_sure else "held-dot", 4.5)
