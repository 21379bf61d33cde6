"""How questions ended: what was said of it, and all that it follows from."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import batched

from sqlalchemy import Connection, select

from forecast.evidence import Event, Resolution, Superseded
from forecast.question import Question, Snapshot, parted
from forecast.store.database import Database
from forecast.store.facts import EVENTS, QUESTIONS, RESOLUTIONS
from forecast.store.versions import (
    AS_OF,
    IDS,
    MOST_IDS,
    UNITS,
    ever_counted,
    facts_of,
    newest,
    sorted_questions,
    versions,
)

_EVENT, _QUESTION, _ROW = EVENTS.table.c, QUESTIONS.table.c, RESOLUTIONS.table.c
_QUESTIONS_AT = newest(QUESTIONS, known=False).where(_QUESTION.unit.in_(UNITS))
_EVENTS_AT = versions(EVENTS).where(_EVENT.unit.in_(UNITS))
_ROWS_EVER = select(*RESOLUTIONS.columns).where(_ROW.question_id.in_(IDS)).order_by(_ROW.row_id)
_ROWS = _ROWS_EVER.where(_ROW.known_at < AS_OF)
_TAKEN_BACK_EVER, _TAKEN_BACK = (
    newest(EVENTS, known=known).where(_EVENT.event_id.in_(IDS), _EVENT.retracted)
    for known in (False, True)
)
_RECORDED = (
    select(*RESOLUTIONS.columns, _ROW.recorded_at)
    .where(_ROW.question_id.in_(IDS), _ROW.known_at < AS_OF)
    .order_by(_ROW.known_at, _ROW.row_id)
)


class Ends:
    """How questions ended, on the store's database."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def at(self, units: Iterable[str], as_of: datetime) -> dict[str, Snapshot]:
        """All that ends at some units follow from, as known before `as_of`, by unit.

        These snapshots hold no reports, no crowd and no coverage.
        """
        found: dict[str, Snapshot] = {}
        for some in batched(dict.fromkeys(units), MOST_IDS):
            found |= {s.unit: s for s in self._read(ends_at, some, as_of)}
        return found

    def said(self, question_id: str, as_of: datetime) -> list[tuple[Resolution, datetime]]:
        """Every row on a question that was known before `as_of`, and when it was recorded.

        By known_at; a later row corrects an earlier one, or takes it back.
        """
        return self._read(_recorded, question_id, as_of)


def ends_at(connection: Connection, units: Sequence[str], as_of: datetime) -> list[Snapshot]:
    """All that ends at some units follow from, as known before `as_of`."""
    at = {"units": list(units), "as_of": as_of}
    questions: dict[str, list[Question]] = defaultdict(list)
    for question in facts_of(connection, QUESTIONS, _QUESTIONS_AT, at):
        questions[question.unit].append(question)
    events: dict[str, list[tuple[Event, datetime | None]]] = defaultdict(list)
    for event, until in ever_counted(EVENTS, connection.execute(_EVENTS_AT, at).all()):
        events[event.unit].append((event, until))
    ids = [q.question_id for of_unit in questions.values() for q in of_unit]
    rows: dict[str, list[Resolution]] = defaultdict(list)
    for row in rows_of(connection, ids, as_of):
        rows[row.question_id].append(row)
    gone = _gone(connection, [r for of_one in rows.values() for r in of_one], as_of)
    return [
        _snapshot(
            unit,
            as_of,
            sorted_questions(questions[unit]),
            events[unit],
            parted([r for q in questions[unit] for r in rows[q.question_id]], gone),
        )
        for unit in units
    ]


def _snapshot(
    unit: str,
    as_of: datetime,
    questions: list[Question],
    events: list[tuple[Event, datetime | None]],
    ends: tuple[tuple[Resolution, ...], tuple[Resolution, ...]],
) -> Snapshot:
    standing = sorted(
        (event for event, until in events if until is None),
        key=lambda e: (e.occurred_at, e.event_id),
    )
    earlier = sorted(
        (Superseded(event, until) for event, until in events if until),
        key=lambda s: (s.fact.known_at, s.fact.event_id),
    )
    return Snapshot(
        unit=unit,
        as_of=as_of,
        questions=tuple(questions),
        reports=(),
        events=tuple(standing),
        resolutions=ends[0],
        earlier_events=tuple(earlier),
        earlier_resolutions=ends[1],
    )


def resolution(
    connection: Connection, question_id: str, as_of: datetime | None
) -> Resolution | None:
    """How a question ended, as known before `as_of` or as known now."""
    found = standing(connection, [question_id], as_of)
    return found[0] if found else None


def resolved(connection: Connection, question_ids: Sequence[str], as_of: datetime) -> set[str]:
    """Which of some questions had ended, as known before `as_of`."""
    return {end.question_id for end in standing(connection, question_ids, as_of)}


def rows_of(
    connection: Connection, question_ids: Sequence[str], as_of: datetime | None
) -> list[Resolution]:
    """Every row on some questions, in the order in which they were recorded."""
    query, values = (_ROWS_EVER, {}) if as_of is None else (_ROWS, {"as_of": as_of})
    return [
        row
        for ids in batched(question_ids, MOST_IDS)
        for row in facts_of(connection, RESOLUTIONS, query, values | {"ids": list(ids)})
    ]


def standing(
    connection: Connection, question_ids: Sequence[str], as_of: datetime | None
) -> tuple[Resolution, ...]:
    """How those of some questions ended that did, as known before `as_of` or as known now."""
    rows = rows_of(connection, question_ids, as_of)
    return parted(rows, _gone(connection, rows, as_of))[0]


def _gone(connection: Connection, rows: list[Resolution], as_of: datetime | None) -> set[str]:
    """Of the events that ends were derived from, those that were retracted."""
    behind = sorted({name for row in rows if row.is_derived for name in row.events})
    query, values = (_TAKEN_BACK_EVER, {}) if as_of is None else (_TAKEN_BACK, {"as_of": as_of})
    return {
        event.event_id
        for ids in batched(behind, MOST_IDS)
        for event in facts_of(connection, EVENTS, query, values | {"ids": list(ids)})
    }


def _recorded(
    connection: Connection, question_id: str, as_of: datetime
) -> list[tuple[Resolution, datetime]]:
    found = []
    for *values, recorded_at in connection.execute(
        _RECORDED, {"ids": [question_id], "as_of": as_of}
    ):
        found.append((Resolution(*values), recorded_at))
    return found
