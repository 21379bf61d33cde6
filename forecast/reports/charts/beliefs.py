"""Prior against posterior: a pale bar for what was believed, a solid one and a dot for now.

Rates, shares and factors each on a scale of their own: rates and factors by their logarithm.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from forecast.belief import Belief, Numbers
from forecast.reports.beliefs import SHOWN, moved_by, name_of, numbers_words, words_of
from forecast.reports.charts import svg
from forecast.reports.charts.scale import Scale

_FIRST = "base_rate"  # stands in every chart, however little it moved
_LEAST, _MOST = 1e-7, 1 - 1e-7  # probabilities a quarter that are drawn
_TITLE, _FOOT = 26.0, 36.0


@dataclass(frozen=True, slots=True)
class Panel:
    """Beliefs of one unit: how a number lies on the scale, and the ticks it may have."""

    unit: str
    title: str
    place: Callable[[float], float]
    ticks: tuple[float, ...]
    words: Callable[[float], str]


def _rate(p: float) -> float:
    """log2 of the rate a quarter at which p is the probability of an event."""
    return math.log2(-math.log1p(-min(max(p, _LEAST), _MOST)))


def _log2(factor: float) -> float:
    return math.log2(min(max(factor, 2.0**-10), 2.0**10))


def _percent(p: float) -> str:
    return f"{100 * p:g} %"


_PERCENTS = (1e-5, 1e-4, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 0.9, 0.99, 0.9999)
_PANELS = (
    Panel("per quarter", "Rates: probability a quarter", _rate, _PERCENTS, _percent),
    Panel("share", "Shares", float, (0.0, 0.25, 0.5, 0.75, 1.0), _percent),
    Panel(
        "ratio",
        "Factors",
        _log2,
        tuple(2.0**n for n in range(-10, 11)),
        lambda factor: f"×{factor:.3g}",
    ),
)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The width of the chart, where its bars lie, and how tall its rows and its head are."""

    width: float
    left: float
    right: float
    row: float
    head: float
    is_stacked: bool

    @classmethod
    def of(cls, width: float) -> "_Frame":
        if width < 500:
            return cls(width, 8.0, width - 8.0, 64.0, 50.0, True)
        return cls(width, 262.0, width - 150.0, 40.0, 30.0, False)


def shown_of(beliefs: Sequence[Belief]) -> list[Belief]:
    """The strongest movers, and the base rate."""
    found = list(beliefs[:SHOWN])
    base = next((b for b in beliefs if b.key == _FIRST), None)
    if base is not None and base not in found:
        found[-1] = base
    return found


def belief_chart(beliefs: Sequence[Belief], key: str, width: float) -> str:
    """The chart, strongest mover first in each panel; nothing without beliefs."""
    shown, frame = shown_of(beliefs), _Frame.of(width)
    if not shown:
        return ""
    body, top = [*_key(frame)], frame.head
    for panel in _PANELS:
        inside = [belief for belief in shown if belief.prior.unit == panel.unit]
        if inside:
            body += _panel(panel, inside, frame, top)
            top += _TITLE + frame.row * len(inside) + _FOOT
    title = "What was believed, and what the data made of it"
    return svg.figure(key, width, top, title, describe(shown), body)


def describe(beliefs: Sequence[Belief]) -> str:
    """The chart in words."""
    said = (
        f"{name_of(b.key)} {numbers_words(b.prior)}, now {numbers_words(b.now)}" for b in beliefs
    )
    return "Medians with their central 90 %, before the data and after: " + "; ".join(said) + "."


def _key(frame: _Frame) -> list[str]:
    second, below = (176.0, 34.0) if frame.is_stacked else (190.0, 14.0)
    said = "sd: standard deviations of what was believed"
    return [
        *_bar(1.0, 29.0, 15.0, 10.0),
        svg.text(36, 14, "believed, 90 %", "tick"),
        *_solid(second, second + 28.0, second + 14.0, 10.0),
        svg.text(second + 36, 14, "now, 90 %", "tick"),
        svg.text(
            0 if frame.is_stacked else frame.width,
            below,
            said,
            "tick",
            "start" if frame.is_stacked else "end",
        ),
    ]


def _panel(panel: Panel, beliefs: Sequence[Belief], frame: _Frame, top: float) -> list[str]:
    x = _scale(panel, beliefs, frame)
    start = top + _TITLE
    tops = [start + frame.row * number for number in range(len(beliefs))]
    marks = [svg.text(0, top + 14, panel.title, "strong"), *_grid(panel, x, frame, tops)]
    for top_of_row, belief in zip(tops, beliefs, strict=True):
        marks += _row(panel, belief, x, frame, top_of_row)
    return marks


def _scale(panel: Panel, beliefs: Sequence[Belief], frame: _Frame) -> Scale:
    if panel.unit == "share":
        return Scale(0.0, 1.0, frame.left, frame.right)
    told = [numbers for b in beliefs for numbers in (b.prior, b.now)]
    ends = [panel.place(value) for n in told for value in (n.lower, n.median, n.upper)]
    if panel.unit == "ratio":
        ends.append(0.0)  # the factor that changes nothing
    return Scale(min(ends) - 0.2, max(ends) + 0.2, frame.left, frame.right)


def _grid(panel: Panel, x: Scale, frame: _Frame, tops: Sequence[float]) -> list[str]:
    """Ticks below, and lines behind the bars: where these stand below words, not through them."""
    marks, room_until, bottom = [], -math.inf, tops[-1] + frame.row
    spans = [(tops[0], bottom)]
    if frame.is_stacked:
        spans = [(top + 37, top + frame.row - 1) for top in tops]
    for tick in panel.ticks:
        at = panel.place(tick)
        if not x.low <= at <= x.high:
            continue
        is_one = panel.unit == "ratio" and tick == 1.0
        if x(at) > room_until or is_one:
            css = "axis" if is_one else "grid"
            marks += [svg.line(x(at), above, x(at), below, css) for above, below in spans]
            marks.append(svg.text(x(at), bottom + 15, panel.words(tick), "tick", "middle"))
            room_until = x(at) + 42
    return marks


def _row(panel: Panel, belief: Belief, x: Scale, frame: _Frame, top: float) -> list[str]:
    def places(numbers: Numbers) -> tuple[float, float, float]:
        low, middle, high = (
            x(panel.place(value)) for value in (numbers.lower, numbers.median, numbers.upper)
        )
        return low, high, middle

    y = top + 50 if frame.is_stacked else top + 17
    name, words = _cut(name_of(belief.key), 26 if frame.is_stacked else 33), words_of(belief)
    return [
        svg.text(0, top + 14, name, "name"),
        svg.text(0, top + 30, _cut(words, 42 if frame.is_stacked else 40), "tick"),
        *_bar(*places(belief.prior), y),
        *_solid(*places(belief.now), y),
        svg.text(frame.width, top + 14, _change(belief), "name", "end"),
        svg.text(frame.width, top + 30, moved_by(belief), "tick", "end"),
    ]


def _change(belief: Belief) -> str:
    start, end = (n.middle.removesuffix(" a quarter") for n in (belief.prior, belief.now))
    return f"{start} → {end}"


def _cut(words: str, limit: int) -> str:
    return words if len(words) <= limit else words[: limit - 1] + "…"


def _bar(low: float, high: float, middle: float, y: float) -> list[str]:
    """What was believed: pale and tall, with a line at its median and at either end."""
    box = svg.element("rect", x=low, y=y - 8, width=max(high - low, 1.0), height=16, css="band-bar")
    ends = [svg.line(x, y - 8, x, y + 8, "hair") for x in (low, high)]
    return [box, *ends, svg.line(middle, y - 8, middle, y + 8, "axis")]


def _solid(low: float, high: float, middle: float, y: float) -> list[str]:
    """What is believed now: solid and flat, with a dot at its median."""
    box = svg.element("rect", x=low, y=y - 2, width=max(high - low, 1.0), height=4, css="raise")
    return [box, svg.dot(middle, y, "dot", 5)]
