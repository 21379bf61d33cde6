"""`store.seals`: a chain of hashes over priors, estimates, resolutions and transitions.

    leaf      SHA-256 of a row: its table, its row id, and every column as text
    seal      of the rows that came since the last one: from which id to which, how many, the
              SHA-256 of their leaves; hash = SHA-256 of all that and the hash of the seal before
    thinning  a seal of the ids that retention took away: they are missed no more

Rows are sealed in batches, later: what writes them knows nothing of it. The leaves are kept, so
that what is wrong has a name. Whoever can write to the store can write a new chain; against that
helps a hash that is kept elsewhere (`tocsin audit --anchor`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, Text, func, select, text, type_coerce

from forecast.store import alert_schema, schema
from forecast.store.database import Database
from forecast.store.seal_schema import seal
from forecast.store.types import utc_text

SEAL, THINNING = "seal", "thinning"
MOST_ROWS = 2000  # of each table in one seal
PATIENCE = 5  # seconds to wait for those that write; the next minute tries again
FIRST = "0" * 64  # the hash before the first seal
UNREADABLE = (ValueError, TypeError, KeyError)  # what a column that was tampered with may raise
_THINS = "estimate"  # the one table of them that retention takes rows from
_ID, _LEAF = 8, 32  # bytes of a row id and of its leaf
_LOCK = 7302  # any number that nobody else in the database locks
_TABLES: dict[str, Table] = {
    t.name: t
    for t in (schema.prior_version, schema.estimate, schema.resolution, alert_schema.transition)
}
# Which columns a leaf is of; a later format may have more, and old seals keep theirs.
FORMAT = 1
_COLUMNS = {
    FORMAT: {
        "prior_version": "definition version at author reason words",
        "estimate": "question_id as_of probability lower upper mass mcse health model model_hash "
        "method inputs_digest reason prior_version diagnostics curve contributions moved "
        "expected_count at_least couplings escalation findings quantiles certificate recorded_at",
        "resolution": "question_id outcome known_at reason events author retracted digest "
        "recorded_at",
        "transition": "rule_id subject at before after reason detail episode probability previous "
        "notify cause route recorded_at",
    }
}
_NAMED = {
    "prior_version": ("definition", "version"),
    "estimate": ("question_id", "as_of"),
    "resolution": ("question_id", "known_at"),
    "transition": ("rule_id", "subject", "at"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: its number, 0 where there is none, when it was made, and its hash."""

    number: int
    sealed_at: datetime | None
    hash: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that is not as it was sealed: `what` in a word, and where, in words."""

    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at the whole chain found; `thinned` rows were taken away by retention."""

    seals: int
    rows: int
    thinned: int
    head: Head
    wrong: tuple[Wrong, ...]


class Seals:
    """Every method is a transaction, or several short ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read, self._write = database.read, database.write

    def seal(self, now: datetime) -> int:
        """Seal what came since the last seal; how many rows that were."""
        look = self._read if self._database.is_sqlite else self._write
        until = {name: look(_horizon, table) for name, table in _TABLES.items()}
        sealed = 0
        while (batch := self._read(_gather, until)) is not None:
            sealed += batch.rows * self._write(_add, batch, now)
        return sealed

    def head(self) -> Head:
        """The newest seal."""
        return self._read(_head)

    def has(self, hash_: str) -> bool:
        """Whether a seal of the chain has that hash, or it is that of a chain without any."""
        return hash_ == FIRST or self._read(_has, hash_)

    def verify(self) -> Verified:
        """Compute every seal again from the rows that are there."""
        return self._read(_verify)


def note_thinning(connection: Connection, table: str, row_ids: Sequence[int]) -> None:
    """Put on the chain that retention takes rows away, in the transaction that does.

    Where nothing is sealed yet there is nothing to note. It reads no clock: the entry stands
    under the time of the seal before it.
    """
    _lock(connection)
    head = _head(connection)
    if head.sealed_at is not None and row_ids:
        content = {"table": table, "rows": sorted(row_ids)}
        _append(connection, THINNING, head.sealed_at, content, b"")


# Sealing


def _horizon(connection: Connection, table: Table) -> int:
    """The last row id up to which every row is there for good.

    On PostgreSQL an id is drawn before its row is committed: waiting for those that write now
    makes sure that none slips in behind a seal. One table at a time, so that no two wait for
    each other.
    """
    if connection.dialect.name == "postgresql":
        # whoever wants to write meanwhile queues behind us: not for longer than a moment
        connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
        connection.execute(text(f'LOCK TABLE "{table.name}" IN SHARE MODE'))
    return connection.scalar(select(func.coalesce(func.max(table.c.row_id), 0))) or 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the next seal is of, and the seal that it is to follow."""

    head: Head
    content: dict[str, Any]
    leaves: bytes
    rows: int


def _gather(connection: Connection, until: dict[str, int]) -> _Batch | None:
    """The leaves of the next rows, read without a lock; None where there are none."""
    after = _sealed_until(connection)
    tables, leaves, rows = {}, [], 0
    for name, last in until.items():
        found = list(_leaves(connection, name, FORMAT, after[name], last, MOST_ROWS))
        packed = b"".join(_packed(*leaf) for leaf in found)
        tables[name] = {
            "after": after[name],
            "last": found[-1][0] if found else after[name],
            "count": len(found),
            "digest": hashlib.sha256(packed).hexdigest(),
        }
        leaves.append(packed)
        rows += len(found)
    content = {"format": FORMAT, "tables": tables}
    return _Batch(_head(connection), content, b"".join(leaves), rows) if rows else None


def _add(connection: Connection, batch: _Batch, now: datetime) -> bool:
    """Append a seal; False, and nothing is written, where another was first."""
    _lock(connection)
    if _head(connection) != batch.head:
        return False
    _append(connection, SEAL, now, batch.content, batch.leaves)
    return True


def _append(
    connection: Connection, kind: str, now: datetime, content: dict[str, Any], leaves: bytes
) -> None:
    head = _head(connection)
    number = head.number + 1
    hash_ = hash_of(number, kind, now, head.hash, content)
    row = {"number": number, "kind": kind, "sealed_at": now, "previous": head.hash}
    connection.execute(seal.insert(), row | {"content": content, "leaves": leaves, "hash": hash_})


def hash_of(
    number: int, kind: str, sealed_at: datetime, previous: str, content: dict[str, Any]
) -> str:
    """The hash of a seal: SHA-256 of its canonical JSON, keys sorted and no spaces."""
    told = [number, kind, utc_text(sealed_at), previous, content]
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _lock(connection: Connection) -> None:
    """One appends at a time; on SQLite one writes at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _head(connection: Connection) -> Head:
    query = select(seal.c.number, seal.c.sealed_at, seal.c.hash)
    row = connection.execute(query.order_by(seal.c.number.desc()).limit(1)).first()
    return Head(*row) if row else Head(0, None, FIRST)


def _has(connection: Connection, hash_: str) -> bool:
    return connection.execute(select(seal.c.number).where(seal.c.hash == hash_)).first() is not None


def _sealed_until(connection: Connection) -> dict[str, int]:
    """The last sealed row id of each table: every seal of rows speaks of all of them."""
    query = select(seal.c.content).where(seal.c.kind == SEAL).order_by(seal.c.number.desc())
    content = connection.scalar(query.limit(1)) or {"tables": {}}
    found: dict[str, int] = {name: part["last"] for name, part in content["tables"].items()}
    return dict.fromkeys(_TABLES, 0) | found


def _leaves(
    connection: Connection,
    name: str,
    format_: int,
    after: int,
    last: int,
    limit: int | None = None,
) -> Iterator[tuple[int, bytes]]:
    """Row ids and leaves of the rows with after < id <= last, by id."""
    table = _TABLES[name]
    columns = [_as_stored(table.c[column]) for column in _COLUMNS[format_][name].split()]
    query = select(table.c.row_id, *columns).where(table.c.row_id > after, table.c.row_id <= last)
    for row in connection.execute(query.order_by(table.c.row_id).limit(limit)):
        yield row[0], leaf_of(name, row)


def _as_stored(column: Any) -> Any:
    """JSON, names and words as the text that they are kept as; instants and numbers typed."""
    is_text = isinstance(getattr(column.type, "impl", None), Text)
    return type_coerce(column, Text) if is_text else column


def leaf_of(name: str, row: Row[Any]) -> bytes:
    """SHA-256 of one row: its table, its id, and its columns, the same on both databases."""
    values = [utc_text(v) if isinstance(v, datetime) else v for v in row]
    # what no column of ours can hold, such as bytes where text belongs, is no leaf of ours either
    return hashlib.sha256(json.dumps([name, *values], default=repr).encode()).digest()


def _packed(row_id: int, leaf: bytes) -> bytes:
    return row_id.to_bytes(_ID, "big") + leaf


# Verifying


def _verify(connection: Connection) -> Verified:
    previous, number, rows, last = FIRST, 0, 0, None
    wrong = [*_before_the_first(connection)]
    ends = dict.fromkeys(_TABLES, 0)
    thinned: dict[str, set[int]] = {}
    try:
        thinned = _thinned(connection)
        query = select(seal).order_by(seal.c.number)
        for one in connection.execute(query.execution_options(yield_per=20)):
            wrong += _chain_breaks(one, number, previous)
            number, previous, last = one.number, one.hash, one.sealed_at
            if one.kind == SEAL:
                wrong += _row_breaks(connection, one, ends, thinned)
                rows += sum(part["count"] for part in one.content["tables"].values())
    except UNREADABLE:
        wrong.append(Wrong("changed", f"a seal, or seals, after number {number}: unreadable"))
    gone = sum(len(ids) for ids in thinned.values())
    return Verified(number, rows, gone, Head(number, last, previous), tuple(wrong))


def _thinned(connection: Connection) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {name: set() for name in _TABLES}
    query = select(seal.c.content).where(seal.c.kind == THINNING)
    for (content,) in connection.execute(query):
        if content["table"] == _THINS:
            found[_THINS].update(content["rows"])
    return found


def _before_the_first(connection: Connection) -> Iterator[Wrong]:
    """Rows with ids that no database gives: no seal is of them, and yet they would be read."""
    for name, table in _TABLES.items():
        query = select(table.c.row_id).where(table.c.row_id < 1).order_by(table.c.row_id)
        for row_id in connection.scalars(query).all():
            yield Wrong("slipped in", _row_words(connection, name, row_id))


def _chain_breaks(one: Row[Any], number: int, previous: str) -> Iterator[Wrong]:
    where = f"seal {one.number}"
    if one.number != number + 1:
        yield Wrong("removed", f"seals {number + 1} to {one.number - 1}")
    elif one.previous != previous:
        yield Wrong("changed", f"{where}: it does not follow the one before")
    if one.kind == THINNING and one.content["table"] != _THINS:
        yield Wrong("changed", f"{where}: retention takes no rows of {one.content['table']}")
    if one.hash != hash_of(one.number, one.kind, one.sealed_at, one.previous, one.content):
        yield Wrong("changed", f"{where}: its hash is of other content")


def _row_breaks(
    connection: Connection, one: Row[Any], ends: dict[str, int], thinned: dict[str, set[int]]
) -> Iterator[Wrong]:
    place = 0
    for name, part in one.content["tables"].items():
        size = part["count"] * (_ID + _LEAF)
        packed = bytes(one.leaves[place : place + size])
        place += size
        if hashlib.sha256(packed).hexdigest() != part["digest"]:
            yield Wrong("changed", f"seal {one.number}: its leaves of {name}")
        if part["after"] != ends[name]:
            yield Wrong("changed", f"seal {one.number}: it leaves out rows of {name}")
        ends[name] = part["last"]
        sealed = dict(_unpacked(packed))
        span = (one.content["format"], part["after"], part["last"])
        there = _present(connection, name, *span)
        for row_id in sorted(sealed.keys() | there.keys()):
            if what := _verdict(row_id, sealed, there, thinned[name]):
                yield Wrong(what, _row_words(connection, name, row_id))


def _present(
    connection: Connection, name: str, format_: int, after: int, last: int
) -> dict[int, bytes]:
    """The leaves that there are; an empty one of a row that holds what its columns cannot."""
    try:
        return dict(_leaves(connection, name, format_, after, last))
    except UNREADABLE:
        table = _TABLES[name]
        query = select(table.c.row_id).where(table.c.row_id > after, table.c.row_id <= last)
        if last - after > 1:
            ids = connection.scalars(query).all()
            each = (_present(connection, name, format_, i - 1, i) for i in ids)
            return {row_id: leaf for found in each for row_id, leaf in found.items()}
        return dict.fromkeys(connection.scalars(query).all(), b"")


def _verdict(
    row_id: int, sealed: dict[int, bytes], there: dict[int, bytes], thinned: set[int]
) -> str:
    if row_id not in there:
        return "" if row_id in thinned else "removed"
    if row_id not in sealed:
        return "slipped in"
    return "" if sealed[row_id] == there[row_id] else "changed"


def _unpacked(packed: bytes) -> Iterable[tuple[int, bytes]]:
    for place in range(0, len(packed), _ID + _LEAF):
        row_id = int.from_bytes(packed[place : place + _ID], "big")
        yield row_id, packed[place + _ID : place + _ID + _LEAF]


def _row_words(connection: Connection, name: str, row_id: int) -> str:
    table = _TABLES[name]
    columns = [table.c[column] for column in _NAMED[name]]
    try:
        row = connection.execute(select(*columns).where(table.c.row_id == row_id)).first()
    except UNREADABLE:
        row = None
    if row is None:
        return f"{name} row {row_id}"
    values = (utc_text(v) if isinstance(v, datetime) else str(v) for v in row)
    return f"{name} row {row_id} ({', '.join(values)})"
