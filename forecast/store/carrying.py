"""Every row of a SQLite store into a new PostgreSQL one: how a desk that has grown moves.

Texts are carried as they are written, never read and written anew, so the ledger's hashes hold.
"""

from collections.abc import Iterator
from itertools import batched
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Row, Table, TableClause, column, func, insert, select, table
from sqlalchemy.exc import DataError
from sqlalchemy.types import TypeDecorator

from forecast.errors import StoreError
from forecast.store.columns import metadata
from forecast.store.database import Database, parse_url
from forecast.store.migrate import bring_to_head, upgrade
from forecast.store.types import UtcInstant

TOGETHER = 1000  # rows in one statement


def carry(backup: Path, target: Database) -> None:
    """Fill a PostgreSQL database that has no tables of ours with a backup, in one transaction.

    The backup may be of an older schema; it stays as it is, a copy is upgraded. StoreError
    where a table did not arrive whole.
    """
    with TemporaryDirectory() as name:
        copy = Path(name) / "store.db"
        copyfile(backup, copy)
        source = Database(parse_url(f"sqlite:///{copy}"), busy_timeout=5.0)
        try:
            bring_to_head(source, create=True)
            source.read(lambda reading: target.write(_fill, reading))
        finally:
            source.close()


def _fill(writing: Connection, reading: Connection) -> None:
    upgrade(writing)
    for one in metadata.sorted_tables:
        plain = _plain(one)
        try:
            for rows in batched(_rows(reading, plain, one), TOGETHER):
                writing.execute(insert(plain), [dict(row._mapping) for row in rows])
        except (ValueError, DataError) as error:  # SQLite keeps in a column whatever it is given
            said = str(getattr(error, "orig", error)).split("\n")[0]
            words = f"a row cannot be carried: {said}; nothing was written"
            raise StoreError(words, at=one.name) from None
        _check(one, _count(reading, one), _count(writing, one))
        _go_on_counting(writing, one)


def _plain(one: Table) -> TableClause:
    """The table with its columns as they are stored: of a text that means JSON, the text."""
    return table(one.name, *(column(c.name, _stored_type(c.type)) for c in one.c))


def _stored_type(kind: Any) -> Any:
    is_ours = isinstance(kind, TypeDecorator) and not isinstance(kind, UtcInstant)
    return kind.impl_instance if is_ours else kind


def _rows(reading: Connection, plain: TableClause, one: Table) -> Iterator[Row[Any]]:
    order = (plain.c[key.name] for key in one.primary_key)
    yield from reading.execution_options(yield_per=TOGETHER).execute(select(plain).order_by(*order))


def _count(connection: Connection, one: Table) -> int:
    return connection.scalar(select(func.count()).select_from(one)) or 0


def _check(one: Table, expected: int, found: int) -> None:
    if found != expected:
        raise StoreError(f"{found} rows of {expected} arrived; nothing was written", at=one.name)


def _go_on_counting(writing: Connection, one: Table) -> None:
    """PostgreSQL numbers rows by a sequence, which knows nothing of numbers that were given."""
    if (counted := one.autoincrement_column) is None:
        return
    sequence = func.pg_get_serial_sequence(one.name, counted.name)
    last = writing.scalar(select(func.max(counted)))
    if last is not None and writing.scalar(select(sequence)) is not None:
        writing.execute(select(func.setval(sequence, last)))
