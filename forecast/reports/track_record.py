"""What became of questions: their forecasts, their ends, and how good these forecasts were.

    score of a question    the mean of the rule over the forecasts made while it was open
    score of a record      the mean over questions, so that a long one counts no more than another

What others say while the thing happens is news of it and no forecast: it is held against nothing.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from forecast.estimate import Estimate
from forecast.evidence import CrowdForecast, Event, Outcome, Resolution
from forecast.question import Question
from forecast.scoring.proper import brier, log_loss, mean

FEW = 30  # ended questions; below it luck decides


@dataclass(frozen=True, slots=True)
class Said:
    """What was published at a moment; an estimate says as much, and more."""

    as_of: datetime
    probability: float


@dataclass(frozen=True, slots=True)
class Course[Forecast: (Said, Estimate)]:
    """What became of one question: its forecasts in order, its end, and what others said.

    `event` is the one that answered it, if any did.
    """

    question: Question
    history: tuple[Forecast, ...]
    resolution: Resolution | None
    event: Event | None
    crowd: tuple[CrowdForecast, ...]

    @property
    def scored(self) -> tuple[Forecast, ...]:
        """The forecasts that count: made while the question was open."""
        return tuple(e for e in self.history if e.as_of >= self.question.opens_at)

    @property
    def outcome(self) -> int | None:
        """1 for yes, 0 for no, None while open or void."""
        if self.resolution is None or self.resolution.outcome is Outcome.VOID:
            return None
        return int(self.resolution.outcome is Outcome.YES)

    def score(self, rule: Callable[[float, int], float]) -> float:
        """The mean score of the forecasts; NaN while it has no outcome."""
        if self.outcome is None:
            return math.nan
        return mean([rule(e.probability, self.outcome) for e in self.scored])

    def at(self, moment: datetime) -> Forecast | None:
        """Our forecast as it stood at a moment."""
        return standing_at(self.history, moment)


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The record of `n` ended questions, `yes` of which came true.

    `brier` and `log_loss` are ours; of `moments` when others gave a number as well, `ours` and
    `theirs` are the mean Brier scores, NaN of none.
    """

    n: int
    yes: int
    brier: float
    log_loss: float
    moments: int
    ours: float
    theirs: float

    @property
    def is_short(self) -> bool:
        """Whether it is too short to tell skill from luck."""
        return min(self.yes, self.n - self.yes) < FEW // 3 or self.n < FEW


def standing_at[Forecast: (Said, Estimate)](
    history: Sequence[Forecast], moment: datetime
) -> Forecast | None:
    """Of forecasts in the order of time, the one that stood at a moment."""
    before = [e for e in history if e.as_of <= moment]
    return before[-1] if before else None


def track_record[Forecast: (Said, Estimate)](courses: Iterable[Course[Forecast]]) -> TrackRecord:
    """The record of those that ended and were forecast while they were open."""
    ended = [course for course in courses if course.outcome is not None and course.scored]
    pairs = [(c.outcome or 0, other, ours) for c, other, ours in beside_others(ended)]
    return TrackRecord(
        n=len(ended),
        yes=sum(course.outcome or 0 for course in ended),
        brier=mean([course.score(brier) for course in ended]),
        log_loss=mean([course.score(log_loss) for course in ended]),
        moments=len(pairs),
        ours=mean([brier(ours.probability, outcome) for outcome, _, ours in pairs]),
        theirs=mean([brier(other.probability, outcome) for outcome, other, _ in pairs]),
    )


def beside_others[Forecast: (Said, Estimate)](
    courses: Iterable[Course[Forecast]],
) -> list[tuple[Course[Forecast], CrowdForecast, Forecast]]:
    """Each forecast of others beside ours of the same moment, where the question has ended."""
    return [
        (course, other, ours)
        for course in courses
        if course.outcome is not None
        for other in course.crowd
        if (ours := course.at(other.at)) is not None
        and course.question.opens_at <= other.at
        and (course.event is None or other.at < course.event.occurred_at)
    ]
