"""The curve over deadlines: P(event by T) with its band, and nested definitions beside it."""

from collections.abc import Sequence
from datetime import datetime

from forecast.estimate import CurvePoint, Estimate
from forecast.likelihood import percent
from forecast.reports.charts import svg
from forecast.reports.charts.axes import Axes, Label, axes, edge_labels, frame
from forecast.reports.phrases import day_words
from forecast.reports.view import QuestionReport, Related

_HEIGHT = 270.0


def with_origin(estimate: Estimate, opens_at: datetime) -> tuple[CurvePoint, ...]:
    """The curve from the moment at which it is 0: nothing can have happened before."""
    start = max(estimate.as_of, opens_at)
    if not estimate.curve or estimate.curve[0].by <= start:
        return estimate.curve
    return CurvePoint(start, 0.0, 0.0, 0.0), *estimate.curve


def curve_chart(report: QuestionReport, key: str, width: float) -> str:
    """The chart, or nothing where the estimate has no curve."""
    estimate = report.estimate
    if estimate is None or not estimate.curve:
        return ""
    ours = with_origin(estimate, report.question.opens_at)
    others = [r for r in report.related if r.estimate is not None and r.estimate.curve]
    right = width - (190 if width > 500 else 136)
    largest = max([p.upper for p in ours] + [_end(r) for r in others]) * 1.03
    on = axes((ours[0].by, _last_day(report, ours)), largest, (44.0, right, 14.0, _HEIGHT - 34))
    body = [*frame(on), *_band(ours, on)]
    for other in others:
        body += _line(other, on)
    body += [svg.polyline(_middle(ours, on), "ours"), *_answer(report, estimate, on)]
    body += edge_labels(on, _labels(report, others, on, width > 500))
    return svg.figure(key, width, _HEIGHT, "Probability by date", describe(estimate), body)


def describe(estimate: Estimate) -> str:
    """The curve in words."""
    said = (f"{percent(p.probability)} by {day_words(p.by)}" for p in estimate.curve[-12:])
    return "Probability that the event has happened: " + ", ".join(said) + "."


def _last_day(report: QuestionReport, ours: tuple[CurvePoint, ...]) -> datetime:
    ends = [r.estimate.curve[-1].by for r in report.related if r.estimate and r.estimate.curve]
    return max([ours[-1].by, *ends])


def _end(related: Related) -> float:
    return related.estimate.curve[-1].probability if related.estimate else 0.0


def _middle(points: tuple[CurvePoint, ...], on: Axes) -> list[svg.Point]:
    return [on.place(p.by, p.probability) for p in points]


def _band(points: tuple[CurvePoint, ...], on: Axes) -> list[str]:
    upper = [on.place(p.by, p.upper) for p in points]
    lower = [on.place(p.by, p.lower) for p in reversed(points)]
    if len(points) == 1:
        return [svg.line(*upper[0], *lower[0], "whisker")]
    return [svg.polygon(upper + lower, "band")]


def _line(related: Related, on: Axes) -> list[str]:
    if related.estimate is None:
        return []
    places = _middle(with_origin(related.estimate, related.question.opens_at), on)
    name = "wider" if related.wider else "narrower"
    end = svg.square if related.wider else svg.triangle
    return [svg.polyline(places, name), end(*places[-1], f"{name}-end")]


def _goes_beyond(report: QuestionReport, estimate: Estimate) -> bool:
    """Whether the curve goes on where other questions have later deadlines."""
    return estimate.curve[-1].by > report.question.deadline


def _answer(report: QuestionReport, estimate: Estimate, on: Axes) -> list[str]:
    """The number of the report, on the curve at the deadline; named there if the curve goes on."""
    deadline = report.question.deadline
    if not _goes_beyond(report, estimate):
        return [svg.dot(*on.place(estimate.curve[-1].by, estimate.curve[-1].probability), "dot")]
    x, y = on.place(deadline, estimate.probability)
    words = f"{percent(estimate.probability)} by {day_words(deadline)}"
    gap, anchor = (6, "start") if x < (on.left + on.right) / 2 else (-6, "end")
    return [
        svg.line(x, on.top, x, on.bottom, "deadline"),
        svg.text(x + gap, on.top + 12, words, "now", anchor),
        svg.dot(x, y, "dot"),
    ]


def _labels(
    report: QuestionReport, others: Sequence[Related], on: Axes, one_line: bool
) -> list[Label]:
    """Each line by name; on a phone the name stands below its number."""
    assert report.estimate is not None
    last, name, css = report.estimate.curve[-1], "this question", "now"
    if _goes_beyond(report, report.estimate):
        name, css = f"by {day_words(last.by)}", "tick"
    named = [(last.probability, name, css)]
    named += [(_end(r), _short(r.question.definition), "tick") for r in others]
    if one_line:
        return [Label(on.y(p), f"{percent(p)} {name}", css) for p, name, css in named]
    return [Label(on.y(p), percent(p), css, note=name) for p, name, css in named]


def _short(name: str, limit: int = 18) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"
