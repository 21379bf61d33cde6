"""The view of a watch: every question, the ones that need attention first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from forecast.reports.phrases import points
from forecast.reports.view import QuestionReport, Status

LARGE_MOVE = 5
NEAR = timedelta(days=7)


class Attention(StrEnum):
    """Why a question stands where it does in the list, the most urgent first."""

    FIRING = "firing"
    HELD = "held"
    DUE = "due"
    MOVED = "moved"
    NEAR = "near deadline"
    CALM = "calm"
    RESOLVED = "resolved"


_ORDER = list(Attention)


@dataclass(frozen=True, slots=True)
class WatchRow:
    """One question in the list; `points_in_week` is None where there is nothing to compare."""

    report: QuestionReport
    attention: Attention
    points_in_week: int | None


@dataclass(frozen=True, slots=True)
class WatchReport:
    """All questions of a watch as read at `now`, sorted by what needs attention."""

    title: str
    now: datetime
    rows: tuple[WatchRow, ...]

    def count(self, attention: Attention) -> int:
        """How many questions stand under one heading."""
        return sum(row.attention is attention for row in self.rows)


def build_watch(title: str, reports: Iterable[QuestionReport], *, now: datetime) -> WatchReport:
    """Sort the reports of all questions: firing, held, due, moved, near, calm, resolved."""
    rows = sorted((_row(report, now) for report in reports), key=_urgency)
    return WatchReport(title, now, tuple(rows))


def _row(report: QuestionReport, now: datetime) -> WatchRow:
    week = report.week_move
    moved = points(week.start, week.end) if week else None
    return WatchRow(report, _attention(report, moved, now), moved)


def _attention(report: QuestionReport, moved: int | None, now: datetime) -> Attention:
    if report.status is Status.RESOLVED:
        return Attention.RESOLVED
    if report.is_firing:
        return Attention.FIRING
    if report.held_since is not None:
        return Attention.HELD
    if report.status is Status.DUE:
        return Attention.DUE
    if abs(moved or 0) >= LARGE_MOVE:
        return Attention.MOVED
    near = report.question.deadline - now <= NEAR
    return Attention.NEAR if near else Attention.CALM


def _urgency(row: WatchRow) -> tuple[int, float, float, str]:
    """Within a heading: the larger move first, then the nearer deadline."""
    question = row.report.question
    moved = abs(row.points_in_week or 0) if row.attention is Attention.MOVED else 0
    deadline = question.deadline.timestamp()
    if row.attention is Attention.RESOLVED:
        deadline = -deadline
    return _ORDER.index(row.attention), -moved, deadline, question.question_id
