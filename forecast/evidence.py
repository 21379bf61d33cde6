"""What the world says: reports, events, and the resolutions of questions.

Every fact has two times: `occurred_at`, when the thing happened, and `known_at`, when it
could first be read. A computation as of t uses `known_at < t` and nothing else.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

RELIABILITIES = "ABCDEF"
CREDIBILITIES = (1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Report:
    """One published statement that something happened.

    `value` is its strength within its tag, 0 to 1. `reliability` (A to F, of the source)
    and `credibility` (1 to 6, of the statement) are Admiralty grades; F and 6 mean "cannot
    be judged". `incident_id` groups reports of one real-world thing; without it, reports of
    one unit and tag on one UTC day are taken for one incident. `origin` is the newsroom the
    report draws on: two reports with one origin are copies. A later row with the same
    `report_id` corrects the earlier one from its own `known_at` on.
    """

    report_id: str
    unit: str
    tag: str
    occurred_at: datetime
    known_at: datetime
    incident_id: str = ""
    value: float = 1.0
    source: str = ""
    origin: str = ""
    reliability: str = "F"
    credibility: int = 6
    url: str = ""
    summary: str = ""

    def __post_init__(self) -> None:
        _require_text(report_id=self.report_id, unit=self.unit, tag=self.tag)
        _require_times(self.occurred_at, self.known_at)
        if not (math.isfinite(self.value) and 0.0 <= self.value <= 1.0):
            raise ValueError(f"value {self.value} is not a number from 0 to 1")
        if len(self.reliability) != 1 or self.reliability not in RELIABILITIES:
            raise ValueError(f"reliability '{self.reliability}' is not a letter from A to F")
        if self.credibility not in CREDIBILITIES:
            raise ValueError(f"credibility {self.credibility} is not a grade from 1 to 6")


def incident_key(report: Report) -> str:
    """The incident a report belongs to: its own word, else its tag and UTC day."""
    return report.incident_id or f"{report.tag}@{report.occurred_at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Event:
    """A dated occurrence of a definition at a unit: what questions ask about."""

    event_id: str
    unit: str
    definition: str
    occurred_at: datetime
    known_at: datetime
    summary: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        _require_text(event_id=self.event_id, unit=self.unit, definition=self.definition)
        _require_times(self.occurred_at, self.known_at)


class Outcome(StrEnum):
    """How a question ended."""

    YES = "yes"
    NO = "no"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome of a question, the moment from which it was known, and why."""

    question_id: str
    outcome: Outcome
    known_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class CrowdForecast:
    """A probability that others gave for a question: a market, a group, a bot."""

    question_id: str
    at: datetime
    probability: float
    source: str
    url: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        _require_text(question_id=self.question_id, source=self.source)
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability {self.probability} is not a number from 0 to 1")


def _require_text(**fields: str) -> None:
    for name, text in fields.items():
        if not text.strip():
            raise ValueError(f"{name} is empty")


def _require_times(occurred_at: datetime, known_at: datetime) -> None:
    for name, instant in (("occurred_at", occurred_at), ("known_at", known_at)):
        if instant.tzinfo is None:
            raise ValueError(f"{name} {instant.isoformat()} has no time zone")
