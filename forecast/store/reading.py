"""Reading facts about the world: as of a moment, or as they stand now.

Of the versions of a fact that were known before the moment, the one recorded last counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import batched
from typing import Any

from sqlalchemy import Connection, exists, func, select, union

from forecast.errors import UsageError
from forecast.evidence import Coverage, CrowdForecast, Report, Superseded
from forecast.incidents import IncidentRule, Placed, Version, place
from forecast.question import Question, Snapshot
from forecast.store import schema
from forecast.store.ends import ends_at
from forecast.store.facts import ASSIGNMENTS, COVERAGE, CROWD, QUESTIONS, REPORTS
from forecast.store.versions import (
    AS_OF,
    IDS,
    MOST_IDS,
    UNIT,
    ever_counted,
    facts_of,
    newest,
    sorted_questions,
    versions,
)

# Built once: a replay runs them thousands of times.
_ALL_QUESTIONS = newest(QUESTIONS, known=False)
_QUESTION = _ALL_QUESTIONS.where(QUESTIONS.table.c.question_id.in_(IDS))
_REPORTS_AT = versions(REPORTS).where(REPORTS.table.c.unit == UNIT)
_COVERAGE_AT = newest(COVERAGE, known=True).where(
    COVERAGE.table.c.unit == UNIT, ~COVERAGE.table.c.retracted
)
_ASSIGNED_AT = (
    select(*ASSIGNMENTS.columns)
    .where(
        ASSIGNMENTS.table.c.known_at < AS_OF,
        exists().where(
            REPORTS.table.c.report_id == ASSIGNMENTS.table.c.report_id,
            REPORTS.table.c.unit == UNIT,
        ),
    )
    .order_by(ASSIGNMENTS.table.c.row_id)
)
_UNITS_OF = newest(REPORTS, known=False).where(REPORTS.table.c.report_id.in_(IDS))
_CROWD_EVER = newest(CROWD, known=False).where(CROWD.table.c.question_id.in_(IDS))
_CROWD_OF = newest(CROWD, known=True).where(CROWD.table.c.question_id.in_(IDS))


def snapshot(
    connection: Connection, question: Question, as_of: datetime, rule: IncidentRule
) -> Snapshot:
    """All that was known before `as_of` at the question's unit, reports in their incidents."""
    unit = question.unit
    [ends] = ends_at(connection, [unit], as_of)
    of = {"ids": [q.question_id for q in ends.questions], "as_of": as_of}
    placed = placed_reports(connection, unit, as_of, rule)
    return replace(
        ends,
        reports=tuple(p.report for p in placed if p.until is None),
        crowd=tuple(_sorted_crowd(facts_of(connection, CROWD, _CROWD_OF, of))),
        earlier_reports=tuple(Superseded(p.report, p.until) for p in placed if p.until),
        coverage=tuple(_coverage(connection, {"unit": unit, "as_of": as_of})),
    )


def placed_reports(
    connection: Connection, unit: str, as_of: datetime, rule: IncidentRule
) -> list[Placed]:
    """Every version of the reports known before `as_of` at a unit, each in its incident.

    By (known_at, report_id). Retracted versions are not there: the one before has an end.
    """
    at = {"unit": unit, "as_of": as_of}
    rows = connection.execute(_REPORTS_AT, at).all()
    counted = [Version(report, until) for report, until in ever_counted(REPORTS, rows)]
    return place(counted, facts_of(connection, ASSIGNMENTS, _ASSIGNED_AT, at), rule)


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
    found = facts_of(connection, REPORTS, _UNITS_OF, {"ids": list(report_ids)})
    return {report.report_id: report.unit for report in found if not report.retracted}


def questions(connection: Connection, patterns: Iterable[str]) -> list[Question]:
    """The questions whose id fits any shell pattern, by (deadline, id)."""
    patterns = tuple(patterns)
    found = facts_of(connection, QUESTIONS, _ALL_QUESTIONS, {})
    return sorted_questions(
        [q for q in found if any(fnmatchcase(q.question_id, pattern) for pattern in patterns)]
    )


def questions_named(connection: Connection, question_ids: Iterable[str]) -> dict[str, Question]:
    """Those of some questions that there are, by id."""
    return {
        q.question_id: q
        for ids in batched(question_ids, MOST_IDS)
        for q in facts_of(connection, QUESTIONS, _QUESTION, {"ids": ids})
    }


def question(connection: Connection, question_id: str) -> Question:
    """One question; UsageError if there is none of that id."""
    found = facts_of(connection, QUESTIONS, _QUESTION, {"ids": [question_id]})
    if not found:
        from forecast.names import did_you_mean

        near = did_you_mean(question_id, [q.question_id for q in questions(connection, ("*",))])
        raise UsageError(f"there is no question '{question_id}'{near}")
    return found[0]


def crowd(
    connection: Connection, question_id: str, as_of: datetime | None = None
) -> list[CrowdForecast]:
    """What others said of a question, as known before `as_of` or now, by (at, source)."""
    query = _CROWD_OF if as_of else _CROWD_EVER
    found = facts_of(connection, CROWD, query, {"ids": [question_id], "as_of": as_of})
    return _sorted_crowd(found)


def _coverage(connection: Connection, at: dict[str, Any]) -> list[Coverage]:
    spans = facts_of(connection, COVERAGE, _COVERAGE_AT, at)
    found = [span.as_known_at(at["as_of"]) for span in spans]
    return sorted(found, key=lambda span: (span.since, span.coverage_id))


def _sorted_crowd(found: list[CrowdForecast]) -> list[CrowdForecast]:
    return sorted(found, key=lambda forecast: (forecast.at, forecast.source))
