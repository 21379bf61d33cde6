"""What the world says: reports, events, the spans watched, and how questions ended.

Every fact has two times: `occurred_at`, when the thing happened, and `known_at`, when it
could first be read. A computation as of t uses `known_at < t` and nothing else. Facts are
corrected and withdrawn by new rows, which count from their own `known_at` on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

RELIABILITIES = "ABCDEF"
CREDIBILITIES = (1, 2, 3, 4, 5, 6)
RULE = "rule"  # the author of what follows from events and the clock


@dataclass(frozen=True, slots=True)
class Report:
    """One published statement that something happened.

    `value` is its strength within its tag, 0 to 1, or where the tag is a level the number that
    was read: a wind speed, a price. `reliability` (A to F, of the source) and `credibility` (1
    to 6, of the statement) are Admiralty grades; F and 6 mean "cannot be judged".
    `incident_id` groups reports of one real-world thing; without it, the rule of
    `forecast.incidents` does. `origin` is the newsroom the report draws on: two reports with
    one origin are copies. A later row with the same `report_id` corrects the earlier one from
    its own `known_at` on, or takes it back if it is `retracted`.
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
    retracted: bool = False

    def __post_init__(self) -> None:
        _require_text(report_id=self.report_id, unit=self.unit, tag=self.tag)
        _require_times(occurred_at=self.occurred_at, known_at=self.known_at)
        if not math.isfinite(self.value):
            raise ValueError(f"value {self.value} is not a finite number")
        if len(self.reliability) != 1 or self.reliability not in RELIABILITIES:
            raise ValueError(f"reliability '{self.reliability}' is not a letter from A to F")
        if self.credibility not in CREDIBILITIES:
            raise ValueError(f"credibility {self.credibility} is not a grade from 1 to 6")


def incident_key(report: Report) -> str:
    """The incident a report belongs to; its tag and UTC day, where it was never gathered."""
    return report.incident_id or f"{report.tag}@{report.occurred_at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Event:
    """A dated occurrence of a definition at a unit: what questions ask about.

    Corrected and retracted as a report is, by a later row with its `event_id`.
    """

    event_id: str
    unit: str
    definition: str
    occurred_at: datetime
    known_at: datetime
    summary: str = ""
    url: str = ""
    retracted: bool = False

    def __post_init__(self) -> None:
        _require_text(event_id=self.event_id, unit=self.unit, definition=self.definition)
        _require_times(occurred_at=self.occurred_at, known_at=self.known_at)


@dataclass(frozen=True, slots=True)
class Superseded[Fact]:
    """A version of a report or an event that counted from its `known_at` up to `until`.

    Then it was corrected, retracted, or its report put into another incident.
    """

    fact: Fact
    until: datetime


@dataclass(frozen=True, slots=True)
class Assignment:
    """A person's word that a report belongs to an incident, from `known_at` on."""

    report_id: str
    incident_id: str
    known_at: datetime
    author: str
    reason: str

    def __post_init__(self) -> None:
        _require_text(report_id=self.report_id, incident_id=self.incident_id, author=self.author)


class CoverageState(StrEnum):
    """What is said of a span: the unit is (not) at risk, or its feeds are watched or down."""

    AT_RISK = "at-risk"
    NOT_AT_RISK = "not-at-risk"
    COVERED = "covered"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Coverage:
    """A span [since, until) of a unit: whether the event can happen, or what is watched.

    Where a unit has spans `at-risk`, it is at risk in them only; `not-at-risk` takes away.
    `covered` and `down` say the same of the feeds of the tags that the shell pattern `tags`
    fits: a feed that is silent is evidence, one that is down is none. Without `until` the
    span has no end yet. Its end is known from `until_known_at` on, where that is not
    `known_at`: that a storm began is known long before when it ends.
    """

    coverage_id: str
    unit: str
    state: CoverageState
    since: datetime
    until: datetime | None
    known_at: datetime
    tags: str = "*"
    note: str = ""
    until_known_at: datetime | None = None
    retracted: bool = False

    def __post_init__(self) -> None:
        _require_text(coverage_id=self.coverage_id, unit=self.unit, tags=self.tags)
        _require_times(since=self.since, until=self.until, known_at=self.known_at)
        _require_times(until_known_at=self.until_known_at)
        if self.until is not None and self.until <= self.since:
            raise ValueError(
                f"the span ends at {self.until.isoformat()}, "
                f"which is not after its start {self.since.isoformat()}"
            )

    def as_known_at(self, moment: datetime) -> "Coverage":
        """The span without an end that was not known before the moment."""
        is_open = self.until_known_at is not None and self.until_known_at >= moment
        return replace(self, until=None, until_known_at=None) if is_open else self


class Outcome(StrEnum):
    """How a question ended."""

    YES = "yes"
    NO = "no"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The outcome of a question, the moment from which it was known, why, and by whose word.

    `author` is a person's name, "" where a file stated it, and `RULE` where it follows from
    events or from the clock: such a one falls with `events`, the ids of those it rests on. A
    row that is `retracted` takes back what stood, from its own `known_at` on; the events that
    it names do not count for the question any more.
    """

    question_id: str
    outcome: Outcome
    known_at: datetime
    reason: str
    events: tuple[str, ...] = ()
    author: str = ""
    retracted: bool = False

    @property
    def is_derived(self) -> bool:
        """Whether it follows from events or the clock, and is no person's word."""
        return self.author == RULE


def standing(rows: Sequence[Resolution]) -> Resolution | None:
    """Of the rows on one question, in the order in which they were recorded, the one that stands.

    A person's word goes before what was derived, until it is taken back; then what was derived
    before counts no more. Of several that were derived the one known last stands.
    """
    said = [row for row in rows if not row.is_derived]
    last = said[-1] if said else None
    if last is not None and not last.retracted:
        return last
    derived = [r for r in rows if r.is_derived and (last is None or r.known_at >= last.known_at)]
    derived.sort(key=lambda row: row.known_at)
    return derived[-1] if derived and not derived[-1].retracted else None


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


def _require_times(**fields: datetime | None) -> None:
    for name, instant in fields.items():
        if instant is not None and instant.tzinfo is None:
            raise ValueError(f"{name} {instant.isoformat()} has no time zone")
