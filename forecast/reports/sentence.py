"""The opening sentence: what a reader takes away who reads nothing else."""

from forecast.estimate import Estimate
from forecast.evidence import Outcome
from forecast.likelihood import likelihood_words, percent
from forecast.reports.moves import CAUSES, Shift
from forecast.reports.phrases import (
    band_words,
    counted,
    day_words,
    deadline_words,
    mass_words,
    points,
    points_words,
)
from forecast.reports.view import QuestionReport, Status


def opening(report: QuestionReport) -> str:
    """The state of the question in one to three sentences, words and numbers together."""
    say = {
        Status.EMPTY: _empty,
        Status.OPEN: _open,
        Status.DUE: _due,
        Status.RESOLVED: _resolved,
    }[report.status]
    return say(report)


def headline(estimate: Estimate) -> str:
    """The likelihood in words, capitalised: 'Very likely'."""
    words = likelihood_words(estimate.probability)
    return words[:1].upper() + words[1:]


def number_words(estimate: Estimate) -> str:
    """'31 % (90 % band 22–41 %)'."""
    band = f"{mass_words(estimate.interval)} {band_words(estimate.interval)}"
    return f"{percent(estimate.probability)} ({band})"


def change_words(shift: Shift | None) -> str:
    """'up 13 points in 7 days', or nothing where there is nothing to compare with."""
    if shift is None:
        return ""
    days = round((shift.until - shift.since).total_seconds() / 86400)
    span = counted(days, "day") if days else "less than a day"
    return f"{points_words(points(shift.start, shift.end))} in {span}"


def sum_words(shift: Shift) -> str:
    """'24 %, −6 points by the passing of time, +4 points by new evidence: 22 %.'"""
    steps = [
        f"{'+' if size > 0 else '−'}{counted(abs(size), 'point')} by {CAUSES[cause]}"
        for cause, size in shift.in_points()
    ]
    if not steps:
        return f"{percent(shift.start)}, and nothing that moved it by a point."
    return f"{percent(shift.start)}, {', '.join(steps)}: {percent(shift.end)}."


def _empty(report: QuestionReport) -> str:
    return (
        f"No estimate yet of whether this happens {deadline_words(report.question.deadline)}. "
        "The next update makes the first one."
    )


def _open(report: QuestionReport) -> str:
    estimate = report.estimate
    if estimate is None:
        return _empty(report)
    when = deadline_words(report.question.deadline)
    text = f"{headline(estimate)}: {number_words(estimate)} that this happens {when}"
    return f"{text}{_change(report)}.{_held(report)}{_reopened(report)}"


def _change(report: QuestionReport) -> str:
    shift = report.week_move
    if shift is None:
        return ""
    text = f"; {change_words(shift)}"
    if points(shift.start, shift.end) == 0:
        return text
    cause = shift.main_cause()
    tags = ", ".join(report.fresh_tags[:2]) if cause == "evidence" else ""
    return f"{text}, mostly because of {CAUSES[cause]}" + (f" ({tags})" if tags else "")


def _held(report: QuestionReport) -> str:
    if report.held_since is None or report.estimate is None:
        return ""
    reason = report.estimate.reason.rstrip(".") or "the gates failed"
    return f" This number is held since {day_words(report.held_since)}: {reason}."


def _due(report: QuestionReport) -> str:
    passed = f"The deadline passed on {day_words(report.question.deadline)}"
    return f"{passed} and the question is not resolved yet.{_reopened(report)}{_last_words(report)}"


def _reopened(report: QuestionReport) -> str:
    act = report.reopened
    if act is None:
        return ""
    reason = act.reason.strip().rstrip(".")
    return f" It was reopened on {day_words(act.known_at)} by {act.author}: {reason}."


def _resolved(report: QuestionReport) -> str:
    resolution = report.resolution
    if resolution is None:
        return _open(report)
    reason = resolution.reason.strip().rstrip(".")
    known = day_words(resolution.known_at)
    because = f": {reason}" if reason else ""
    if resolution.outcome is Outcome.VOID:
        return f"Void, known on {known}{because}. It counts in no score.{_last_words(report)}"
    text = f"Resolved {resolution.outcome.value}, known on {known}{because}"
    return f"{text}.{_last_words(report)}"


def _last_words(report: QuestionReport) -> str:
    """The last estimate before the outcome was known: the one that can be scored."""
    known = report.resolution.known_at if report.resolution else report.now
    before = [e for e in report.history if e.as_of <= known]
    if not before:
        return " No estimate was made before."
    last = before[-1]
    return f" The last estimate before, of {day_words(last.as_of)}, was {number_words(last)}."
