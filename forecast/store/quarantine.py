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
    """A row that could not be read: where it stood, why not, and what it said."""

    file: str
    line: int
    reason: str
    text: str


_COLUMNS = [quarantine.c[field.name] for field in fields(BadRow)]


def add(connection: Connection, rows: Iterable[BadRow], recorded_at: datetime) -> None:
    """Keep bad rows; one that is there already, to the letter, is left alone."""
    values = [
        columns_of(row) | {"digest": digest(astuple(row)), "recorded_at": recorded_at}
        for row in rows
    ]
    if values:
        connection.execute(insert_once(connection, quarantine), values)


def listed(connection: Connection) -> list[BadRow]:
    """All bad rows in the order in which they came."""
    query = select(*_COLUMNS).order_by(quarantine.c.row_id)
    return [BadRow(*row) for row in connection.execute(query)]
