"""The reliability diagram: what was forecast against what came, and how often which was said.

The curve is CORP's (Dimitriadis, Gneiting and Jordan 2021, PNAS 118, e2016191118): isotonic, so
that no bins are chosen; the band is where it would lie were the forecasts calibrated.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.backtest import Forecasts
from forecast.reports.backtest.figures import share, whole
from forecast.reports.backtest.view import BacktestReport
from forecast.reports.charts import svg
from forecast.reports.charts.plane import (
    Plane,
    columns,
    rows,
    share_scale,
    share_ticks,
    share_words,
)
from forecast.scoring.results import Calibration, ReliabilityPoint

WIDEST = 470.0
RARE = 0.1  # half of the forecasts are below this
_HEIGHT, _STRIP = 360.0, 128.0
_BARS = 40


@dataclass(frozen=True, slots=True)
class _Range:
    """How far the two axes reach, and whether they are bent to give small numbers room."""

    x: float
    y: float
    is_rare: bool


def reliability(report: BacktestReport, key: str, width: float) -> str:
    """The diagram of a backtest with its histograms, or nothing without points."""
    return diagram(
        *(report.backtest.calibration, report.forecasts, report.share_places, key, width)
    )


def diagram(found: Calibration, forecasts: Forecasts, places: int, key: str, width: float) -> str:
    """The diagram, or nothing without points; `places` are the decimals of its percentages.

    `key` is unique on the page.
    """
    points = found.points
    if not points:
        return ""
    width, reach = min(width, WIDEST), _range(points, forecasts)
    left, right, top, bottom = 48.0, width - 14, 12.0, _HEIGHT - 30
    x = share_scale(reach.x, left, right, reach.is_rare)
    y = share_scale(reach.y, bottom, top, reach.is_rare)
    on = Plane(left, right, top, bottom, x, y)
    across, up = share_ticks(reach.x, x, 40), share_ticks(reach.y, y, 28)
    body = [
        *rows(on, up, share_words(up)),
        *columns(on, across, share_words(across)),
        *_band(points, on),
        _diagonal(on, min(reach.x, reach.y)),
        *_curve(points, on),
        svg.text(left + 6, top + 12, "↑ came true", "tick"),
        svg.text(right, bottom - 8, "forecast →", "tick", "end"),
        *_histograms(forecasts, on),
    ]
    height = _HEIGHT + (_STRIP if len(forecasts) else 0)
    words = described(found, places)
    return svg.figure(key, width, height, "Reliability diagram", words, body)


def describe(report: BacktestReport) -> str:
    """The curve of a backtest in words."""
    return described(report.backtest.calibration, report.share_places)


def described(found: Calibration, fine: int) -> str:
    """The curve in words: up to eight of its steps."""
    shown = found.points[:: max(1, math.ceil(len(found.points) / 8))]
    said = (f"{share(p.observed, fine)} at {share(p.forecast, fine)} forecast" for p in shown)
    outside = sum(_is_outside(p) for p in found.points)
    band = f" {outside} of {len(found.points)} steps lie outside the consistency band."
    return f"{found.verdict.value.capitalize()}. Came true: {', '.join(said)}.{band}"


def _is_outside(point: ReliabilityPoint) -> bool:
    if point.lower is None or point.upper is None:
        return False
    return not point.lower <= point.observed <= point.upper


def _range(points: tuple[ReliabilityPoint, ...], forecasts: Forecasts) -> _Range:
    """As far as the data go, and a little more."""
    if len(forecasts):
        usual, furthest = float(np.median(forecasts.p)), float(forecasts.p.max())
    else:
        usual, furthest = points[len(points) // 2].forecast, 0.0
    x = max([furthest, *(p.forecast for p in points), 0.01])
    y = max(p.observed for p in points)
    return _Range(min(1.04 * x, 1.0), min(1.04 * max(x, y), 1.0), usual < RARE)


def _diagonal(on: Plane, end: float) -> str:
    return svg.line(*on.place(0.0, 0.0), *on.place(end, end), "ideal")


def _band(points: tuple[ReliabilityPoint, ...], on: Plane) -> list[str]:
    known = [p for p in points if p.lower is not None and p.upper is not None]
    upper = [on.place(p.forecast, p.upper or 0.0) for p in known]
    lower = [on.place(p.forecast, p.lower or 0.0) for p in reversed(known)]
    if len(known) == 1:
        return [svg.line(*upper[0], *lower[0], "consistency-line")]
    return [svg.polygon(upper + lower, "consistency")] if known else []


def _curve(points: tuple[ReliabilityPoint, ...], on: Plane) -> list[str]:
    """A dot a step, its area in proportion to how many forecasts it holds."""
    most = max(p.n for p in points)
    places = [on.place(p.forecast, p.observed) for p in points]
    dots = [
        svg.dot(x, y, "dot", 2.5 + 4.5 * math.sqrt(p.n / most))
        for p, (x, y) in zip(points, places, strict=True)
    ]
    return [svg.polyline(places, "ours"), *dots]


def _histograms(forecasts: Forecasts, on: Plane) -> list[str]:
    """Above the line how often which forecast was made and came true, below it did not."""
    if not len(forecasts):
        return []
    middle, half = on.bottom + 30 + _STRIP / 2, _STRIP / 2 - 14
    place = np.array([on.x(p) for p in forecasts.p])
    edges = np.linspace(on.left, on.right, _BARS + 1)
    came = np.histogram(place[forecasts.outcome > 0.5], edges)[0]
    not_ = np.histogram(place[forecasts.outcome < 0.5], edges)[0]
    return [
        *_bars(came, edges, middle, -half, "came"),
        *_bars(not_, edges, middle, half, "came-not"),
        svg.line(on.left, middle, on.right, middle, "axis"),
        svg.text(on.right, middle - half - 4, f"{whole(came.sum())} came true", "tick", "end"),
        svg.text(on.right, middle + half + 12, f"{whole(not_.sum())} did not", "tick", "end"),
    ]


def _bars(
    counts: NDArray[np.int64], edges: NDArray[np.float64], middle: float, height: float, css: str
) -> list[str]:
    """Bars from `middle` up (or down, where `height` is above 0), the fullest of full height."""
    most = max(int(counts.max()), 1)
    marks = []
    for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            size = max(abs(height) * float(count) / most, 0.75)
            y = middle - size if height < 0 else middle
            marks.append(
                svg.element("rect", x=start + 0.5, y=y, width=end - start - 1, height=size, css=css)
            )
    return marks
