"""The run ledger: one execution of a schedule at its due time, by one process.

A run is claimed with a lease. Whoever finds the lease run out, the process being dead or
hung, takes the run over; a finished run is never run again.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from forecast.errors import StoreError
from forecast.store.answers import insert_once
from forecast.store.schema import run

RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Run:
    """One slot of one schedule: who ran it, and how it ended.

    `status` is "running" until it is finished; `missed` counts the slots before it that were
    skipped while nobody was there; `attempts` the processes that took it on.
    """

    schedule_id: str
    slot: datetime
    owner: str
    status: str
    detail: str
    missed: int
    attempts: int
    started_at: datetime
    lease_until: datetime
    finished_at: datetime | None


_FIELDS = [field.name for field in fields(Run)]


def claim(
    connection: Connection,
    schedule_id: str,
    slot: datetime,
    owner: str,
    now: datetime,
    lease: timedelta,
    missed: int = 0,
) -> bool:
    """Whether the run is ours now."""
    ours = {"owner": owner, "started_at": now, "lease_until": now + lease}
    row = ours | {
        "schedule_id": schedule_id,
        "slot": slot,
        "status": RUNNING,
        "detail": "",
        "missed": missed,
        "attempts": 1,
    }
    if connection.execute(insert_once(connection, run).returning(run.c.owner), row).first():
        return True
    abandoned = run.update().where(
        run.c.schedule_id == schedule_id,
        run.c.slot == slot,
        run.c.status == RUNNING,
        run.c.lease_until <= now,
    )
    return (
        connection.execute(abandoned.values(ours | {"attempts": run.c.attempts + 1})).rowcount == 1
    )


class RunClaim(NamedTuple):
    """Which run is held, and by whom."""

    schedule_id: str
    slot: datetime
    owner: str


def require_held(connection: Connection, claim: RunClaim) -> None:
    """StoreError where the run was taken over or has ended; it stays held till the commit."""
    held = (
        select(run.c.owner)
        .where(
            run.c.schedule_id == claim.schedule_id,
            run.c.slot == claim.slot,
            run.c.owner == claim.owner,
            run.c.status == RUNNING,
        )
        .with_for_update()
    )
    if connection.execute(held).first() is None:
        raise StoreError(f"the run of '{claim.schedule_id}' was taken over by another process")


def finish(
    connection: Connection,
    schedule_id: str,
    slot: datetime,
    owner: str,
    status: str,
    detail: str,
    now: datetime,
) -> bool:
    """Whether the run was still ours to finish."""
    ours = run.update().where(
        run.c.schedule_id == schedule_id,
        run.c.slot == slot,
        run.c.owner == owner,
        run.c.status == RUNNING,
    )
    values = {"status": status, "detail": detail, "finished_at": now}
    return connection.execute(ours.values(values)).rowcount == 1


def last_slot(connection: Connection, schedule_id: str) -> datetime | None:
    """The latest slot that anybody claimed."""
    query = select(func.max(run.c.slot)).where(run.c.schedule_id == schedule_id)
    slot: datetime | None = connection.scalar(query)
    return slot


def recent(connection: Connection, limit: int) -> list[Run]:
    """The latest runs, newest first."""
    newest = (run.c.started_at.desc(), run.c.slot.desc(), run.c.schedule_id)
    query = select(*[run.c[name] for name in _FIELDS]).order_by(*newest).limit(limit)
    return [Run(*row) for row in connection.execute(query)]


def abandoned(connection: Connection, now: datetime) -> list[Run]:
    """The runs that nobody finished and whose lease ran out, oldest slot first."""
    query = (
        select(*[run.c[name] for name in _FIELDS])
        .where(run.c.status == RUNNING, run.c.lease_until <= now)
        .order_by(run.c.slot, run.c.schedule_id)
    )
    return [Run(*row) for row in connection.execute(query)]
