"""The frame of a chart of probability over time: ticks, grid, and labels at the right edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forecast.reports.charts import svg
from forecast.reports.charts.scale import Scale, date_ticks, probability_ticks, spread

LABEL_GAP = 16.0


@dataclass(frozen=True, slots=True)
class Axes:
    """Where the plot lies, in pixels, and its two scales."""

    left: float
    right: float
    top: float
    bottom: float
    start: datetime
    end: datetime
    ticks: tuple[float, ...]

    @property
    def x(self) -> Scale:
        """Time, in seconds since 1970."""
        return Scale(self.start.timestamp(), self.end.timestamp(), self.left, self.right)

    @property
    def y(self) -> Scale:
        """Probability."""
        return Scale(0.0, self.ticks[-1], self.bottom, self.top)

    def place(self, at: datetime, p: float) -> svg.Point:
        """The pixel of a probability at a moment."""
        return self.x(at.timestamp()), self.y(p)


@dataclass(frozen=True, slots=True)
class Label:
    """Words beside the right edge, at the height of what they name, and a second line."""

    y: float
    words: str
    css: str
    note: str = ""


def axes(
    span: tuple[datetime, datetime],
    largest: float,
    box: tuple[float, float, float, float],
) -> Axes:
    """The axes for a span of time and probabilities up to `largest`; box is l, r, t, b."""
    return Axes(*box, *span, tuple(probability_ticks(largest, most=7)))


def frame(on: Axes) -> list[str]:
    """Hairlines with their percentages, and the dates below."""
    marks = []
    for tick in on.ticks:
        y = on.y(tick)
        marks.append(svg.line(on.left, y, on.right, y, "grid" if tick else "axis"))
        marks.append(svg.text(on.left - 8, y + 4, _tick_words(tick, on.ticks), "tick", "end"))
    most = max(3, int((on.right - on.left) / 62))
    room_until = -1.0
    for moment, words in date_ticks(on.start, on.end, most):
        x = on.x(moment.timestamp())
        half = 3.6 * len(words)
        marks.append(svg.line(x, on.bottom, x, on.bottom + 5, "axis"))
        if x - half > room_until:
            marks.append(svg.text(x, on.bottom + 19, words, "tick", "middle"))
            room_until = x + half
    return marks


def _tick_words(tick: float, ticks: Sequence[float]) -> str:
    """Ticks are even numbers, said plainly; only the topmost one carries the sign."""
    number = f"{100 * tick:.3g}"
    return f"{number} %" if tick == ticks[-1] else number


def edge_labels(on: Axes, labels: Sequence[Label]) -> list[str]:
    """The labels right of the plot, moved apart where they would touch."""
    gap = 2 * LABEL_GAP if any(label.note for label in labels) else LABEL_GAP
    places = spread([label.y for label in labels], gap, on.top, on.bottom)
    marks = []
    for label, y in zip(labels, places, strict=True):
        if abs(y - label.y) > 2:
            marks.append(svg.line(on.right + 2, label.y, on.right + 9, y, "leader"))
        marks.append(svg.text(on.right + 12, y + 4, label.words, label.css))
        marks.append(svg.text(on.right + 12, y + 18, label.note, "tick") if label.note else "")
    return marks
