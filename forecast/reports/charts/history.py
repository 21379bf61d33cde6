"""Probability over time: ours with its band, alerts, evidence, others, and the outcome."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from forecast.alert import State, Transition
from forecast.estimate import Estimate, Health
from forecast.evidence import Outcome
from forecast.likelihood import percent
from forecast.reports.charts import svg
from forecast.reports.charts.axes import Axes, Label, axes, edge_labels, frame
from forecast.reports.charts.scale import spread
from forecast.reports.incidents import Incident
from forecast.reports.phrases import day_words
from forecast.reports.view import QuestionReport

POINTS = 400
_HEIGHT = 330.0


class Drawn(Protocol):
    """What a line is drawn of: an estimate, or as much of one as a list reads."""

    @property
    def as_of(self) -> datetime: ...
    @property
    def probability(self) -> float: ...
    @property
    def health(self) -> Health: ...


def thin[One: Drawn](history: Sequence[One], limit: int = POINTS) -> tuple[One, ...]:
    """At most `limit` estimates: the first, the highest, the lowest, and the last of each even
    stretch.
    """
    if len(history) <= limit:
        return tuple(history)
    heights, even = [one.probability for one in history], limit - 3
    extremes = {heights.index(max(heights)), heights.index(min(heights))}
    picked = {0} | extremes | {(n + 1) * len(history) // even - 1 for n in range(even)}
    return tuple(history[n] for n in sorted(picked))


def history_chart(report: QuestionReport, key: str, width: float) -> str:
    """The chart, or nothing without an estimate; `key` is unique on the page."""
    past = thin(report.history)
    if not past:
        return ""
    right = width - (104 if width > 500 else 90)
    top = 44.0 if report.marked else 16.0
    on = axes(_span(report), _largest(report), (44.0, right, top, _HEIGHT - 34))
    body = [
        *frame(on),
        *_levels(report, on),
        *_evidence(report.marked, past, on),
        *_ours(past, on),
        *_crowd(report, on),
        *_alerts(report.transitions, on),
        *_outcome(report, on),
        *edge_labels(on, _labels(report, on)),
    ]
    return svg.figure(key, width, _HEIGHT, "Probability over time", describe(report), body)


def describe(report: QuestionReport) -> str:
    """What the chart shows, in words, for those who do not see it."""
    first, last = report.history[0], report.history[-1]
    peak = max(report.history, key=lambda e: e.probability)
    fired = sum(t.after is State.FIRING for t in report.transitions)
    return (
        f"From {percent(first.probability)} on {day_words(first.as_of)} to "
        f"{percent(last.probability)} on {day_words(last.as_of)}; highest "
        f"{percent(peak.probability)} on {day_words(peak.as_of)}. "
        f"{len(report.history)} updates; alerts fired {fired} times."
    )


def fired_or_cleared(transitions: Iterable[Transition]) -> list[tuple[Transition, bool]]:
    """The transitions that begin (True) or end (False) an episode of firing."""
    firing = (State.FIRING, State.RECOVERING)
    changes = [(t, t.before in firing, t.after in firing) for t in transitions]
    return [(t, after) for t, before, after in changes if before != after]


def _span(report: QuestionReport) -> tuple[datetime, datetime]:
    """From the first mark to the last; to the deadline as well where it is near."""
    moments = [e.as_of for e in report.history] + [c.at for c in report.crowd]
    if report.resolution is not None:
        moments.append(report.resolution.known_at)
    start, end = min(moments), max(moments)
    if start == end:
        return start - timedelta(days=1), end + timedelta(days=1)
    deadline = report.question.deadline
    return (start, deadline) if end < deadline <= end + (end - start) / 5 else (start, end)


def _largest(report: QuestionReport) -> float:
    heights = [e.interval.upper for e in report.history]
    heights += [e.probability for e in report.history]
    heights += [c.probability for c in report.crowd]
    heights += [standing.rule.fire_at for standing in report.standings]
    return max(heights) * 1.04


def _levels(report: QuestionReport, on: Axes) -> list[str]:
    fires = {standing.rule.fire_at for standing in report.standings}
    clears = {standing.rule.clear_at for standing in report.standings} - fires
    return [
        svg.line(on.left, on.y(p), on.right, on.y(p), css)
        for levels, css in ((fires, "fire"), (clears, "clear"))
        for p in sorted(levels)
    ]


def _labels(report: QuestionReport, on: Axes) -> list[Label]:
    """The newest value, then the levels; of many rules only the three lowest are named."""
    last = report.history[-1].probability
    rules = [standing.rule for standing in report.standings]
    fires = sorted({rule.fire_at for rule in rules})[:3]
    clears = sorted({rule.clear_at for rule in rules} - set(fires))[:3]
    now = "" if report.resolution else "now "
    return [
        Label(on.y(last), now + percent(last), "now"),
        *(Label(on.y(p), f"fires {percent(p)}", "tick") for p in fires),
        *(Label(on.y(p), f"clears {percent(p)}", "tick") for p in clears),
    ]


def runs[One: Drawn](history: Sequence[One]) -> list[list[One]]:
    """Stretches of one health without a gap; a held stretch starts at the last good estimate."""
    if not history:
        return []
    steps = sorted(b.as_of - a.as_of for a, b in pairwise(history))
    longest = max(3 * steps[len(steps) // 2], timedelta(days=2)) if steps else timedelta(0)
    found = [[history[0]]]
    for before, after in pairwise(history):
        if after.as_of - before.as_of > longest:
            found.append([after])
        elif after.health is not before.health:
            found.append([before, after])
        else:
            found[-1].append(after)
    return found


def _ours(history: Sequence[Estimate], on: Axes) -> list[str]:
    marks = [mark for run in runs(history) for mark in _run(run, on)]
    return [*marks, _dot(history[-1], on)]


def _dot(estimate: Estimate, on: Axes) -> str:
    css = "held-dot" if estimate.health is not Health.HEALTHY else "dot"
    return svg.dot(*on.place(estimate.as_of, estimate.probability), css)


def _run(run: Sequence[Estimate], on: Axes) -> list[str]:
    held = run[-1].health is not Health.HEALTHY
    across, height = on.x, on.y
    at = [across(e.as_of.timestamp()) for e in run]
    points = [(x, height(e.probability)) for x, e in zip(at, run, strict=True)]
    upper = [(x, height(e.interval.upper)) for x, e in zip(at, run, strict=True)]
    lower = [(x, height(e.interval.lower)) for x, e in zip(at, run, strict=True)][::-1]
    if len(run) == 1:
        return [svg.line(*lower[0], *upper[0], "whisker"), _dot(run[0], on)]
    marks = [
        svg.polygon(upper + lower, "band-held" if held else "band"),
        svg.polyline(points, "ours-held" if held else "ours"),
    ]
    if held:
        marks += [_dot(run[1], on), _dot(run[-1], on)]
    return marks


def _crowd(report: QuestionReport, on: Axes) -> list[str]:
    return [svg.diamond(*on.place(c.at, c.probability), "crowd", 4.5) for c in report.crowd]


def _alerts(transitions: Sequence[Transition], on: Axes) -> list[str]:
    marks = []
    for transition, fired in fired_or_cleared(transitions):
        p = transition.probability
        if p is not None and on.start <= transition.at <= on.end:
            x, y = on.place(transition.at, p)
            marks.append(svg.triangle(x, y, "fired" if fired else "cleared", up=fired))
    return marks


def _evidence(marked: Sequence[Incident], history: Sequence[Estimate], on: Axes) -> list[str]:
    """Numbers along the top, each with a hairline down to the estimate that saw it."""
    wanted = [on.x(incident.known_at.timestamp()) for incident in marked]
    places = spread(wanted, 19.0, on.left + 8, on.right - 8)
    marks = []
    for number, (incident, place) in enumerate(zip(marked, places, strict=True), start=1):
        seen = next((e for e in history if e.as_of > incident.known_at), history[-1])
        x, y = on.place(seen.as_of, seen.probability)
        marks.append(svg.polyline([(place, 22), (x, on.top - 8), (x, y)], "hair"))
        marks.append(svg.dot(place, 13, "number", 8.5))
        marks.append(svg.text(place, 17, str(number), "number-text", "middle"))
    return marks


def _outcome(report: QuestionReport, on: Axes) -> list[str]:
    marks = []
    deadline = report.question.deadline
    if on.start < deadline <= on.end:
        x = on.x(deadline.timestamp())
        marks.append(svg.line(x, on.top, x, on.bottom, "deadline"))
        marks.append(svg.text(x - 5, on.bottom - 6, "deadline", "tick", "end"))
    if report.resolution is not None:
        x = on.x(report.resolution.known_at.timestamp())
        y = {Outcome.YES: on.top, Outcome.NO: on.bottom}.get(report.resolution.outcome)
        marks.append(svg.line(x, on.top, x, on.bottom, "resolved"))
        marks.append(svg.square(x, (on.top + on.bottom) / 2 if y is None else y, "outcome", 5))
    return marks
