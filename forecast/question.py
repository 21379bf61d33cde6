"""The question: will DEFINITION happen at UNIT before DEADLINE?"""

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import datetime

from forecast.evidence import (
    Coverage,
    CrowdForecast,
    Event,
    Report,
    Resolution,
    Superseded,
    standing,
)


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

    `reports` are the newest versions of each report that stands, each with the incident it
    belongs to, ordered by (known_at, report_id); `events` are of every definition at the unit,
    ordered by (occurred_at, event_id). `earlier_reports` and `earlier_events` are the versions
    that counted before those, ordered by (known_at, id): what a day of the past saw.
    `resolutions`, ordered by question, and `crowd` speak of `questions`, which are those at the
    unit; `earlier_resolutions` are the rows on them that stand no more, and those that took
    something back, ordered by known_at. `coverage`, ordered by (since, id), says when the unit
    was at risk and watched.
    """

    unit: str
    as_of: datetime
    questions: tuple[Question, ...]
    reports: tuple[Report, ...]
    events: tuple[Event, ...]
    resolutions: tuple[Resolution, ...] = ()
    crowd: tuple[CrowdForecast, ...] = ()
    earlier_reports: tuple[Superseded[Report], ...] = ()
    earlier_events: tuple[Superseded[Event], ...] = ()
    coverage: tuple[Coverage, ...] = ()
    earlier_resolutions: tuple[Resolution, ...] = ()

    def put_aside(self, question_id: str) -> frozenset[str]:
        """Ids of the events that count no more for a question: a person reopened it."""
        return frozenset(
            name
            for row in self.earlier_resolutions
            if row.question_id == question_id and row.retracted and not row.is_derived
            for name in row.events
        )

    def as_known_at(self, moment: datetime) -> "Snapshot":
        """What of this was known before an earlier moment, in the versions that stood then.

        Of coverage only the newest versions are there, so a span corrected since is missing.
        """
        reports, earlier_reports = _standing(self.reports, self.earlier_reports, moment)
        events, earlier_events = _standing(self.events, self.earlier_events, moment)
        rows = sorted((*self.earlier_resolutions, *self.resolutions), key=lambda r: r.known_at)
        gone = {v.fact.event_id for v in earlier_events} - {e.event_id for e in events}
        ends, earlier_ends = parted([r for r in rows if r.known_at < moment], gone)
        return replace(
            self,
            as_of=moment,
            reports=tuple(sorted(reports, key=lambda r: (r.known_at, r.report_id))),
            events=tuple(sorted(events, key=lambda e: (e.occurred_at, e.event_id))),
            resolutions=ends,
            crowd=tuple(c for c in self.crowd if c.at < moment),
            earlier_reports=earlier_reports,
            earlier_events=earlier_events,
            coverage=tuple(c.as_known_at(moment) for c in self.coverage if c.known_at < moment),
            earlier_resolutions=earlier_ends,
        )


def parted(
    rows: Iterable[Resolution], gone: Set[str]
) -> tuple[tuple[Resolution, ...], tuple[Resolution, ...]]:
    """The resolutions that stand, by question, and the other rows, by known_at.

    `rows` come in the order in which they were recorded; what was derived from an event that is
    `gone` does not stand.
    """
    of: dict[str, list[Resolution]] = defaultdict(list)
    rows = list(rows)
    for row in rows:
        if not row.is_derived or gone.isdisjoint(row.events):
            of[row.question_id].append(row)
    found = {name: end for name in sorted(of) if (end := standing(of[name]))}
    others = [row for row in rows if row is not found.get(row.question_id)]
    return tuple(found.values()), tuple(sorted(others, key=lambda row: row.known_at))


def _standing[Fact: (Report, Event)](
    newest: Iterable[Fact], earlier: Iterable[Superseded[Fact]], moment: datetime
) -> tuple[list[Fact], tuple[Superseded[Fact], ...]]:
    """The versions that counted just before a moment, and those that had ceased to."""
    standing = [fact for fact in newest if fact.known_at < moment]
    ended = []
    for version in earlier:
        if version.until < moment:
            ended.append(version)
        elif version.fact.known_at < moment:
            standing.append(version.fact)
    return standing, tuple(ended)
