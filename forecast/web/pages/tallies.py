"""The record taken apart: by class of question, and by how long before the deadline it was said."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.reports.phrases import counted
from forecast.reports.track_record import FEW, Course, Said
from forecast.scoring.proper import brier, log_loss, mean

LEADS = (90, 30, 14, 7, 3, 1)  # days before the deadline


@dataclass(frozen=True, slots=True)
class Tally:
    """Some questions: how many, how many came true, the mean forecast and the mean scores.

    `base` is the Brier score of always saying the share of them that came true.
    """

    name: str
    n: int
    yes: int
    forecast: float
    brier: float
    log_loss: float

    @property
    def base(self) -> float:
        share = self.yes / self.n
        return share * (1.0 - share)

    @property
    def is_short(self) -> bool:
        """Whether it is too short to tell skill from luck, as of a record."""
        return self.n < FEW or min(self.yes, self.n - self.yes) < FEW // 3


def by_class(courses: Iterable[Course[Said]], class_of: Callable[[str], str]) -> list[Tally]:
    """A tally of each class, those with the most questions first; each question counts once.

    The scores are those of the record: the mean over its forecasts, then over questions.
    """
    found: dict[str, list[Course[Said]]] = defaultdict(list)
    for course in courses:
        found[class_of(course.question.definition)].append(course)
    tallies = [_of_courses(name, some) for name, some in found.items()]
    return sorted(tallies, key=lambda tally: (-tally.n, tally.name))


def by_lead(courses: Sequence[Course[Said]]) -> list[Tally]:
    """A tally of what stood so many days before the deadline, of the questions still open then.

    Counted back from the event instead, what came true would be seen when it had long to run and
    what did not when it was all but over: a perfect forecaster would seem to say too little.
    """
    found = []
    for days in LEADS:
        rows = []
        for course in courses:
            moment = course.question.deadline - timedelta(days=days)
            said = stood_at(course, moment) if moment < end_of(course) else None
            if said is not None:
                rows.append((said.probability, course.outcome or 0))
        if rows:
            found.append(_of_rows(counted(days, "day"), rows))
    return found


def is_due(course: Course[Said], now: datetime) -> bool:
    """Whether its deadline is over: of the others only those that came true have ended."""
    return course.question.deadline <= now


def end_of(course: Course[Said]) -> datetime:
    """When there was nothing left to forecast: the deadline, or the event that answered it.

    Where no event is known, it is when the answer was.
    """
    deadline = course.question.deadline
    if course.event is not None:
        return min(deadline, course.event.occurred_at)
    return min(deadline, course.resolution.known_at) if course.resolution else deadline


def stood_at(course: Course[Said], moment: datetime) -> Said | None:
    """Of the forecasts that count the one that stood at a moment."""
    past = [said for said in course.scored if said.as_of <= moment]
    return past[-1] if past else None


def _of_courses(name: str, courses: Sequence[Course[Said]]) -> Tally:
    forecasts = [mean([said.probability for said in course.scored]) for course in courses]
    return Tally(
        name,
        n=len(courses),
        yes=sum(course.outcome or 0 for course in courses),
        forecast=mean(forecasts),
        brier=mean([course.score(brier) for course in courses]),
        log_loss=mean([course.score(log_loss) for course in courses]),
    )


def _of_rows(name: str, rows: Sequence[tuple[float, int]]) -> Tally:
    return Tally(
        name,
        n=len(rows),
        yes=sum(outcome for _, outcome in rows),
        forecast=mean([p for p, _ in rows]),
        brier=mean([brier(p, outcome) for p, outcome in rows]),
        log_loss=mean([log_loss(p, outcome) for p, outcome in rows]),
    )
