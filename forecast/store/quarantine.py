"""Rows that came in and could not be read, kept with the reason."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, select

from forecast.store.answers import insert_once
from forecast.store.facts import digest
from forecast.store.schema import quarantine
from forecast.store.types import columns_of


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: where it stood, why not, and what it said.

    What came in no file has line 0, and its place is named in `file`.
    """

    file: str
    line: int
    reason: str
    text: str

    def key(self) -> tuple[str | int, ...]:
        """What makes it the same row again: an item of a source may read otherwise at each pull."""
        return astuple(self) if self.line else (self.file, self.reason)


_COLUMNS = [quarantine.c[field.name] for field in fields(BadRow)]


def add(connection: Connection, rows: Iterable[BadRow], recorded_at: datetime) -> None:
    """Keep bad rows; one that is there already is left alone."""
    values = [
        columns_of(row) | {"digest": digest(row.key()), "recorded_at": recorded_at} for row in rows
    ]
    if values:
        connection.execute(insert_once(connection, quarantine), values)


def listed(connection: Connection) -> list[BadRow]:
    """All bad rows in the order in which they came."""
    query = select(*_COLUMNS).order_by(quarantine.c.row_id)
    return [BadRow(*row) for row in connection.execute(query)]
