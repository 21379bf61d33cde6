"""The question: will DEFINITION happen at UNIT before DEADLINE?"""

from dataclasses import dataclass
from datetime import datetime

from forecast.evidence import CrowdForecast, Event, Report, Resolution


@dataclass(frozen=True, slots=True)
class Question:
    """A dated, checkable question; the window is [opens_at, deadline].

    It asks for at least `at_least` events of the definition in the window.

    An estimate made before `opens_at` is about the same window: what happens before it
    opens does not answer the question.
    """

    question_id: str
    title: str
    unit: str
    definition: str
    opens_at: datetime
    deadline: datetime
    resolution_criteria: str = ""
    notes: str = ""
    at_least: int = 1

    def __post_init__(self) -> None:
        for name in ("question_id", "title", "unit", "definition"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
        if self.at_least < 1:
            raise ValueError(f"at_least {self.at_least} is not a number of events from 1 on")
        if self.deadline <= self.opens_at:
            raise ValueError(
                f"deadline {self.deadline.isoformat()} is not after opens_at "
                f"{self.opens_at.isoformat()}"
            )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that was known before `as_of` about one unit: what a model may see.

    `reports` are the newest versions of each report, ordered by (known_at, report_id);
    `events` are of every definition at the unit, ordered by (occurred_at, event_id);
    `resolutions` and `crowd` speak of `questions`, which are those at the unit.
    """

    unit: str
    as_of: datetime
    questions: tuple[Question, ...]
    reports: tuple[Report, ...]
    events: tuple[Event, ...]
    resolutions: tuple[Resolution, ...] = ()
    crowd: tuple[CrowdForecast, ...] = ()
