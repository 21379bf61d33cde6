"""Alerts over thresholds: precision and recall, false alarms, and how long before the event."""

from collections.abc import Sequence

from forecast.reports.backtest.figures import fixed, lead_words, level, share
from forecast.reports.backtest.view import BacktestReport
from forecast.reports.charts import svg
from forecast.reports.charts.plane import (
    AnyScale,
    Plane,
    columns,
    even_ticks,
    rows,
    share_scale,
    share_words,
)
from forecast.reports.charts.scale import Scale, spread
from forecast.scoring.results import AlertScore

_SHARES, _FALSE = 222.0, 124.0
_TOP = 42.0  # the title stands above, and the name of the line
_ROW, _HEAD = 26.0, 22.0


def alert_curve(report: BacktestReport, key: str, width: float) -> str:
    """Precision and recall above, false alarms below, over the lines at which a rule may fire."""
    curve = report.lines
    if len(curve) < 2:
        return ""
    left, right = 48.0, width - 96.0
    x = _thresholds(curve, left, right)
    above = Plane(left, right, _TOP, _SHARES, x, Scale(0.0, 1.0, _SHARES, _TOP))
    quarters = [0.0, 0.25, 0.5, 0.75, 1.0]
    body = [
        svg.text(0, 14, "Precision and recall", "strong"),
        *rows(above, quarters, share_words(quarters)),
        *_chosen(report, above, _SHARES + _FALSE),
        *_shares(curve, above),
        *_false_alarms(curve, x, (left, right)),
    ]
    height = _SHARES + _FALSE + 44
    body.append(svg.text(right, height - 4, "line at which the alert fires", "tick", "end"))
    return svg.figure(key, width, height, "Alerts by threshold", describe(report), body)


def lead_times(report: BacktestReport, key: str, width: float) -> str:
    """A row a threshold: lead time of the hits, 10 to 90 % thin, the middle half thick."""
    curve = [a for a in report.lines if len(a.lead_days) == 5]
    if not curve:
        return ""
    longest = max(a.lead_days[-1] for a in curve)
    left, right = 62.0, width - (140 if width > 500 else 128)
    bottom = _ROW * len(curve) + _HEAD + 4
    x = Scale(0.0, max(longest, report.backtest.task.horizon_days), left, right)
    body = [svg.text(0, 14, "Lead time of the hits", "strong")]
    ticks = even_ticks(0.0, x.high, 6 if width > 500 else 4)
    for tick in ticks:
        css = "axis" if tick == 0 else "grid"
        body.append(svg.line(x(tick), _HEAD, x(tick), bottom, css))
        words = f"{tick:g}" + (" days" if tick == ticks[-1] else "")
        body.append(svg.text(x(tick), bottom + 17, words, "tick", "middle"))
    for number, a in enumerate(curve):
        body += _lead(a, x, number * _ROW + _HEAD + 14, width)
    title = "Lead time of the hits by threshold"
    return svg.figure(key, width, bottom + 26, title, describe_leads(curve), body)


def describe(report: BacktestReport) -> str:
    """The curve in words."""
    said = (
        f"at {level(a.fire_at)} precision {share(a.precision)}, recall {share(a.recall)}, "
        f"{fixed(a.false_alarms_per_100_weeks, 2)} false alarms per 100 question-weeks"
        for a in report.lines
    )
    return "Alerts by the line at which they fire: " + "; ".join(said) + "."


def describe_leads(curve: Sequence[AlertScore]) -> str:
    """Lead times in words."""
    said = (f"at {level(a.fire_at)} {lead_words(a.lead_days)}" for a in curve)
    return "Lead time, median and 10 to 90 %: " + "; ".join(said) + "."


def _thresholds(curve: Sequence[AlertScore], left: float, right: float) -> AnyScale:
    high = curve[-1].fire_at
    is_rare = curve[len(curve) // 2].fire_at < 0.35 * high
    return share_scale(1.04 * high, left, right, is_rare)


def _chosen(report: BacktestReport, on: Plane, bottom: float) -> list[str]:
    if report.line is None:
        return []
    x = on.x(report.line.fire_at)
    words = "highest value" if report.line.value is not None else "highest line"
    anchor = "end" if x > (on.left + on.right) / 2 else "start"
    return [
        svg.line(x, _TOP - 14, x, bottom, "fire"),
        svg.text(x + (-5 if anchor == "end" else 5), _TOP - 6, words, "tick", anchor),
    ]


def _shares(curve: Sequence[AlertScore], on: Plane) -> list[str]:
    precision = [on.place(a.fire_at, a.precision) for a in curve if a.precision is not None]
    recall = [on.place(a.fire_at, a.recall) for a in curve if a.recall is not None]
    marks = [
        svg.polyline(recall, "wider"),
        *(svg.square(x, y, "wider-end", 3.5) for x, y in recall),
    ]
    marks += [svg.polyline(precision, "ours"), *(svg.dot(x, y, "dot") for x, y in precision)]
    named = [
        (line[-1][1], words, css)
        for line, words, css in ((precision, "● precision", "now"), (recall, "■ recall", "tick"))
        if line
    ]
    places = spread([y for y, _, _ in named], 16.0, on.top, on.bottom)
    return marks + [
        svg.text(on.right + 8, y + 4, words, css)
        for (_, words, css), y in zip(named, places, strict=True)
    ]


def _false_alarms(
    curve: Sequence[AlertScore], x: AnyScale, sides: tuple[float, float]
) -> list[str]:
    top, bottom = _SHARES + 46, _SHARES + _FALSE
    most = 1.05 * max(*(a.false_alarms_per_100_weeks for a in curve), 1e-9)
    on = Plane(*sides, top, bottom, x, Scale(0.0, most, bottom, top))
    ticks = even_ticks(0.0, most, 3)
    places = [on.place(a.fire_at, a.false_alarms_per_100_weeks) for a in curve]
    shown = _spaced([a.fire_at for a in curve], x)
    return [
        svg.text(0, top - 14, "False alarms per 100 question-weeks", "strong"),
        *rows(on, ticks, [f"{tick:g}" for tick in ticks]),
        *columns(on, shown, [level(at) for at in shown]),
        svg.polyline(places, "narrower"),
        *(svg.diamond(px, py, "crowd", 4) for px, py in places),
    ]


def _spaced(levels: Sequence[float], x: AnyScale) -> list[float]:
    """The thresholds whose names have room."""
    found: list[float] = []
    for at in levels:
        if not found or x(at) - x(found[-1]) >= 42:
            found.append(at)
    return found


def _lead(a: AlertScore, x: Scale, y: float, width: float) -> list[str]:
    low, lower, middle, upper, high = (x(days) for days in a.lead_days)
    return [
        svg.text(0, y + 4, level(a.fire_at), "name"),
        svg.line(low, y, high, y, "whisker"),
        svg.element("rect", x=lower, y=y - 6, width=max(upper - lower, 1), height=12, css="box"),
        svg.dot(middle, y, "dot", 4.5),
        svg.text(width, y + 4, lead_words(a.lead_days), "tick", "end"),
    ]
