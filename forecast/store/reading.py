"""Reading facts about the world: as of a moment, or as they stand now.

Of the versions of a fact that were known before the moment, the one recorded last counts.
"""

from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, Select, Text, bindparam, exists, select

from forecast.errors import UsageError
from forecast.evidence import CrowdForecast, Report, Resolution
from forecast.question import Question, Snapshot
from forecast.store import schema
from forecast.store.facts import CROWD, EVENTS, QUESTIONS, REPORTS, RESOLUTIONS, Kind
from forecast.store.types import UtcInstant

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


# Built once: a replay runs them thousands of times.
_ALL_QUESTIONS = _newest(QUESTIONS, known=False)
_QUESTION = _ALL_QUESTIONS.where(QUESTIONS.table.c.question_id.in_(_IDS))
_QUESTIONS_AT = _ALL_QUESTIONS.where(QUESTIONS.table.c.unit == _UNIT)
_REPORTS_AT = _newest(REPORTS, known=True).where(REPORTS.table.c.unit == _UNIT)
_EVENTS_AT = _newest(EVENTS, known=True).where(EVENTS.table.c.unit == _UNIT)
_RESOLUTION_EVER = _newest(RESOLUTIONS, known=False).where(
    RESOLUTIONS.table.c.question_id.in_(_IDS)
)
_RESOLUTIONS_OF = _newest(RESOLUTIONS, known=True).where(RESOLUTIONS.table.c.question_id.in_(_IDS))
_CROWD_EVER = _newest(CROWD, known=False).where(CROWD.table.c.question_id.in_(_IDS))
_CROWD_OF = _newest(CROWD, known=True).where(CROWD.table.c.question_id.in_(_IDS))


def snapshot(connection: Connection, question: Question, as_of: datetime) -> Snapshot:
    """All that was known before `as_of` at the question's unit."""
    unit = question.unit
    at = {"unit": unit, "as_of": as_of}
    asked = _sorted_questions(_facts(connection, QUESTIONS, _QUESTIONS_AT, {"unit": unit}))
    of = {"ids": [q.question_id for q in asked], "as_of": as_of}
    events = _facts(connection, EVENTS, _EVENTS_AT, at)
    resolutions = _facts(connection, RESOLUTIONS, _RESOLUTIONS_OF, of)
    return Snapshot(
        unit=unit,
        as_of=as_of,
        questions=tuple(asked),
        reports=tuple(reports(connection, unit, as_of)),
        events=tuple(sorted(events, key=lambda event: (event.occurred_at, event.event_id))),
        resolutions=tuple(sorted(resolutions, key=lambda fact: fact.question_id)),
        crowd=tuple(_sorted_crowd(_facts(connection, CROWD, _CROWD_OF, of))),
    )


def reports(connection: Connection, unit: str, as_of: datetime) -> list[Report]:
    """The reports known before `as_of` at a unit, by (known_at, report_id)."""
    found = _facts(connection, REPORTS, _REPORTS_AT, {"unit": unit, "as_of": as_of})
    return sorted(found, key=lambda report: (report.known_at, report.report_id))


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
    ids: dict[str, Any] = {"ids": [question_id]}
    query = _RESOLUTION_EVER if as_of is None else _RESOLUTIONS_OF
    values = ids if as_of is None else ids | {"as_of": as_of}
    return next(iter(_facts(connection, RESOLUTIONS, query, values)), None)


def crowd(connection: Connection, question_id: str) -> list[CrowdForecast]:
    """What others said of a question, by (at, source)."""
    return _sorted_crowd(_facts(connection, CROWD, _CROWD_EVER, {"ids": [question_id]}))


def _facts[Fact](
    connection: Connection, kind: Kind[Fact], query: Select[Any], values: dict[str, Any]
) -> list[Fact]:
    return [kind.made(*row) for row in connection.execute(query, values).all()]


def _sorted_questions(found: list[Question]) -> list[Question]:
    return sorted(found, key=lambda question: (question.deadline, question.question_id))


def _sorted_crowd(found: list[CrowdForecast]) -> list[CrowdForecast]:
    return sorted(found, key=lambda forecast: (forecast.at, forecast.source))
