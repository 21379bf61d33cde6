"""Evidence now: what each tag does to the hazard, as a dot and its interval, log scale."""

import math
from collections.abc import Sequence

from forecast.reports.charts import svg
from forecast.reports.charts.scale import Scale
from forecast.reports.incidents import Effect
from forecast.reports.phrases import counted, range_words, times

ROWS = 12
_TICKS = tuple(2.0**n for n in range(-7, 10))


def whiskers(effects: Sequence[Effect], key: str, width: float) -> str:
    """The strongest tags, or nothing where there are none."""
    shown = effects[:ROWS]
    if not shown:
        return ""
    stacked = width < 500
    left, right, row = (8.0, width - 12, 46.0) if stacked else (236.0, width - 186, 27.0)
    x = _scale(shown, left, right)
    bottom = row * len(shown) + 10
    body = _grid(x, bottom)
    for number, effect in enumerate(shown):
        body += _row(effect, x, number * row + 8, stacked, width)
    title = "What each tag does to the hazard"
    return svg.figure(key, width, bottom + 26, title, describe(shown), body)


def describe(effects: Sequence[Effect]) -> str:
    """The chart in words."""
    said = (f"{e.tag} {times(e.median)} ({range_words(e.lower, e.upper)})" for e in effects)
    return "Multipliers of the hazard, with their bands: " + "; ".join(said) + "."


def _log2(factor: float) -> float:
    return math.log2(min(max(factor, 2.0**-10), 2.0**10))


def _scale(effects: Sequence[Effect], start: float, end: float) -> Scale:
    ends = [_log2(value) for e in effects for value in (e.lower, e.upper, e.median)]
    return Scale(min([*ends, -1.0]) - 0.15, max([*ends, 1.0]) + 0.15, start, end)


def _grid(x: Scale, bottom: float) -> list[str]:
    marks, room_until = [], -math.inf
    for factor in _TICKS:
        place = x(math.log2(factor))
        if not x.low <= math.log2(factor) <= x.high:
            continue
        marks.append(svg.line(place, 2, place, bottom, "axis" if factor == 1 else "grid"))
        if place > room_until or factor == 1:
            marks.append(svg.text(place, bottom + 17, f"×{factor:.3g}", "tick", "middle"))
            room_until = place + 40
    return marks


def _row(effect: Effect, x: Scale, top: float, stacked: bool, width: float) -> list[str]:
    words_y, y = (top + 11, top + 26) if stacked else (top + 16, top + 12)
    numbers = f"{times(effect.median)} ({range_words(effect.lower, effect.upper)})"
    count = counted(effect.count, "incident")
    limit = 27 if stacked else 30
    name = effect.tag if len(effect.tag) <= limit else effect.tag[: limit - 1] + "…"
    marks = [
        svg.text(0, words_y, name, "name"),
        svg.line(x(_log2(effect.lower)), y, x(_log2(effect.upper)), y, "whisker"),
        svg.dot(x(_log2(effect.median)), y, "dot", 4.5),
    ]
    if stacked:
        return [*marks, svg.text(width, words_y, numbers, "tick", "end")]
    return [
        *marks,
        svg.text(width - 90, y + 4, numbers, "name", "end"),
        svg.text(width, y + 4, count, "tick", "end"),
    ]
