"""Which reports speak of one real-world thing: the rule, and the word of a person against it.

Reports are placed one by one, in the order in which they became known, and never moved by
what comes later: where a report stood at a moment does not depend on what was known after it.

    1. a person assigned it (`Assignment`)        the incident that was named
    2. the report states an `incident_id`         that one
    3. it corrects a report                       where that one was, if unit, tag and date stay
    4. an incident of its unit and tag            began less than `window` before or after it and,
                                                  where both have words, one of its reports is
                                                  alike; of several the most alike, then nearest
    5. none                                       an incident of its own

How alike two texts are is the share of the shorter one's different words (of more than three
letters, or numbers) that the other has as well.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from forecast.evidence import Assignment, Report

# Scripts that put no space between words: each of their characters is taken for one.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|\d+|[^\W\d_{_UNSPACED}]{{4,}}")
_MOST_COMPARED = 30  # reports of one incident that a new one is compared with


@dataclass(frozen=True, slots=True)
class IncidentRule:
    """Reports without an incident of their own are one if less than `window` apart and alike.

    `similarity` is the least that their summaries must be alike, 0 to 1; 0 asks for nothing.
    """

    window: timedelta = timedelta(hours=24)
    similarity: float = 0.0


DEFAULT_RULE = IncidentRule()


class Ground(StrEnum):
    """Why a report stands in its incident."""

    FIRST = "first"
    STATED = "stated"
    ALIKE = "alike"
    CORRECTED = "corrected"
    ASSIGNED = "assigned"


class Version(NamedTuple):
    """A version of a report as the store holds it: it counts from `known_at` up to `until`."""

    report: Report
    until: datetime | None = None


class Placed(NamedTuple):
    """A version of a report with the incident that it stood in up to `until`, and why.

    `apart` is how far its date is from the incident's first, `alike` how alike the words are
    (None where either has none); `assignment` is the word of the person that put it there.
    """

    report: Report
    until: datetime | None
    ground: Ground
    apart: timedelta = timedelta()
    alike: float | None = None
    assignment: Assignment | None = None


def place(
    versions: Iterable[Version],
    assignments: Sequence[Assignment] = (),
    rule: IncidentRule = DEFAULT_RULE,
) -> list[Placed]:
    """Every version of a unit's reports in its incident, by (known_at, report_id).

    A version during which a person assigned the report counts as two. `assignments` are in the
    order in which they were recorded: of two that count at one moment, the later does.
    """
    words: dict[str, list[Assignment]] = defaultdict(list)
    for assignment in assignments:
        words[assignment.report_id].append(assignment)
    parts = [part for v in versions for part in _parts(v, words.get(v.report.report_id, ()))]
    parts.sort(key=lambda part: (part.report.known_at, part.report.report_id))
    desk = _Desk(rule)
    return [desk.place(part) for part in parts]


class _Part(NamedTuple):
    """A version, or the part of it before or after an assignment."""

    report: Report
    until: datetime | None
    assignment: Assignment | None


def _parts(version: Version, words: Sequence[Assignment]) -> list[_Part]:
    report, until = version.report, version.until
    if not words:
        return [_Part(report, until, None)]
    start = report.known_at
    within = {w.known_at for w in words if start < w.known_at and (not until or w.known_at < until)}
    edges: list[datetime | None] = [start, *sorted(within), until]
    parts = []
    for since, end in pairwise(edges):
        assert since is not None
        said = [word for word in words if word.known_at <= since]
        known = report if since == start else replace(report, known_at=since)
        parts.append(_Part(known, end, said[-1] if said else None))
    return parts


@dataclass(slots=True)
class _Open:
    """An incident while reports are placed: its name, its date, and how its reports read."""

    incident_id: str
    occurred_at: datetime
    texts: list[str] = field(default_factory=list)


class _Desk:
    """The incidents so far, and where each report stood last."""

    def __init__(self, rule: IncidentRule) -> None:
        self._rule = rule
        self._named: dict[tuple[str, str], _Open] = {}  # by tag and id
        self._names: set[str] = set()
        self._cells: dict[tuple[str, int], list[_Open]] = defaultdict(list)
        self._last: dict[str, tuple[Report, Report]] = {}  # as stated, and as placed

    def place(self, part: _Part) -> Placed:
        """Put a version where it belongs, by what was placed before it."""
        report = part.report
        ground, incident, alike = self._find(part)
        if incident is None:
            incident = self._begin(report, part.assignment)
        if report.summary and len(incident.texts) < _MOST_COMPARED:
            incident.texts.append(report.summary)
        stands = report
        if report.incident_id != incident.incident_id:
            stands = replace(report, incident_id=incident.incident_id)
        self._last[report.report_id] = (report, stands)
        apart = abs(report.occurred_at - incident.occurred_at)
        return Placed(stands, part.until, ground, apart, alike, part.assignment)

    def _find(self, part: _Part) -> tuple[Ground, _Open | None, float | None]:
        report = part.report
        if part.assignment is not None:
            name = part.assignment.incident_id
            return Ground.ASSIGNED, self._named.get((report.tag, name)), None
        if report.incident_id:
            return Ground.STATED, self._named.get((report.tag, report.incident_id)), None
        if report.report_id in self._last:
            stated, placed = self._last[report.report_id]
            if _is_like(report, stated):
                return Ground.CORRECTED, self._named[report.tag, placed.incident_id], None
        near = self._nearest(report)
        return (Ground.FIRST, None, None) if near is None else (Ground.ALIKE, *near)

    def _nearest(self, report: Report) -> tuple[_Open, float | None] | None:
        """The incident that the rule puts the report into, and how alike they are."""
        best: tuple[tuple[float, timedelta], _Open, float | None] | None = None
        cell = self._cell(report.occurred_at)
        for place in (cell - 1, cell, cell + 1):
            for incident in self._cells.get((report.tag, place), ()):
                apart = abs(report.occurred_at - incident.occurred_at)
                if apart >= self._rule.window:
                    continue
                alike = _alike(report.summary, incident.texts)
                if alike is not None and alike < self._rule.similarity:
                    continue
                rank = (-(self._rule.similarity if alike is None else alike), apart)
                if best is None or rank < best[0]:
                    best = (rank, incident, alike)
        return None if best is None else best[1:]

    def _begin(self, report: Report, assignment: Assignment | None) -> _Open:
        name = assignment.incident_id if assignment else report.incident_id
        if not name:
            name = day = f"{report.tag}@{report.occurred_at:%Y-%m-%d}"
            number = 1
            while name in self._names:
                number += 1
                name = f"{day}#{number}"
        incident = _Open(name, report.occurred_at)
        self._named[report.tag, name] = incident
        self._names.add(name)
        self._cells[report.tag, self._cell(report.occurred_at)].append(incident)
        return incident

    def _cell(self, moment: datetime) -> int:
        """The number of the stretch of time, as long as the window, that a moment is in."""
        return int(moment.timestamp() // self._rule.window.total_seconds())


def _is_like(report: Report, stated: Report) -> bool:
    """Whether a correction left alone what decides where a report belongs."""
    same = (report.tag, report.occurred_at, report.incident_id)
    return same == (stated.tag, stated.occurred_at, stated.incident_id)


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _alike(text: str, others: Iterable[str]) -> float | None:
    """How alike a text is to the most similar of others; None where there is nothing to see."""
    words, best = _words(text), None
    for other in map(_words, others):
        if words and other:
            share = len(words & other) / min(len(words), len(other))
            best = share if best is None else max(best, share)
    return best
