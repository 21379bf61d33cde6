"""The view of a digest: what of many questions is worth a message, and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from forecast.question import Question
from forecast.reports.view import QuestionReport
from forecast.reports.watch import Attention, WatchReport


@dataclass(frozen=True, slots=True)
class Ended:
    """A question that ended in the time of the digest; `last` is its last probability."""

    question: Question
    outcome: str
    ended_at: datetime
    last: float | None


@dataclass(frozen=True, slots=True)
class Silent:
    """A unit, source or channel (`kind`) that a rule says is silent, or does not work."""

    kind: str
    name: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class DigestReport:
    """What moved in (since, watch.now]; `watch` has the questions that most need attention.

    `counts` are of all questions that the digest is of and that have not ended, of which
    `moved_count` moved much. `ended` and `silent` are the first of `ended_count` and
    `silent_count`.
    """

    digest_id: str
    why: str
    since: datetime
    watch: WatchReport
    counts: Mapping[Attention, int]
    moved_count: int
    ended: tuple[Ended, ...]
    ended_count: int
    silent: tuple[Silent, ...]
    silent_count: int

    @property
    def total(self) -> int:
        """How many questions there are that have not ended."""
        return sum(self.counts.values())


def cause_of(report: QuestionReport) -> tuple[str, tuple[str, ...]]:
    """The main cause of the move and the tags behind it, at most two; "" where nothing moved."""
    shift = report.week_move
    if shift is None or shift.start == shift.end:
        return "", ()
    cause = shift.main_cause()
    return cause, report.fresh_tags[:2] if cause == "evidence" else ()
