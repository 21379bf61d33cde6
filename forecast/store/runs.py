"""The run ledger: one execution of a schedule at its due time, whole or in parts.

A run, or a part of one, is claimed with a lease and a fencing token that grows with each claim.
Whoever finds the lease run out, the process being dead or hung, takes it over; the one it was
taken from writes nothing more, since its token is old. A finished run is never run again.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from forecast.errors import FencedError
from forecast.store.answers import insert_once
from forecast.store.part_schema import run_part
from forecast.store.schema import run

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One slot of one schedule: who ran it, and how it ended.

    `status` is "running" until it is finished; `missed` counts the slots before it that were
    skipped while nobody was there; `attempts` the processes that took it on, or a part of it
    from one that died.
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


class RunClaim(NamedTuple):
    """Which run is held, or which part of it, by whom, and with which fencing token."""

    schedule_id: str
    slot: datetime
    owner: str
    fence: int = 1
    part: int | None = None


def claim(
    connection: Connection,
    schedule_id: str,
    slot: datetime,
    owner: str,
    now: datetime,
    lease: timedelta,
    missed: int = 0,
) -> int:
    """The fencing token of the run that is ours now, which is its attempts; 0 if it is not."""
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
        return 1
    abandoned = run.update().where(
        run.c.schedule_id == schedule_id,
        run.c.slot == slot,
        run.c.status == RUNNING,
        run.c.lease_until <= now,
    )
    taken = abandoned.values(ours | {"attempts": run.c.attempts + 1}).returning(run.c.attempts)
    return connection.execute(taken).scalar_one_or_none() or 0


def require_held(connection: Connection, claim: RunClaim) -> None:
    """StoreError where the run or the part was taken over or has ended; held till the commit."""
    if claim.part is None:
        held = select(run.c.owner).where(
            run.c.schedule_id == claim.schedule_id,
            run.c.slot == claim.slot,
            run.c.owner == claim.owner,
            run.c.attempts == claim.fence,
            run.c.status == RUNNING,
        )
    else:
        held = select(run_part.c.owner).where(is_held(claim))
    if connection.execute(held.with_for_update()).first() is None:
        raise taken_over(claim)


def is_held(claim: RunClaim) -> ColumnElement[bool]:
    """Whether a row of `run_part` is the one that is claimed, and is so still."""
    return and_(
        run_part.c.schedule_id == claim.schedule_id,
        run_part.c.slot == claim.slot,
        run_part.c.part == claim.part,
        run_part.c.owner == claim.owner,
        run_part.c.fence == claim.fence,
        run_part.c.status == RUNNING,
    )


def taken_over(claim: RunClaim) -> FencedError:
    """What a holder is told whose lease ran out, and whose work another has by now."""
    what = "the run" if claim.part is None else f"part {claim.part} of the run"
    return FencedError(
        f"{what} of '{claim.schedule_id}' was taken over by another process; nothing is written"
    )


def renew(connection: Connection, claim: RunClaim, until: datetime) -> None:
    """Hold it for longer; StoreError where it is no longer held."""
    require_held(connection, claim)
    if claim.part is None:
        at = and_(run.c.schedule_id == claim.schedule_id, run.c.slot == claim.slot)
        connection.execute(run.update().where(at).values(lease_until=until))
    else:
        connection.execute(run_part.update().where(is_held(claim)).values(lease_until=until))


def finish(
    connection: Connection, claim: RunClaim, status: str, detail: str, now: datetime
) -> bool:
    """Whether the run was still ours to finish."""
    ours = run.update().where(
        run.c.schedule_id == claim.schedule_id,
        run.c.slot == claim.slot,
        run.c.owner == claim.owner,
        run.c.attempts == claim.fence,
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
    """The unfinished runs of which there is something to take, oldest slot first.

    That is a part that nobody has, or whose lease ran out; of one without parts, the whole.
    """
    of_it = exists().where(
        run_part.c.schedule_id == run.c.schedule_id, run_part.c.slot == run.c.slot
    )
    query = (
        select(*[run.c[name] for name in _FIELDS])
        .where(
            run.c.status == RUNNING,
            or_(of_it.where(is_free(now)), and_(~of_it, run.c.lease_until <= now)),
        )
        .order_by(run.c.slot, run.c.schedule_id)
    )
    return [Run(*row) for row in connection.execute(query)]


def is_free(now: datetime) -> ColumnElement[bool]:
    """Whether a row of `run_part` may be taken: nobody has it, or its lease ran out."""
    return or_(
        run_part.c.status == WAITING,
        and_(run_part.c.status == RUNNING, run_part.c.lease_until <= now),
    )
