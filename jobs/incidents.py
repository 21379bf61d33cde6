"""Incidents at a unit as they stand, and a person's word against the rule that made them.

`join` and `split` state facts with author and reason: nothing is changed in place, and an
estimate of the past does not see them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from forecast.errors import UsageError
from forecast.evidence import Assignment, Superseded
from forecast.incidents import Ground, Placed
from forecast.names import did_you_mean
from jobs.app import App
from models.incidents import Incident, gather


@dataclass(frozen=True, slots=True)
class Shown:
    """An incident, and its reports in the order in which they became known."""

    unit: str
    incident: Incident
    reports: tuple[Placed, ...]


def incidents_at(app: App, unit: str, now: datetime) -> list[Shown]:
    """The incidents at a unit that reports still tell of, as known before `now`, newest first."""
    placed = app.store.placed_reports(unit, now)
    standing = [p for p in placed if p.until is None]
    earlier = [Superseded(p.report, p.until) for p in placed if p.until]
    members: dict[tuple[str, str], list[Placed]] = defaultdict(list)
    for p in standing:
        members[p.report.incident_id, p.report.tag].append(p)
    found = gather([p.report for p in standing], earlier)
    return [
        Shown(unit, incident, tuple(members[incident.incident_id, incident.tag]))
        for incident in reversed(found)
        if incident.report_ids
    ]


def units_of(app: App, question_id: str | None, unit: str | None) -> list[str]:
    """The unit of a question, or the one named, or all that the watch knows."""
    if question_id:
        return [app.store.question(question_id).unit]
    known = sorted({*app.config.units, *(q.unit for q in app.store.questions())})
    if unit and unit not in known:
        raise UsageError(f"there is no unit '{unit}'{did_you_mean(unit, known)}")
    return [unit] if unit else known


def join(
    app: App, report_ids: Sequence[str], author: str, reason: str, now: datetime
) -> list[Assignment]:
    """Put reports into the incident of the first of them, from `now` on."""
    places = _places(app, report_ids, now)
    return _assign(app, places, places[0].report.incident_id, author, reason, now)


def split(
    app: App, report_ids: Sequence[str], author: str, reason: str, now: datetime
) -> list[Assignment]:
    """Take reports out of their incident, as one of their own, from `now` on.

    Nothing is said where they are one already.
    """
    places = _places(app, report_ids, now)
    first = places[0].report
    at_unit = app.store.placed_reports(first.unit, now)
    beside = [p.report for p in at_unit if p.until is None and p.report.tag == first.tag]
    together = {r.report_id for r in beside if r.incident_id == first.incident_id}
    if together == {p.report.report_id for p in places}:
        return []
    name = stem = f"{first.incident_id}/{first.report_id}"
    number = 1
    while name in {p.report.incident_id for p in at_unit}:
        number += 1
        name = f"{stem}#{number}"
    return _assign(app, places, name, author, reason, now)


def _places(app: App, report_ids: Iterable[str], now: datetime) -> list[Placed]:
    """Where each report stands; UsageError unless all are of one unit and tag."""
    ids = list(dict.fromkeys(report_ids))
    units = app.store.units_of(ids)
    if missing := [name for name in ids if name not in units]:
        raise UsageError(f"there is no report '{missing[0]}'")
    if len(set(units.values())) > 1:
        raise UsageError(f"reports of one incident are at one unit: {_each(units)}")
    standing = {
        p.report.report_id: p
        for p in app.store.placed_reports(units[ids[0]], now)
        if p.until is None
    }
    if unknown := [name for name in ids if name not in standing]:
        raise UsageError(f"the report '{unknown[0]}' is not known yet")
    tags = {name: standing[name].report.tag for name in ids}
    if len(set(tags.values())) > 1:
        raise UsageError(f"reports of one incident have one tag: {_each(tags)}")
    return [standing[name] for name in ids]


def _each(names: dict[str, str]) -> str:
    return ", ".join(f"{report} {name}" for report, name in names.items())


def _assign(
    app: App, places: list[Placed], name: str, author: str, reason: str, now: datetime
) -> list[Assignment]:
    words = [
        Assignment(p.report.report_id, name, now, author, reason)
        for p in places
        if p.report.incident_id != name
    ]
    app.store.assign(words, now)
    return words


def why(placed: Placed) -> str:
    """Why a report stands in its incident, in words."""
    match placed.ground:
        case Ground.FIRST:
            return "the first of it"
        case Ground.STATED:
            return "says so itself"
        case Ground.CORRECTED:
            return "corrects a report of it"
        case Ground.ASSIGNED:
            word = placed.assignment
            assert word is not None
            return f"by {word.author} on {word.known_at:%Y-%m-%d}: {word.reason}"
    hours = placed.apart.total_seconds() / 3600
    words = "" if placed.alike is None else f", words alike {placed.alike:.0%}"
    return f"{hours:.1f} hours apart{words}"
