"""Reading facts about the world: as of a moment, or as they stand now.

Of the versions of a fact that were known before the moment, the one recorded last counts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, bindparam, exists, func, select, union

from forecast.errors import UsageError
from forecast.evidence import Coverage, CrowdForecast, Event, Report, Resolution, Superseded
from forecast.incidents import IncidentRule, Placed, Version, place
from forecast.question import Question, Snapshot
from forecast.store import schema
from forecast.store.facts import (
    ASSIGNMENTS,
    COVERAGE,
    CROWD,
    EVENTS,
    QUESTIONS,
    REPORTS,
    RESOLUTIONS,
    Kind,
)
from forecast.store.types import UtcInstant

MOST_IDS = 1000  # in one statement: SQLite binds 32,766 values at most
_AS_OF = bindparam("as_of", type_=UtcInstant())
_UNIT = bindparam("unit", type_=Text())
_IDS = bindparam("ids", type_=Text(), expanding=True)


def _newest[Fact](kind: Kind[Fact], *, known: bool) -> Select[Any]:
    """The last version of each fact; with `known`, of those versions known before `as_of`."""
    table, later = kind.table, kind.table.alias("later")
    is_later = [later.c[name] == table.c[name] for name in kind.key]
    is_later.append(later.c.row_id > table.c.row_id)
    if known:
        is_later.append(later.c.known_at < _AS_OF)
    query = select(*kind.columns).where(~exists().where(*is_later))
    return query.where(table.c.known_at < _AS_OF) if known else query


def _versions[Fact](kind: Kind[Fact]) -> Select[Any]:
    """Every version known before `as_of`, and when one recorded later took its place, if any."""
    table, later = kind.table, kind.table.alias("later")
    same = [later.c[name] == table.c[name] for name in kind.key]
    until = (
        select(func.min(later.c.known_at))
        .where(*same, later.c.row_id > table.c.row_id, later.c.known_at < _AS_OF)
        .scalar_subquery()
    )
    return select(*kind.columns, until).where(table.c.known_at < _AS_OF)


# Built once: a replay runs them thousands of times.
_ALL_QUESTIONS = _newest(QUESTIONS, known=False)
_QUESTION = _ALL_QUESTIONS.where(QUESTIONS.table.c.question_id.in_(_IDS))
_QUESTIONS_AT = _ALL_QUESTIONS.where(QUESTIONS.table.c.unit == _UNIT)
_REPORTS_AT = _versions(REPORTS).where(REPORTS.table.c.unit == _UNIT)
_EVENTS_AT = _versions(EVENTS).where(EVENTS.table.c.unit == _UNIT)
_COVERAGE_AT = _newest(COVERAGE, known=True).where(
    COVERAGE.table.c.unit == _UNIT, ~COVERAGE.table.c.retracted
)
_ASSIGNED_AT = (
    select(*ASSIGNMENTS.columns)
    .where(
        ASSIGNMENTS.table.c.known_at < _AS_OF,
        exists().where(
            REPORTS.table.c.report_id == ASSIGNMENTS.table.c.report_id,
            REPORTS.table.c.unit == _UNIT,
        ),
    )
    .order_by(ASSIGNMENTS.table.c.row_id)
)
_UNITS_OF = _newest(REPORTS, known=False).where(REPORTS.table.c.report_id.in_(_IDS))
_TAKEN_BACK_EVER, _TAKEN_BACK = (
    _newest(EVENTS, known=known).where(EVENTS.table.c.event_id.in_(_IDS), EVENTS.table.c.retracted)
    for known in (False, True)
)
_RESOLUTION_EVER = _newest(RESOLUTIONS, known=False).where(
    RESOLUTIONS.table.c.question_id.in_(_IDS)
)
_RESOLUTIONS_OF = _newest(RESOLUTIONS, known=True).where(RESOLUTIONS.table.c.question_id.in_(_IDS))
_CROWD_EVER = _newest(CROWD, known=False).where(CROWD.table.c.question_id.in_(_IDS))
_CROWD_OF = _newest(CROWD, known=True).where(CROWD.table.c.question_id.in_(_IDS))


def snapshot(
    connection: Connection, question: Question, as_of: datetime, rule: IncidentRule
) -> Snapshot:
    """All that was known before `as_of` at the question's unit, reports in their incidents."""
    unit = question.unit
    at = {"unit": unit, "as_of": as_of}
    asked = _sorted_questions(_facts(connection, QUESTIONS, _QUESTIONS_AT, {"unit": unit}))
    of = {"ids": [q.question_id for q in asked], "as_of": as_of}
    placed = placed_reports(connection, unit, as_of, rule)
    events, earlier_events = _events(connection, at)
    return Snapshot(
        unit=unit,
        as_of=as_of,
        questions=tuple(asked),
        reports=tuple(p.report for p in placed if p.until is None),
        events=events,
        resolutions=tuple(_resolutions(connection, of)),
        crowd=tuple(_sorted_crowd(_facts(connection, CROWD, _CROWD_OF, of))),
        earlier_reports=tuple(Superseded(p.report, p.until) for p in placed if p.until),
        earlier_events=earlier_events,
        coverage=tuple(_coverage(connection, at)),
    )


def placed_reports(
    connection: Connection, unit: str, as_of: datetime, rule: IncidentRule
) -> list[Placed]:
    """Every version of the reports known before `as_of` at a unit, each in its incident.

    By (known_at, report_id). Retracted versions are not there: the one before has an end.
    """
    at = {"unit": unit, "as_of": as_of}
    rows = connection.execute(_REPORTS_AT, at).all()
    versions = [Version(report, until) for report, until in _ever_counted(REPORTS, rows)]
    return place(versions, _facts(connection, ASSIGNMENTS, _ASSIGNED_AT, at), rule)


def reports(connection: Connection, unit: str, as_of: datetime, rule: IncidentRule) -> list[Report]:
    """The reports known before `as_of` at a unit, by (known_at, report_id)."""
    placed = placed_reports(connection, unit, as_of, rule)
    return [p.report for p in placed if p.until is None]


def units(connection: Connection) -> list[str]:
    """Every unit that a report, an event or a question names, sorted."""
    named = union(*(select(t.c.unit) for t in (schema.report, schema.event, schema.question)))
    return sorted(connection.scalars(named))


def newest_reports(connection: Connection, as_of: datetime) -> dict[str, datetime]:
    """When the newest report of each unit became known, of those known before `as_of`."""
    reports = schema.report.c
    newest = select(reports.unit, func.max(reports.known_at)).where(reports.known_at < as_of)
    found = connection.execute(newest.group_by(reports.unit)).all()
    return {unit: known_at for unit, known_at in found}  # noqa: C416 - a Row is no pair to mypy


def units_of(connection: Connection, report_ids: Sequence[str]) -> dict[str, str]:
    """The unit of each report, in its newest version; those that do not stand are left out."""
    found = _facts(connection, REPORTS, _UNITS_OF, {"ids": list(report_ids)})
    return {report.report_id: report.unit for report in found if not report.retracted}


def late_reports(connection: Connection, question: Question, as_of: datetime) -> set[str]:
    """Ids of reports at the unit that came in after the last estimate before as_of was made."""
    made = (
        select(schema.estimate.c.recorded_at)
        .where(
            schema.estimate.c.question_id == question.question_id,
            schema.estimate.c.as_of < as_of,
        )
        .order_by(schema.estimate.c.as_of.desc(), schema.estimate.c.row_id.desc())
        .limit(1)
    )
    last = connection.execute(made).scalar_one_or_none()
    if last is None:
        return set()
    late = select(schema.report.c.report_id).where(
        schema.report.c.unit == question.unit, schema.report.c.recorded_at > last
    )
    return set(connection.execute(late).scalars())


def questions(connection: Connection, patterns: Iterable[str]) -> list[Question]:
    """The questions whose id fits any shell pattern, by (deadline, id)."""
    patterns = tuple(patterns)
    found = _facts(connection, QUESTIONS, _ALL_QUESTIONS, {})
    return _sorted_questions(
        [q for q in found if any(fnmatchcase(q.question_id, pattern) for pattern in patterns)]
    )


def questions_named(connection: Connection, question_ids: Iterable[str]) -> dict[str, Question]:
    """Those of some questions that there are, by id."""
    return {
        q.question_id: q
        for ids in batched(question_ids, MOST_IDS)
        for q in _facts(connection, QUESTIONS, _QUESTION, {"ids": ids})
    }


def question(connection: Connection, question_id: str) -> Question:
    """One question; UsageError if there is none of that id."""
    found = _facts(connection, QUESTIONS, _QUESTION, {"ids": [question_id]})
    if not found:
        from forecast.names import did_you_mean

        near = did_you_mean(question_id, [q.question_id for q in questions(connection, ("*",))])
        raise UsageError(f"there is no question '{question_id}'{near}")
    return found[0]


def resolution(
    connection: Connection, question_id: str, as_of: datetime | None
) -> Resolution | None:
    """How a question ended, as known before `as_of` or as known now."""
    of: dict[str, Any] = {"ids": [question_id]}
    found = _resolutions(connection, of if as_of is None else of | {"as_of": as_of})
    return found[0] if found else None


def resolved(connection: Connection, question_ids: Sequence[str], as_of: datetime) -> set[str]:
    """Which of some questions had ended, as known before `as_of`."""
    of = {"ids": list(question_ids), "as_of": as_of}
    return {resolution.question_id for resolution in _resolutions(connection, of)}


def crowd(connection: Connection, question_id: str) -> list[CrowdForecast]:
    """What others said of a question, by (at, source)."""
    return _sorted_crowd(_facts(connection, CROWD, _CROWD_EVER, {"ids": [question_id]}))


def _resolutions(connection: Connection, of: dict[str, Any]) -> list[Resolution]:
    """The outcomes that stand, by question: none of the events behind them was retracted."""
    is_dated = "as_of" in of
    query = _RESOLUTIONS_OF if is_dated else _RESOLUTION_EVER
    found = _facts(connection, RESOLUTIONS, query, of)
    if behind := [event_id for resolution in found for event_id in resolution.events]:
        taken_back = _TAKEN_BACK if is_dated else _TAKEN_BACK_EVER
        gone = {e.event_id for e in _facts(connection, EVENTS, taken_back, of | {"ids": behind})}
        found = [resolution for resolution in found if gone.isdisjoint(resolution.events)]
    return sorted(found, key=lambda fact: fact.question_id)


def _events(
    connection: Connection, at: dict[str, Any]
) -> tuple[tuple[Event, ...], tuple[Superseded[Event], ...]]:
    """The events that stand, and the versions that counted before."""
    found = _ever_counted(EVENTS, connection.execute(_EVENTS_AT, at).all())
    newest = [event for event, until in found if until is None]
    earlier = [Superseded(event, until) for event, until in found if until]
    newest.sort(key=lambda e: (e.occurred_at, e.event_id))
    earlier.sort(key=lambda s: (s.fact.known_at, s.fact.event_id))
    return tuple(newest), tuple(earlier)


def _ever_counted[Fact: (Report, Event)](
    kind: Kind[Fact], rows: Iterable[Row[Any]]
) -> list[tuple[Fact, datetime | None]]:
    """The versions that counted for any time at all: neither retracted nor late for it."""
    found = []
    for row in rows:
        values: list[Any] = list(row)
        until = values.pop()
        fact = kind.made(*values)
        if not fact.retracted and (until is None or until > fact.known_at):
            found.append((fact, until))
    return found


def _coverage(connection: Connection, at: dict[str, Any]) -> list[Coverage]:
    spans = _facts(connection, COVERAGE, _COVERAGE_AT, at)
    found = [span.as_known_at(at["as_of"]) for span in spans]
    return sorted(found, key=lambda span: (span.since, span.coverage_id))


def _facts[Fact](
    connection: Connection, kind: Kind[Fact], query: Select[Any], values: dict[str, Any]
) -> list[Fact]:
    return [kind.made(*row) for row in connection.execute(query, values).all()]


def _sorted_questions(found: list[Question]) -> list[Question]:
    return sorted(found, key=lambda question: (question.deadline, question.question_id))


def _sorted_crowd(found: list[CrowdForecast]) -> list[CrowdForecast]:
    return sorted(found, key=lambda forecast: (forecast.at, forecast.source))
