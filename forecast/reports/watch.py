"""The view of a watch: every question, the ones that need attention first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from forecast.question import Question
from forecast.reports.checks import troubles_of
from forecast.reports.phrases import day_words, points
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
    """One question in the list; `points_in_week` is None where there is nothing to compare.

    `troubles` are what fails or warns of its checks, and not of those of all others.
    """

    report: QuestionReport
    attention: Attention
    points_in_week: int | None
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchReport:
    """All questions of a watch as read at `now`, sorted by what needs attention.

    `shared` is what fails or warns of every one of them that has not ended. `since` is what
    moves are told from, in place of a week ago.
    """

    title: str
    now: datetime
    rows: tuple[WatchRow, ...]
    shared: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def span(self) -> str:
        """Over which time moves are told: '7 days', or 'since 25 Nov 2025'."""
        return f"since {day_words(self.since)}" if self.since else "7 days"

    def count(self, attention: Attention) -> int:
        """How many questions stand under one heading."""
        return sum(row.attention is attention for row in self.rows)


def build_watch(
    title: str,
    reports: Iterable[QuestionReport],
    *,
    now: datetime,
    since: datetime | None = None,
) -> WatchReport:
    """Sort the reports of all questions: firing, held, due, moved, near, calm, resolved."""
    reports = list(reports)
    running = [r for r in reports if r.status is not Status.RESOLVED and r.estimate]
    troubles = {r.question.question_id: troubles_of(r) for r in running}
    shared = _shared(list(troubles.values()))
    rows = [
        _row(
            report,
            tuple(t for t in troubles.get(report.question.question_id, ()) if t not in shared),
        )
        for report in reports
    ]
    return WatchReport(title, now, tuple(sorted(rows, key=_urgency)), shared, since)


def _shared(troubles: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Those of all questions: told once, they do not hide what is wrong with one."""
    if len(troubles) < 2:
        return ()
    return tuple(t for t in troubles[0] if all(t in others for others in troubles))


def attention_of(
    *,
    is_resolved: bool,
    is_firing: bool,
    is_held: bool,
    moved: int | None,
    deadline: datetime,
    now: datetime,
) -> Attention:
    """Why a question stands where it does; `moved` are the points of the week."""
    if is_resolved:
        return Attention.RESOLVED
    if is_firing:
        return Attention.FIRING
    if is_held:
        return Attention.HELD
    if deadline < now:
        return Attention.DUE
    if abs(moved or 0) >= LARGE_MOVE:
        return Attention.MOVED
    return Attention.NEAR if deadline - now <= NEAR else Attention.CALM


def urgency(
    attention: Attention, moved: int | None, question: Question
) -> tuple[int, float, float, str]:
    """Within a heading: the larger move first, then the nearer deadline."""
    size = abs(moved or 0) if attention is Attention.MOVED else 0
    deadline = question.deadline.timestamp()
    if attention is Attention.RESOLVED:
        deadline = -deadline
    return _ORDER.index(attention), -size, deadline, question.question_id


def _row(report: QuestionReport, troubles: tuple[str, ...]) -> WatchRow:
    week = report.week_move
    moved = points(week.start, week.end) if week else None
    attention = attention_of(
        is_resolved=report.status is Status.RESOLVED,
        is_firing=report.is_firing,
        is_held=report.held_since is not None,
        moved=moved,
        deadline=report.question.deadline,
        now=report.now,
    )
    return WatchRow(report, attention, moved, troubles)


def _urgency(row: WatchRow) -> tuple[int, bool, tuple[int, float, float, str]]:
    """As `urgency`; of those that are quiet the ones with troubles first."""
    within = urgency(row.attention, row.points_in_week, row.report.question)
    return within[0], row.attention is Attention.CALM and not row.troubles, within
