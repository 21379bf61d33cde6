"""Where sources stand: claimed with a lease by one process, kept under its fencing token."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from forecast.source import SourceState
from forecast.store.answers import insert_once
from forecast.store.database import Database
from forecast.store.source_schema import source_item, source_state

_FIELDS = [field.name for field in fields(SourceState)]
_COLUMNS = [source_state.c[name] for name in _FIELDS]
_CHUNK = 1000  # items looked up at once


class Sources:
    """`store.sources`; every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def states(self) -> dict[str, SourceState]:
        """Where every source stands of which anything is known."""
        return self._read(_states)

    def claim(
        self,
        source_id: str,
        owner: str,
        now: datetime,
        lease: timedelta,
        longest: timedelta,
        *,
        early: bool = False,
    ) -> SourceState | None:
        """Where the source stands, now that it is ours; None where it is not to be asked now.

        That is: it is not due (unless `early`), is switched off, or another process has it and
        its lease has not run out. What is put off for more than `longest` was so by a clock
        that was ahead, and is due.
        """
        return self._write(_claim, source_id, owner, now, lease, longest, early=early)

    def keep(self, state: SourceState, lease_until: datetime | None) -> bool:
        """Write where a source stands; False, and nothing written, where it is no longer ours.

        Without `lease_until` it is given back. What a person switched meanwhile stands.
        """
        return self._write(_keep, state, lease_until)

    def heard(self, source_id: str, now: datetime, count: int) -> None:
        """Note that a source sent something by itself, of which `count` facts were new."""
        self._write(_heard, source_id, now, count)

    def switch(
        self, source_id: str, now: datetime, *, is_off: bool, author: str, reason: str
    ) -> None:
        """Switch a source off, or on again: then it is asked at once."""
        self._write(_switch, source_id, now, is_off=is_off, author=author, reason=reason)

    def first_seen(
        self, source_id: str, items: Iterable[str], now: datetime
    ) -> dict[str, datetime]:
        """When each item of a source was first seen: `now` for those that were not before."""
        return self._write(_first_seen, source_id, list(dict.fromkeys(items)), now)

    def seen(self, source_id: str, items: Iterable[str]) -> dict[str, datetime]:
        """When those of some items were first seen that were seen at all."""
        return self._read(_seen, source_id, list(dict.fromkeys(items)))


def _states(connection: Connection) -> dict[str, SourceState]:
    rows = connection.execute(select(*_COLUMNS).order_by(source_state.c.source_id))
    return {row.source_id: _state(row) for row in rows}


def _state(row: Row[Any]) -> SourceState:
    return SourceState(**row._mapping)


def _claim(
    connection: Connection,
    source_id: str,
    owner: str,
    now: datetime,
    lease: timedelta,
    longest: timedelta,
    *,
    early: bool,
) -> SourceState | None:
    _add(connection, source_id, now)
    table = source_state.c
    is_due = or_(table.due_at <= now, table.due_at > now + longest)
    is_free = or_(
        table.lease_until.is_(None),
        table.lease_until <= now,
        table.lease_until > now + longest,
    )
    ours = source_state.update().where(table.source_id == source_id, is_free)
    if not early:
        ours = ours.where(is_due, table.is_off.is_(False))
    values = {"owner": owner, "lease_until": now + lease, "token": table.token + 1}
    row = connection.execute(ours.values(values).returning(*_COLUMNS)).first()
    return None if row is None else _state(row)


def _keep(connection: Connection, state: SourceState, lease_until: datetime | None) -> bool:
    theirs = {"source_id", "since", "token", "is_off", "author", "why_off"}
    values: dict[str, Any] = {n: getattr(state, n) for n in _FIELDS if n not in theirs}
    values["lease_until"] = lease_until
    if lease_until is None:
        values["owner"] = ""
    ours = source_state.update().where(
        source_state.c.source_id == state.source_id, source_state.c.token == state.token
    )
    return connection.execute(ours.values(values)).rowcount == 1


def _heard(connection: Connection, source_id: str, now: datetime, count: int) -> None:
    _add(connection, source_id, now)
    values: dict[str, Any] = {"succeeded_at": now, "failures": 0, "failed_at": None, "reason": ""}
    if count:
        values |= {"brought_at": now, "new": count, "total": source_state.c.total + count}
    _update(connection, source_id, values)


def _switch(
    connection: Connection,
    source_id: str,
    now: datetime,
    *,
    is_off: bool,
    author: str,
    reason: str,
) -> None:
    _add(connection, source_id, now)
    values: dict[str, Any] = {"is_off": is_off, "author": author, "why_off": reason}
    if not is_off:
        # what was silent while it was off is no silence of its own
        values |= {"due_at": now, "since": now, "brought_at": None}
        values |= {"failures": 0, "failed_at": None, "reason": ""}
    _update(connection, source_id, values)


def _update(connection: Connection, source_id: str, values: Mapping[str, Any]) -> None:
    ours = source_state.update().where(source_state.c.source_id == source_id)
    connection.execute(ours.values(values))


def _add(connection: Connection, source_id: str, now: datetime) -> None:
    """A row for a source of which nothing is known yet, due at once."""
    blank = SourceState(source_id, since=now, due_at=now)
    row = {name: getattr(blank, name) for name in _FIELDS}
    connection.execute(insert_once(connection, source_state), row | {"owner": ""})


def _first_seen(
    connection: Connection, source_id: str, items: list[str], now: datetime
) -> dict[str, datetime]:
    known = _seen(connection, source_id, items)
    new = [item for item in items if item not in known]
    if new:
        rows = [{"source_id": source_id, "item": item, "seen_at": now} for item in new]
        connection.execute(insert_once(connection, source_item), rows)
        # another process may have been first
        known |= _seen(connection, source_id, new)
    return known


def _seen(connection: Connection, source_id: str, items: list[str]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for chunk in batched(items, _CHUNK):
        query = select(source_item.c.item, source_item.c.seen_at).where(
            source_item.c.source_id == source_id, source_item.c.item.in_(chunk)
        )
        found |= {row.item: row.seen_at for row in connection.execute(query)}
    return found
