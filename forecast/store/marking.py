"""Which units there is news of: marked in the very transaction that adds the facts.

A mark says from when the news can be seen: a fact that is known only tomorrow makes its unit due
tomorrow. What was derived here is no news.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import batched

from sqlalchemy import ColumnElement, Connection, Table, case, or_, select

from forecast.store.schedule_schema import due_unit

_MOST_IDS = 1000  # in one statement: SQLite binds 32,766 values at most


def mark(connection: Connection, moments: Mapping[str, datetime], now: datetime) -> None:
    """Mark units: (unit, when its news can be seen). Sorted, so that two writers never cross."""
    rows = [
        {"unit": unit, "since": max(moment, now), "stirred_at": now, "not_before": max(moment, now)}
        | {"stirs": 1, "owner": "", "fence": 0, "attempts": 0, "last_error": ""}
        for unit, moment in sorted(moments.items())
    ]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    statement = insert(due_unit)
    new, old = statement.excluded, due_unit.c
    values = {
        "since": _earlier(old.since, new.since),
        "not_before": _earlier(old.not_before, new.not_before),
        "stirred_at": new.stirred_at,
        "stirs": old.stirs + 1,
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["unit"], set_=values), rows)


def _earlier(old: ColumnElement[object], new: ColumnElement[object]) -> ColumnElement[object]:
    """The new moment where nothing was due, or where it is the earlier one."""
    is_new = or_(due_unit.c.not_before.is_(None), new < old)
    return case((is_new, new), else_=old)


def units_through(
    connection: Connection, table: Table, name: str, moments: Mapping[str, datetime]
) -> dict[str, datetime]:
    """The same moments by unit: each id stands in the column `name`, its unit beside it."""
    found: dict[str, datetime] = {}
    for some in batched(moments, _MOST_IDS):
        query = select(table.c[name], table.c.unit).where(table.c[name].in_(some)).distinct()
        for ident, unit in connection.execute(query):
            found[unit] = min(moments[ident], found.get(unit, moments[ident]))
    return found


def units_before(connection: Connection, table: Table, name: str, ids: Iterable[str]) -> set[str]:
    """Every unit that any version of some facts was at: of what moved, both ends hear."""
    units: set[str] = set()
    for some in batched(ids, _MOST_IDS):
        query = select(table.c.unit).where(table.c[name].in_(some)).distinct()
        units |= set(connection.scalars(query))
    return units
