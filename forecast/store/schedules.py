"""Schedules as the service keeps them: since when each is as it is, and who paused it and why.

What there is stands in watch.toml; the service writes it down here, so that an API can tell it
and a person can pause it. A schedule that is edited begins anew: `since` is when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, exists, func, or_, select

from forecast.alert import Delivery
from forecast.errors import UsageError
from forecast.store import outbox, runs
from forecast.store.answers import insert_once
from forecast.store.database import Database
from forecast.store.part_schema import run_part
from forecast.store.runs import DONE, RUNNING, WAITING, RunClaim
from forecast.store.schedule_schema import schedule
from forecast.store.schema import run

_S = schedule.c


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule: its definition as it was read last, and who paused it.

    `since` is when it became what it is; `next_slot` as it was when a service last looked.
    """

    schedule_id: str
    digest: str
    definition: dict[str, Any]
    first_seen: datetime
    since: datetime
    next_slot: datetime | None = None
    paused: bool = False
    paused_at: datetime | None = None
    resumed_at: datetime | None = None
    author: str = ""
    reason: str = ""
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a schedule stands: its row, the last slot that anybody claimed, and how that went.

    `is_running`: one of its runs is under way, and its lease has not run out.
    """

    row: ScheduleRow
    last_slot: datetime | None
    last_status: str
    last_missed: int
    is_running: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A schedule as watch.toml has it, to be written down."""

    schedule_id: str
    digest: str
    definition: dict[str, Any] = field(default_factory=dict)
    next_slot: datetime | None = None


_COLUMNS = [_S[one.name] for one in fields(ScheduleRow)]


class Schedules:
    """Schedules, on the store's database."""

    def __init__(self, database: Database) -> None:
        self._read = database.read
        self._write = database.write

    def keep(self, told: Iterable[Told], now: datetime) -> None:
        """Write down all that watch.toml has; what it has no more is gone."""
        self._write(_keep, list(told), now)

    def note_next(self, slots: Iterable[tuple[str, datetime | None]]) -> None:
        """Write down when each of some schedules comes next."""
        self._write(_note_next, list(slots))

    def listed(self, *, gone: bool = False) -> list[ScheduleRow]:
        """The schedules by id; with `gone`, those that are no longer in watch.toml too."""
        return self._read(_listed, gone=gone)

    def standings(self, now: datetime) -> dict[str, Standing]:
        """Where each schedule stands that is in watch.toml, by id."""
        return self._read(_standings, now)

    def pause(self, schedule_id: str, author: str, reason: str, now: datetime) -> bool:
        """Whether it was running until now; UsageError where there is no such schedule."""
        return self._write(_switch, schedule_id, author, reason, now, paused=True)

    def resume(self, schedule_id: str, author: str, reason: str, now: datetime) -> bool:
        """Whether it was paused until now; UsageError where there is no such schedule."""
        return self._write(_switch, schedule_id, author, reason, now, paused=False)

    def tell(
        self,
        claim: RunClaim,
        deliveries: Iterable[Delivery],
        now: datetime,
        detail: str,
        missed: int = 0,
    ) -> bool:
        """Whether a slot that only tells something was ours to carry out, which is done whole.

        Its run and its messages are one transaction: whoever is killed has told all or nothing,
        and of two that tell the same slot the second tells nothing.
        """
        return self._write(_tell, claim, list(deliveries), now, detail, missed)


def _keep(connection: Connection, told: Sequence[Told], now: datetime) -> None:
    stored = {row.schedule_id: row for row in _listed(connection, gone=True)}
    for one in told:
        row = stored.get(one.schedule_id)
        values: dict[str, Any] = {"definition": one.definition, "next_slot": one.next_slot}
        if row is None:
            values |= {"schedule_id": one.schedule_id, "digest": one.digest, "first_seen": now}
            values |= {"since": now, "paused": False, "author": "", "reason": ""}
            connection.execute(insert_once(connection, schedule), values)
            continue
        if row.digest != one.digest or row.removed_at is not None:
            values |= {"digest": one.digest, "since": now, "removed_at": None}
        this = schedule.update().where(_S.schedule_id == one.schedule_id)
        connection.execute(this.values(values))
    gone = and_(_S.removed_at.is_(None), _S.schedule_id.not_in([t.schedule_id for t in told]))
    connection.execute(schedule.update().where(gone).values(removed_at=now, next_slot=None))


def _tell(
    connection: Connection,
    claim: RunClaim,
    deliveries: Sequence[Delivery],
    now: datetime,
    detail: str,
    missed: int,
) -> bool:
    at = (claim.schedule_id, claim.slot, claim.owner)
    fence = runs.claim(connection, *at, now, timedelta(0), missed)
    if not fence:
        return False
    outbox.add(connection, deliveries)
    return runs.finish(connection, RunClaim(*at, fence), DONE, detail, now)


def _note_next(connection: Connection, slots: Sequence[tuple[str, datetime | None]]) -> None:
    for schedule_id, slot in sorted(slots):
        this = schedule.update().where(_S.schedule_id == schedule_id)
        connection.execute(this.values(next_slot=slot))


def _listed(connection: Connection, *, gone: bool) -> list[ScheduleRow]:
    query = select(*_COLUMNS).order_by(_S.schedule_id)
    if not gone:
        query = query.where(_S.removed_at.is_(None))
    return [ScheduleRow(*row) for row in connection.execute(query)]


def _standings(connection: Connection, now: datetime) -> dict[str, Standing]:
    ever, latest = run.alias("ever"), run.alias("latest")
    newest = select(func.max(ever.c.slot)).where(ever.c.schedule_id == _S.schedule_id)
    last = and_(
        latest.c.schedule_id == _S.schedule_id,
        latest.c.slot == newest.correlate(schedule).scalar_subquery(),
    )
    # a part that waits for a worker keeps its run under way: the next slot must not overtake it
    is_left = or_(run_part.c.status == WAITING, run_part.c.lease_until > now)
    of_run = (run_part.c.schedule_id == run.c.schedule_id, run_part.c.slot == run.c.slot)
    left = exists().where(*of_run, run_part.c.status.in_((WAITING, RUNNING)), is_left)
    busy = (
        exists()
        .where(run.c.schedule_id == _S.schedule_id, run.c.status == RUNNING)
        .where(or_(run.c.lease_until > now, left))
        .correlate(schedule)
    )
    query = (
        select(*_COLUMNS, latest.c.slot, latest.c.status, latest.c.missed, busy)
        .select_from(schedule.outerjoin(latest, last))
        .where(_S.removed_at.is_(None))
        .order_by(_S.schedule_id)
    )
    found = {}
    for *row, slot, status, missed, is_running in connection.execute(query):
        kept = ScheduleRow(*row)
        found[kept.schedule_id] = Standing(
            kept, slot, status or "", missed or 0, is_running=bool(is_running)
        )
    return found


def _switch(
    connection: Connection,
    schedule_id: str,
    author: str,
    reason: str,
    now: datetime,
    *,
    paused: bool,
) -> bool:
    this = schedule.update().where(_S.schedule_id == schedule_id, _S.removed_at.is_(None))
    moment = {"paused_at": now} if paused else {"resumed_at": now}
    values = {"paused": paused, "author": author, "reason": reason} | moment
    if connection.execute(this.where(_S.paused.is_not(paused)).values(values)).rowcount:
        return True
    if not any(row.schedule_id == schedule_id for row in _listed(connection, gone=False)):
        from forecast.names import did_you_mean

        known = [row.schedule_id for row in _listed(connection, gone=False)]
        raise UsageError(f"there is no schedule '{schedule_id}'{did_you_mean(schedule_id, known)}")
    return False
