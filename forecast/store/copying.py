"""The facts of a store as bytes, and back into an empty one: what a replay of the past needs.

Every row is copied as it is, versions and all, but for when it was recorded: that becomes when
it was known, as if the desk had been there. What followed by rule (resolutions) follows again,
and is left out, as is all that was said: estimates, alerts, states.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from forecast.evidence import RULE
from forecast.store import schema
from forecast.store.types import UtcInstant, utc_text

TABLES = (
    schema.report,
    schema.event,
    schema.assignment,
    schema.coverage,
    schema.question,
    schema.resolution,
    schema.crowd,
)


def dump(connection: Connection) -> bytes:
    """The facts, the same bytes for the same rows in the same order."""
    found = {table.name: [list(map(_plain, row)) for row in _rows(connection, table)]
             for table in TABLES}  # fmt: skip
    return json.dumps(found, separators=(",", ":")).encode()


def load(connection: Connection, packed: bytes, known_before: datetime | None = None) -> int:
    """Fill an empty store; with a moment, only with what was known before it.

    How many rows were left out for that.
    """
    found = json.loads(packed)
    limit = None if known_before is None else utc_text(known_before)
    left_out = 0
    for table in TABLES:
        names = _names(table)
        rows = [dict(zip(names, row, strict=True)) for row in found[table.name]]
        kept = [row for row in rows if limit is None or row.get("known_at", "") < limit]
        left_out += len(rows) - len(kept)
        if kept:
            connection.execute(table.insert(), [_restored(table, row) for row in kept])
    return left_out


def _names(table: Table) -> list[str]:
    return [column.name for column in table.c if column.name not in ("row_id", "recorded_at")]


def _rows(connection: Connection, table: Table) -> Any:
    query = select(*(table.c[name] for name in _names(table))).order_by(table.c.row_id)
    if table is schema.resolution:
        query = query.where(table.c.author != RULE)
    return connection.execute(query)


def _plain(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


def _restored(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the table takes it; a question has no known_at, and is recorded as it opens."""
    for name, value in row.items():
        if isinstance(table.c[name].type, UtcInstant) and value is not None:
            row[name] = datetime.fromisoformat(value)
        elif isinstance(value, list):
            row[name] = tuple(value)
    return row | {"recorded_at": row.get("known_at") or row["opens_at"]}
