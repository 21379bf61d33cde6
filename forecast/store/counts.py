"""How much there is of everything, for those who watch the watch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select

from forecast.store import alert_schema, schedule_schema, schema
from forecast.store.access_schema import request
from forecast.store.database import Database
from forecast.store.migrate import HEAD, stored_version
from forecast.store.outbox import DELIVERED, DUE
from forecast.store.pages import is_newest
from forecast.store.source_schema import source_state

LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers by the word they stand under, and moments; None where there is nothing.

    Runs and missed slots are those of the last day, delivered messages too.
    """

    open_questions: int
    health: Mapping[str, int]
    newest_estimate: datetime | None
    due_units: int
    oldest_due_unit: datetime | None
    deliveries: Mapping[str, int]
    oldest_due_delivery: datetime | None
    runs: Mapping[str, int]
    missed_slots: int
    newest_run: datetime | None
    sources: Mapping[str, int]
    channels: Mapping[str, int]
    rules: Mapping[str, int]
    requests: Mapping[str, int]


class Tallies:
    """`store.counts`; every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def of(self, now: datetime) -> Counts:
        """All counts at one moment."""
        return self._read(_counts, now)

    def newest_run(self) -> datetime | None:
        """When the last run was begun."""
        return self._read(_newest_run)

    def is_at_head(self) -> bool:
        """Whether the schema is the one that this Tocsin knows; StoreError where it is away."""
        return self._read(stored_version) == HEAD


def _counts(connection: Connection, now: datetime) -> Counts:
    estimate, delivery = schema.estimate, alert_schema.delivery
    run, due = schema.run, schedule_schema.due_unit
    open_questions, health = _questions(connection, now)
    lately = now - LATELY
    is_recent = (delivery.c.status != DELIVERED) | (delivery.c.created_at >= lately)
    return Counts(
        open_questions=open_questions,
        health=health,
        newest_estimate=_newest_estimate(connection, estimate),
        due_units=connection.scalar(select(func.count()).select_from(due)) or 0,
        oldest_due_unit=connection.scalar(select(func.min(due.c.since))),
        deliveries=_by(connection, delivery.c.status, is_recent),
        oldest_due_delivery=connection.scalar(
            select(func.min(delivery.c.due_at)).where(delivery.c.status == DUE)
        ),
        runs=_by(connection, run.c.status, run.c.started_at >= lately),
        missed_slots=connection.scalar(
            select(func.coalesce(func.sum(run.c.missed), 0)).where(run.c.started_at >= lately)
        )
        or 0,
        newest_run=_newest_run(connection),
        sources=_sources(connection),
        channels=_newest_by(connection, alert_schema.channel_state, ("channel",), "health"),
        rules=_newest_by(connection, alert_schema.rule_state, ("rule_id", "subject"), "state"),
        requests=_by(connection, request.c.status),
    )


def _questions(connection: Connection, now: datetime) -> tuple[int, dict[str, int]]:
    """How many are open, and the health of their newest estimates."""
    question, one = schema.question, schema.estimate.alias("one")
    newest = (
        select(one.c.health)
        .where(one.c.question_id == question.c.question_id)
        .order_by(one.c.as_of.desc(), one.c.row_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    is_open = (question.c.deadline > now, is_newest(question, ("question_id",)))
    found = select(newest.label("health")).select_from(question).where(*is_open).subquery()
    rows = connection.execute(
        select(found.c.health, func.count()).select_from(found).group_by(found.c.health)
    ).all()
    return sum(n for _, n in rows), {(h or "none"): n for h, n in rows}


def _newest_estimate(connection: Connection, estimate: Any) -> datetime | None:
    """When the estimate was made that was recorded last: the newest, but for replays."""
    query = select(estimate.c.as_of).order_by(estimate.c.row_id.desc()).limit(1)
    found: datetime | None = connection.scalar(query)
    return found


def _newest_run(connection: Connection) -> datetime | None:
    found: datetime | None = connection.scalar(select(func.max(schema.run.c.started_at)))
    return found


def _sources(connection: Connection) -> dict[str, int]:
    broken = case((source_state.c.failures > 0, "broken"), else_="works")
    health = case((source_state.c.is_off, "off"), else_=broken).label("health")
    found = select(health).subquery()
    query = select(found.c.health, func.count()).group_by(found.c.health)
    return {name: n for name, n in connection.execute(query)}  # noqa: C416 - a Row is no pair


def _by(connection: Connection, column: Any, *where: Any) -> dict[str, int]:
    query = select(column, func.count()).where(*where).group_by(column)
    return {str(value): n for value, n in connection.execute(query)}


def _newest_by(
    connection: Connection, table: Any, key: tuple[str, ...], name: str
) -> dict[str, int]:
    return _by(connection, table.c[name], is_newest(table, key))
