"""Versions of facts: the one that counts as of a moment, and those that counted before it.

Of the versions of a fact that were known before the moment, the one recorded last counts.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, bindparam, exists, func, select

from forecast.evidence import Event, Report
from forecast.question import Question
from forecast.store.facts import Kind
from forecast.store.types import UtcInstant

MOST_IDS = 1000  # in one statement: SQLite binds 32,766 values at most
AS_OF = bindparam("as_of", type_=UtcInstant())
UNIT = bindparam("unit", type_=Text())
UNITS = bindparam("units", type_=Text(), expanding=True)
IDS = bindparam("ids", type_=Text(), expanding=True)


def newest[Fact](kind: Kind[Fact], *, known: bool) -> Select[Any]:
    """The last version of each fact; with `known`, of those versions known before `as_of`."""
    table, later = kind.table, kind.table.alias("later")
    is_later = [later.c[name] == table.c[name] for name in kind.key]
    is_later.append(later.c.row_id > table.c.row_id)
    if known:
        is_later.append(later.c.known_at < AS_OF)
    query = select(*kind.columns).where(~exists().where(*is_later))
    return query.where(table.c.known_at < AS_OF) if known else query


def versions[Fact](kind: Kind[Fact]) -> Select[Any]:
    """Every version known before `as_of`, and when one recorded later took its place, if any."""
    table, later = kind.table, kind.table.alias("later")
    same = [later.c[name] == table.c[name] for name in kind.key]
    until = (
        select(func.min(later.c.known_at))
        .where(*same, later.c.row_id > table.c.row_id, later.c.known_at < AS_OF)
        .scalar_subquery()
    )
    return select(*kind.columns, until).where(table.c.known_at < AS_OF)


def ever_counted[Fact: (Report, Event)](
    kind: Kind[Fact], rows: Iterable[Row[Any]]
) -> list[tuple[Fact, datetime | None]]:
    """The versions that counted for any time at all: neither retracted nor late for it."""
    found = []
    for row in rows:
        values: list[Any] = list(row)
        until = values.pop()
        fact = kind.made(*values)
        if not fact.retracted and (until is None or until > fact.known_at):
            found.append((fact, until))
    return found


def facts_of[Fact](
    connection: Connection, kind: Kind[Fact], query: Select[Any], values: dict[str, Any]
) -> list[Fact]:
    """The facts that a query of a kind's columns finds."""
    return [kind.made(*row) for row in connection.execute(query, values).all()]


def sorted_questions(found: Iterable[Question]) -> list[Question]:
    """Questions by (deadline, id)."""
    return sorted(found, key=lambda question: (question.deadline, question.question_id))
