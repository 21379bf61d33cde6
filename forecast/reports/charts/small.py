"""Small marks: the band against the thresholds, and the line of a history in a list."""

from collections.abc import Sequence

from forecast.estimate import Estimate, Health
from forecast.likelihood import percent
from forecast.reports.charts import svg
from forecast.reports.charts.history import Drawn, runs, thin
from forecast.reports.charts.scale import Scale, spread
from forecast.reports.phrases import band_words, mass_words
from forecast.reports.view import QuestionReport


def band_bar(report: QuestionReport, key: str, width: float) -> str:
    """The newest probability and its band between 0 and 100 %, with the alert levels."""
    estimate = report.estimate
    if estimate is None:
        return ""
    x = Scale(0.0, 1.0, 14.0, width - 22)
    quarters = (0.0, 0.25, 0.5, 0.75, 1.0)
    levels = sorted({standing.rule.fire_at for standing in report.standings})[:4]
    y = 34.0 if levels else 14.0
    low, high = x(estimate.interval.lower), x(estimate.interval.upper)
    held = estimate.health is not Health.HEALTHY
    body = [
        svg.line(x(0), y, x(1), y, "axis"),
        *(svg.text(x(p), y + 26, f"{100 * p:.0f} %", "tick", "middle") for p in quarters),
        *(svg.line(x(p), y + 4, x(p), y + 9, "axis") for p in quarters),
        svg.element("rect", x=low, y=y - 7, width=max(high - low, 2.0), height=14, css="band-bar"),
        *_levels(levels, x, y),
        svg.dot(x(estimate.probability), y, "held-dot" if held else "dot", 6.5),
    ]
    words = _describe(estimate, levels)
    return svg.figure(key, width, y + 32, "The probability and its band", words, body)


def _levels(levels: Sequence[float], x: Scale, y: float) -> list[str]:
    places = spread([x(p) for p in levels], 90, 44, x(1) - 30)
    marks = []
    for p, place in zip(levels, places, strict=True):
        marks.append(svg.polyline([(place, y - 17), (x(p), y - 12), (x(p), y + 9)], "fire"))
        marks.append(svg.text(place, y - 21, f"fires at {percent(p)}", "tick", "middle"))
    return marks


def _describe(estimate: Estimate, levels: Sequence[float]) -> str:
    band = f"{mass_words(estimate.interval)} {band_words(estimate.interval)}"
    fires = "".join(f"; an alert fires at {percent(p)}" for p in levels)
    return f"{percent(estimate.probability)}, {band}{fires}."


def spark(report: QuestionReport, key: str, top: float = 1.0) -> str:
    """The history as a small line between 0 and `top`, with the lowest alert level."""
    return line_of(report.history, [s.rule.fire_at for s in report.standings], key, top)


def line_of(history: Sequence[Drawn], levels: Sequence[float], key: str, top: float = 1.0) -> str:
    """Estimates as a small line between 0 and `top`, with the lowest of the levels."""
    width, height = 150.0, 40.0
    past = thin(history, 120)
    if not past:
        return ""
    start, end = past[0].as_of.timestamp(), past[-1].as_of.timestamp()
    x, y = Scale(start, end, 4.0, width - 6), Scale(0.0, top, height - 3, 4.0)
    body = [svg.line(0, height - 3, width, height - 3, "grid")]
    for level in sorted(set(levels))[:1]:
        body.append(svg.line(0, y(level), width, y(level), "fire"))
    for run in runs(past):
        held = run[-1].health is not Health.HEALTHY
        places = [(x(e.as_of.timestamp()), y(e.probability)) for e in run]
        body.append(svg.polyline(places, "ours-held" if held else "ours"))
    last = past[-1]
    held = last.health is not Health.HEALTHY
    body.append(svg.dot(x(end), y(last.probability), "held-dot" if held else "dot", 3))
    words = f"From {percent(past[0].probability)} to {percent(last.probability)}."
    return svg.figure(key, width, height, "Probability over time", words, body)
