"""What moved it: a waterfall on the log-hazard scale, where the parts add up exactly."""

import math
from dataclasses import dataclass

from forecast.estimate import log_hazard
from forecast.likelihood import percent
from forecast.reports.charts import svg
from forecast.reports.charts.scale import Scale
from forecast.reports.moves import CAUSES, Shift
from forecast.reports.phrases import day_words, times
from forecast.reports.sentence import change_words

SMALL = 0.01
_SMALLER = "smaller causes"
_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_LATE_TICKS = (0.95, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: from `start` to `end` on the log-hazard scale."""

    name: str
    start: float
    end: float


def steps_of(shift: Shift) -> list[Step]:
    """The causes as bars end to end; those below 1 % of the hazard are one bar together."""
    here = log_hazard(shift.start)
    large = {c: s for c, s in shift.parts.items() if abs(s) > SMALL}
    rest = math.fsum(s for c, s in shift.parts.items() if c not in large)
    named = {CAUSES[c]: s for c, s in large.items()} | ({_SMALLER: rest} if rest else {})
    found = []
    for name, size in named.items():
        found.append(Step(name, here, here + size))
        here += size
    return found


def waterfall(shift: Shift | None, key: str, width: float) -> str:
    """The chart of one move, or nothing where there is none."""
    if shift is None:
        return ""
    steps = steps_of(shift)
    stacked = width < 500
    left, row = (8.0, 42.0) if stacked else (236.0, 27.0)
    x = _scale(steps, shift, left + 6, width - 56)
    bottom = row * (len(steps) + 2) + 8
    body = [*_grid(x, bottom), _end_row("from", shift.start, shift, 0, x, row, stacked)]
    for number, step in enumerate(steps, start=1):
        body += _bar(step, x, row, number, stacked)
    body.append(_end_row("to", shift.end, shift, len(steps) + 1, x, row, stacked))
    return svg.figure(key, width, bottom + 26, "What moved it", describe(shift), body)


def describe(shift: Shift) -> str:
    """The move in words."""
    parts = (f"{CAUSES[c]} {times(math.exp(min(s, 50)))}" for c, s in shift.parts.items() if s)
    ends = f"From {percent(shift.start)} to {percent(shift.end)}, {change_words(shift)}"
    return f"{ends}. The hazard was multiplied by: " + (", ".join(parts) or "nothing") + "."


def _scale(steps: list[Step], shift: Shift, start: float, end: float) -> Scale:
    """Room for every bar, and never so little that noise looks like news."""
    places = [s.start for s in steps] + [s.end for s in steps]
    places += [log_hazard(shift.start), log_hazard(shift.end)]
    low, high = min(places), max(places)
    slack = max(0.12 * (high - low), (0.6 - (high - low)) / 2)
    return Scale(low - slack, high + slack, start, end)


def _grid(x: Scale, bottom: float) -> list[str]:
    marks, room_until = [], -math.inf
    for p in (*_TICKS, *_LATE_TICKS):
        place = x(log_hazard(p))
        if x.low <= log_hazard(p) <= x.high and place > room_until:
            marks.append(svg.line(place, 4, place, bottom, "grid"))
            marks.append(svg.text(place, bottom + 17, f"{100 * p:g} %", "tick", "middle"))
            room_until = place + 44
    return marks


def _baseline(number: int, row: float, stacked: bool) -> tuple[float, float]:
    """The height of a row's words and of its marks: above one another where it is narrow."""
    top = number * row + 8
    return (top + 12, top + 25) if stacked else (top + 16, top + 12)


def _end_row(
    word: str, p: float, shift: Shift, number: int, x: Scale, row: float, stacked: bool
) -> str:
    when = shift.since if word == "from" else shift.until
    words_y, mark_y = _baseline(number, row, stacked)
    place = x(log_hazard(p))
    return "".join(
        (
            svg.text(0, words_y, f"{word} {percent(p)}, {day_words(when)}", "strong"),
            svg.dot(place, mark_y, "dot" if word == "to" else "held-dot", 4.5),
            svg.text(place + 10, mark_y + 4, percent(p), "strong"),
        )
    )


def _bar(step: Step, x: Scale, row: float, number: int, stacked: bool) -> list[str]:
    words_y, y = _baseline(number, row, stacked)
    a, b = x(step.start), x(step.end)
    up = b >= a
    factor = times(math.exp(min(step.end - step.start, 50)))
    return [
        svg.line(a, y - row + (6 if not stacked else 8), a, y, "joint"),
        svg.text(0, words_y, step.name, "name"),
        svg.polygon(_arrow(a, b, y), "raise" if up else "lower"),
        svg.text(max(a, b) + 7, y + 4, factor, "tick"),
    ]


def _arrow(a: float, b: float, y: float, half: float = 5.5) -> list[svg.Point]:
    """A bar that points the way it pushes."""
    tip = math.copysign(min(6.0, abs(b - a)), b - a)
    return [(a, y - half), (b - tip, y - half), (b, y), (b - tip, y + half), (a, y + half)]
