"""`store.ledger`: who runs what. Runs are claimed whole, or in parts that many may take.

The parts of a run are stored with it, and it ends with the last of them. Where there is a queue
(PostgreSQL), a job for each part that nobody holds yet is put into it in the same transaction;
the ledger alone says who may do a part, so a job that comes twice does nothing, and one that is
lost is put back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, select

from forecast.store import queue, runs
from forecast.store.database import Database
from forecast.store.part_schema import run_part
from forecast.store.runs import DONE, FAILED, RUNNING, WAITING, RunClaim
from forecast.store.schema import run
from forecast.store.types import columns_of

MOST_TRIES = 5  # processes that may die of one part
MOST_NAMED = 5  # failed parts that are named in a run's detail


@dataclass(frozen=True, slots=True)
class Share:
    """What a part is made of: its queue, which is of a model family, and its question ids."""

    queue: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a run, numbered from 1; `fence` counts its claims and is the holder's token.

    `status` is "waiting", "running", "done" or "failed"; `estimates` and `notices` count what it
    came to.
    """

    schedule_id: str
    slot: datetime
    part: int
    queue: str
    questions: tuple[str, ...]
    status: str
    owner: str
    fence: int
    lease_until: datetime | None
    detail: str
    estimates: int
    notices: int

    @property
    def claim(self) -> RunClaim:
        """What its holder shows with every write."""
        return RunClaim(self.schedule_id, self.slot, self.owner, self.fence, self.part)


_FIELDS = [field.name for field in fields(Part)]
_COLUMNS = [run_part.c[name] for name in _FIELDS]


class Ledger:
    """Every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read, self._write = database.read, database.write

    @property
    def is_shared(self) -> bool:
        """Whether there is a queue, from which workers take parts."""
        return not self._database.is_sqlite

    @property
    def queue_address(self) -> str:
        """How the queue is reached, password and all: not to be shown."""
        url = self._database.url.set(drivername="postgresql")
        return url.render_as_string(hide_password=False)

    def claim_run(
        self,
        schedule_id: str,
        slot: datetime,
        owner: str,
        now: datetime,
        lease: timedelta,
        missed: int = 0,
    ) -> int:
        """The token of a whole run that is ours: new, or left by one whose lease ran out; or 0."""
        return self._write(runs.claim, schedule_id, slot, owner, now, lease, missed)

    def finish_run(self, claim: RunClaim, status: str, detail: str, now: datetime) -> bool:
        """End a whole run with a status; False if it is no longer ours."""
        return self._write(runs.finish, claim, status, detail, now)

    def renew(self, claim: RunClaim, until: datetime) -> None:
        """Hold a run or a part for longer; FencedError where it is no longer ours."""
        self._write(runs.renew, claim, until)

    def holds(self, claim: RunClaim) -> bool:
        """Whether a part is held still by whoever claimed it."""
        return self._read(_holds, claim)

    def begin(
        self,
        claim: RunClaim,
        shares: Sequence[Share],
        now: datetime,
        lease: timedelta,
        missed: int = 0,
        *,
        keeps: bool = True,
        is_queued: bool = False,
    ) -> list[Part]:
        """Claim a run and store its parts, which are given; none where another process has it.

        With `keeps` the first part is held from the start. With `is_queued` those that nobody
        holds are put into the queue.
        """
        return self._write(
            _begin,
            claim,
            list(shares),
            now,
            lease,
            missed,
            keeps=keeps,
            is_queued=is_queued and self.is_shared,
        )

    def has_parts(self, schedule_id: str, slot: datetime) -> bool:
        """Whether a run was split already."""
        return self._read(_has_parts, schedule_id, slot)

    def parts(self, schedule_id: str, slot: datetime) -> list[Part]:
        """The parts of a run, in their order."""
        return self._read(_parts, schedule_id, slot)

    def claim_part(
        self,
        schedule_id: str,
        slot: datetime,
        owner: str,
        now: datetime,
        lease: timedelta,
        part: int | None = None,
    ) -> Part | None:
        """The next part of a run, or a certain one, if it can be had: it is ours then."""
        return self._write(_claim_part, schedule_id, slot, owner, now, lease, part)

    def end_part(
        self,
        claim: RunClaim,
        status: str,
        detail: str,
        now: datetime,
        *,
        estimates: int = 0,
        notices: int = 0,
    ) -> tuple[str, str] | None:
        """End a part; status and detail of the run if that was the last, which ends it.

        FencedError where the part is no longer ours.
        """
        values = {"detail": detail, "estimates": estimates, "notices": notices}
        return self._write(_end_part, claim, values | {"status": status}, now)

    def prepare_queue(self) -> None:
        """Make the queue's tables, or bring them to the installed version; nothing on SQLite."""
        if self.is_shared:
            self._write(queue.prepare)

    def put_back(self, now: datetime) -> int | None:
        """Put parts into the queue that can be had and have no job in it; how many they were.

        None where another process is at it.
        """
        return self._write(_put_back, now)


def _begin(
    connection: Connection,
    claim: RunClaim,
    shares: list[Share],
    now: datetime,
    lease: timedelta,
    missed: int,
    *,
    keeps: bool,
    is_queued: bool,
) -> list[Part]:
    at = (claim.schedule_id, claim.slot)
    is_ours = runs.claim(connection, *at, claim.owner, now, lease, missed)
    if not is_ours or _has_parts(connection, *at):
        return []
    waiting = [
        Part(*at, number, share.queue, share.questions, WAITING, "", 0, None, "", 0, 0)
        for number, share in enumerate(shares, start=1)
    ]
    held: dict[str, Any] = {"status": RUNNING, "owner": claim.owner}
    held |= {"fence": 1, "lease_until": now + lease}
    parts = [replace(waiting[0], **held), *waiting[1:]] if keeps else waiting
    connection.execute(run_part.insert(), [columns_of(part) for part in parts])
    if is_queued:
        free = parts[1:] if keeps else parts
        queue.put(connection, [queue.Job(*at, part.part, part.queue) for part in free])
    return parts


def _holds(connection: Connection, claim: RunClaim) -> bool:
    held = select(run_part.c.part).where(runs.is_held(claim))
    return connection.execute(held).first() is not None


def _has_parts(connection: Connection, schedule_id: str, slot: datetime) -> bool:
    at = and_(run_part.c.schedule_id == schedule_id, run_part.c.slot == slot)
    return connection.execute(select(run_part.c.part).where(at).limit(1)).first() is not None


def _parts(connection: Connection, schedule_id: str, slot: datetime) -> list[Part]:
    at = and_(run_part.c.schedule_id == schedule_id, run_part.c.slot == slot)
    rows = connection.execute(select(*_COLUMNS).where(at).order_by(run_part.c.part))
    return [Part(*row) for row in rows]


def _claim_part(
    connection: Connection,
    schedule_id: str,
    slot: datetime,
    owner: str,
    now: datetime,
    lease: timedelta,
    part: int | None,
) -> Part | None:
    if not _lock_run(connection, schedule_id, slot):
        return None
    while (found := _free_part(connection, schedule_id, slot, now, part)) is not None:
        if found.fence < MOST_TRIES:
            return _take(connection, found, owner, now + lease)
        detail = f"given up: {found.fence} processes died or hung in the middle of it"
        _close(connection, found, {"status": FAILED, "detail": detail}, now)
    return None


def _free_part(
    connection: Connection, schedule_id: str, slot: datetime, now: datetime, part: int | None
) -> Part | None:
    """One that can be had; not one whose row a frozen process has in its grip."""
    query = select(*_COLUMNS).where(
        run_part.c.schedule_id == schedule_id, run_part.c.slot == slot, runs.is_free(now)
    )
    if part is not None:
        query = query.where(run_part.c.part == part)
    query = query.order_by(run_part.c.part).limit(1).with_for_update(skip_locked=True)
    row = connection.execute(query).first()
    return Part(*row) if row else None


def _take(connection: Connection, part: Part, owner: str, until: datetime) -> Part:
    ours: dict[str, Any] = {"status": RUNNING, "owner": owner}
    ours |= {"fence": part.fence + 1, "lease_until": until}
    connection.execute(run_part.update().where(_same(part)).values(ours))
    if connection.dialect.name == "postgresql":
        queue.drop(connection, queue.Job(part.schedule_id, part.slot, part.part, part.queue))
    if part.fence:  # it was left by one that died
        again = {"owner": owner, "attempts": run.c.attempts + 1, "lease_until": until}
        connection.execute(run.update().where(_of_run(part)).values(again))
    return replace(part, **ours)


def _end_part(
    connection: Connection, claim: RunClaim, values: dict[str, Any], now: datetime
) -> tuple[str, str] | None:
    _lock_run(connection, claim.schedule_id, claim.slot)
    held = select(*_COLUMNS).where(runs.is_held(claim))
    row = connection.execute(held).first()
    if row is None:
        raise runs.taken_over(claim)
    return _close(connection, Part(*row), values, now)


def _close(
    connection: Connection, part: Part, values: dict[str, Any], now: datetime
) -> tuple[str, str] | None:
    """End a part, and the run with the last one; the row of the run is locked by now."""
    connection.execute(run_part.update().where(_same(part)).values(values))
    parts = _parts(connection, part.schedule_id, part.slot)
    if any(p.status in (WAITING, RUNNING) for p in parts):
        return None
    status = FAILED if any(p.status == FAILED for p in parts) else DONE
    detail = in_words(parts)
    ended = {"status": status, "detail": detail, "finished_at": now}
    connection.execute(run.update().where(_of_run(part)).values(ended))
    return status, detail


def in_words(parts: Sequence[Part]) -> str:
    """How a run went, of which all parts have ended: the sums, and which of them failed."""
    if len(parts) == 1:
        return parts[0].detail
    estimates, notices = sum(p.estimates for p in parts), sum(p.notices for p in parts)
    failed = [p for p in parts if p.status == FAILED]
    named = "".join(f"; part {p.part}: {p.detail}" for p in failed[:MOST_NAMED])
    more = f"; {len(failed) - MOST_NAMED} more parts failed" if len(failed) > MOST_NAMED else ""
    return f"{estimates} estimates, {notices} notices in {len(parts)} parts{named}{more}"


def _put_back(connection: Connection, now: datetime) -> int | None:
    if not queue.lead(connection):
        return None
    of_run = and_(run.c.schedule_id == run_part.c.schedule_id, run.c.slot == run_part.c.slot)
    columns = [run_part.c[name] for name in ("schedule_id", "slot", "part", "queue")]
    free = select(*columns).join(run, of_run).where(runs.is_free(now), run.c.status == RUNNING)
    return queue.put_missing(connection, [queue.Job(*row) for row in connection.execute(free)])


def _lock_run(connection: Connection, schedule_id: str, slot: datetime) -> bool:
    """Whether the run is under way; first of all, wherever parts are taken or ended.

    So no two wait for each other, and of two that end the last two parts at once one sees that
    the other has ended.
    """
    at = and_(run.c.schedule_id == schedule_id, run.c.slot == slot)
    found = connection.execute(select(run.c.status).where(at).with_for_update())
    return found.scalar_one_or_none() == RUNNING


def _of_run(part: Part) -> Any:
    return and_(run.c.schedule_id == part.schedule_id, run.c.slot == part.slot)


def _same(part: Part) -> Any:
    return and_(
        run_part.c.schedule_id == part.schedule_id,
        run_part.c.slot == part.slot,
        run_part.c.part == part.part,
    )
