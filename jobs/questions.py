"""Where questions stand: open, waiting for an outcome, or ended, and how much was voided.

How a question ended is derived from the facts each time it is read (`forecast.resolving`), so
what came in since the last update is there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from forecast.estimate import Estimate
from forecast.evidence import Event, Outcome, Resolution
from forecast.question import Question
from forecast.resolving import Endings
from jobs.app import App


class Stage(StrEnum):
    """Where a question stands; `awaiting` is past its deadline and without an outcome."""

    OPEN = "open"
    AWAITING = "awaiting"
    YES = "yes"
    NO = "no"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Standing:
    """One question: where it stands, how it ended if it did, and its last estimate.

    `until` is when its grace is over, of one that waits for an outcome; `contested` what speaks
    against the word of a person that stands.
    """

    question: Question
    stage: Stage
    end: Resolution | None
    estimate: Estimate | None
    until: datetime | None
    contested: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many questions stand where."""

    open: int
    awaiting: int
    yes: int
    no: int
    void: int

    @property
    def resolved(self) -> int:
        """How many ended, voided ones among them."""
        return self.yes + self.no + self.void

    @property
    def void_rate(self) -> float | None:
        """The share of those that ended which was voided; None where none ended."""
        return self.void / self.resolved if self.resolved else None


@dataclass(frozen=True, slots=True)
class Version:
    """One row of what was said of a question; `recorded_at` is None where none is written yet."""

    row: Resolution
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counted:
    """An event in a question's window, from when it was known to count, and whether it does."""

    event: Event
    known_at: datetime
    counts: bool
    is_late: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """All there is to know of how one question ends."""

    standing: Standing
    events: tuple[Counted, ...]
    versions: tuple[Version, ...]


def endings_at(app: App, questions: Iterable[Question], as_of: datetime) -> dict[str, Endings]:
    """How questions end at the units of some, as known before `as_of`, by unit."""
    seen = app.store.ends.at((q.unit for q in questions), as_of)
    return {unit: Endings(app.config, snapshot) for unit, snapshot in seen.items()}


def ended(app: App, questions: Sequence[Question], as_of: datetime) -> dict[str, Resolution]:
    """How those of some questions ended that had, as known before `as_of`, by id."""
    endings = endings_at(app, questions, as_of)
    found = {q.question_id: endings[q.unit].of(q) for q in questions}
    return {name: end for name, end in found.items() if end is not None}


def standings(app: App, questions: Sequence[Question], as_of: datetime) -> list[Standing]:
    """Where some questions stood, as known before `as_of`."""
    endings = endings_at(app, questions, as_of)
    latest = app.store.latest_estimates()
    found = []
    for question in questions:
        estimate = latest.get(question.question_id)
        if estimate is not None and estimate.as_of > as_of:
            estimate = app.store.latest_estimate(question.question_id, as_of)
        found.append(_standing(app, question, endings[question.unit], estimate, as_of))
    return found


def tally(found: Iterable[Standing]) -> Tally:
    """How many of them stand where."""
    stages = [standing.stage for standing in found]
    return Tally(**{stage.value: stages.count(stage) for stage in Stage})


def shown(app: App, question: Question, as_of: datetime) -> Shown:
    """All there was to know before `as_of` of how a question ends."""
    endings = endings_at(app, [question], as_of)[question.unit]
    estimate = app.store.latest_estimate(question.question_id, as_of)
    standing = _standing(app, question, endings, estimate, as_of)
    rows = app.store.ends.said(question.question_id, as_of)
    versions = [Version(row, recorded_at) for row, recorded_at in rows]
    if standing.end is not None and standing.end not in [v.row for v in versions]:
        versions.append(Version(standing.end, None))
    return Shown(standing, _events(app, question, endings), tuple(versions))


def _events(app: App, question: Question, endings: Endings) -> tuple[Counted, ...]:
    is_known = question.definition in app.config.definitions
    over = question.deadline + endings.grace_of(question) if is_known else None
    counting = endings.counting(question)
    counted = [
        Counted(
            e, counting.known[e.event_id], True, bool(over and counting.known[e.event_id] > over)
        )
        for e in counting.events
    ]
    return (*counted, *(Counted(e, e.known_at, False, False) for e in counting.aside))


def _standing(
    app: App, question: Question, endings: Endings, estimate: Estimate | None, as_of: datetime
) -> Standing:
    end = endings.of(question)
    stage, until = _stage(question, end, as_of), None
    if stage is Stage.AWAITING and question.definition in app.config.definitions:
        over = question.deadline + endings.grace_of(question)
        until = over if over > as_of else None
    return Standing(question, stage, end, estimate, until, endings.contested(question))


def _stage(question: Question, end: Resolution | None, as_of: datetime) -> Stage:
    if end is not None:
        return {Outcome.YES: Stage.YES, Outcome.NO: Stage.NO, Outcome.VOID: Stage.VOID}[end.outcome]
    return Stage.OPEN if question.deadline >= as_of else Stage.AWAITING
