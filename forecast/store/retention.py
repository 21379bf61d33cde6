"""Thinning a long past: bounded transactions that take rows away. Only here is anything deleted
that was once told; see `forecast.retention_table` for what never is.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time
from functools import partial
from itertools import batched
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from forecast.access import RequestStatus
from forecast.store.access_schema import idempotency, request
from forecast.store.alert_schema import delivery, delivery_attempt, notice, transition
from forecast.store.database import Database
from forecast.store.learnt_schema import learnt
from forecast.store.notices import WITHHELD
from forecast.store.outbox import DELIVERED
from forecast.store.runs import DONE, FAILED
from forecast.store.schema import audit, estimate, model_state, quarantine, question, run
from forecast.store.seals import note_thinning
from forecast.thinning import Kind, Row, surplus_estimates, surplus_states

MOST_ROWS = 500  # a transaction: others write in between

type Going = Callable[[], bool]
type Thinned = tuple[Table, Any, Callable[[Connection, str, datetime], list[int]]]


class Retention:
    """`store.retention`; every transaction takes at most so many rows of a kind."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def count(self, kind: Kind, before: datetime) -> int:
        """How many rows of a kind would go that are older than `before`."""
        if kind in _THINNED:
            return sum(len(rows) for _, rows in self._surplus(kind, before))
        return self._read(_count, kind, before)

    def thin(self, kind: Kind, before: datetime, is_stopping: Going = lambda: False) -> int:
        """Take them away, until `is_stopping`; how many went."""
        gone = 0
        if kind not in _THINNED:
            while not is_stopping() and (some := self._write(_remove, kind, before)):
                gone += some
            return gone
        for table, rows in self._surplus(kind, before):
            for batch in batched(rows, MOST_ROWS):
                if is_stopping():
                    return gone
                gone += self._write(_remove_rows, table, batch)
        return gone

    def _surplus(self, kind: Kind, before: datetime) -> Iterator[tuple[Table, list[int]]]:
        """What may go of each question, or track, read one after the other."""
        for table, key, read in _THINNED[kind]:
            for name in self._read(_names, key):
                yield table, self._read(read, name, before)


def _names(connection: Connection, key: Column[str]) -> Sequence[str]:
    return connection.scalars(select(key).distinct().order_by(key)).all()


def _estimates(connection: Connection, question_id: str, before: datetime) -> list[int]:
    midnight = datetime.combine(before.date(), time(), before.tzinfo)
    made = _rows(
        connection,
        select(estimate.c.row_id, estimate.c.as_of)
        .where(estimate.c.question_id == question_id, estimate.c.as_of < midnight)
        .order_by(estimate.c.as_of, estimate.c.row_id),
    )
    opened = select(question.c.opens_at).where(question.c.question_id == question_id)
    changes = select(transition.c.at).where(transition.c.subject == question_id)
    surplus = surplus_estimates(
        made, connection.scalars(opened.distinct()).all(), connection.scalars(changes)
    )
    # the number of the last row stays taken: SQLite would give it anew, to what is not that row
    newest = connection.scalar(select(func.max(estimate.c.row_id)))
    return [row for row in surplus if row != newest]


def _states(
    table: Table, key: Column[str], connection: Connection, name: str, before: datetime
) -> list[int]:
    made = (
        select(table.c.row_id, table.c.as_of)
        .where(key == name)
        .order_by(table.c.as_of, table.c.row_id)
    )
    return surplus_states(_rows(connection, made), before)


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [(row_id, as_of) for row_id, as_of in connection.execute(query)]


def _of_states(table: Table, key: Column[str]) -> Thinned:
    return table, key, partial(_states, table, key)


# What data made of a prior is read off states, and is thinned as they are.
_THINNED: dict[Kind, list[Thinned]] = {
    Kind.ESTIMATES: [(estimate, question.c.question_id, _estimates)],
    Kind.MODEL_STATES: [
        _of_states(model_state, model_state.c.key),
        _of_states(learnt, learnt.c.track),
    ],
}


def _remove_rows(connection: Connection, table: Table, rows: Sequence[int]) -> int:
    if table is estimate:  # these are sealed: what goes by rule is not missed
        note_thinning(connection, table.name, rows)
    return connection.execute(delete(table).where(table.c.row_id.in_(rows))).rowcount


def _count(connection: Connection, kind: Kind, before: datetime) -> int:
    return sum(
        connection.scalar(select(func.count()).select_from(keys.subquery())) or 0
        for keys in _going(kind, before)
    )


def _remove(connection: Connection, kind: Kind, before: datetime) -> int:
    """At most so many rows of each table of a kind, and what hangs on them."""
    return sum(_remove_some(connection, keys.limit(MOST_ROWS)) for keys in _going(kind, before))


def _remove_some(connection: Connection, keys: Select[Any]) -> int:
    found = [tuple(row) for row in connection.execute(keys)]
    if not found:
        return 0
    columns = list(keys.selected_columns)
    table: Any = columns[0].table
    if table is delivery:
        names = [name for (name,) in found]
        for hung in (delivery_attempt, notice):
            connection.execute(delete(hung).where(hung.c.delivery_id.in_(names)))
    return connection.execute(delete(table).where(tuple_(*columns).in_(found))).rowcount


def _going(kind: Kind, before: datetime) -> list[Select[Any]]:
    """The keys of the rows that may go, a query for each table."""
    match kind:
        case Kind.AUDITS:
            return [select(audit.c.row_id).where(audit.c.recorded_at < before, _is_superseded())]
        case Kind.DELIVERIES:
            is_old = and_(delivery.c.status == DELIVERED, delivery.c.delivered_at < before)
            is_withheld = and_(notice.c.status == WITHHELD, notice.c.settled_at < before)
            return [
                select(delivery.c.delivery_id).where(is_old, ~_tells_of_the_last_episode()),
                select(notice.c.row_id).where(is_withheld, _is_of_an_earlier_episode(notice)),
            ]
        case Kind.RUNS:
            later = run.alias("later")
            is_newest = ~exists().where(
                later.c.schedule_id == run.c.schedule_id, later.c.slot > run.c.slot
            )
            is_over = run.c.status.in_([DONE, FAILED])
            old = and_(run.c.slot < before, is_over, ~is_newest)
            return [select(run.c.schedule_id, run.c.slot).where(old)]
        case Kind.QUARANTINE:
            return [select(quarantine.c.row_id).where(quarantine.c.recorded_at < before)]
        case Kind.REQUESTS:
            over = [status for status in RequestStatus if status.is_over]
            is_answered = and_(request.c.status.in_(over), request.c.finished_at < before)
            is_old = or_(idempotency.c.taken_at < before, idempotency.c.begun_at < before)
            return [
                select(request.c.row_id).where(is_answered),
                select(idempotency.c.row_id).where(is_old),
            ]
    raise ValueError(kind)


def _is_superseded() -> ColumnElement[bool]:
    """Whether a track was audited again later: only its newest audits are looked at."""
    later = audit.alias("later")
    return exists().where(later.c.track == audit.c.track, later.c.as_of > audit.c.as_of)


def _tells_of_the_last_episode() -> ColumnElement[bool]:
    """Whether a delivery tells of an alert that may fire still: reminders count from it."""
    told = notice.alias("told")
    return exists().where(
        told.c.delivery_id == delivery.c.delivery_id, ~_is_of_an_earlier_episode(told)
    )


def _is_of_an_earlier_episode(told: Any) -> ColumnElement[bool]:
    later = notice.alias("later")
    same = [later.c[name] == told.c[name] for name in ("rule_id", "subject")]
    return exists().where(*same, later.c.episode > told.c.episode)
