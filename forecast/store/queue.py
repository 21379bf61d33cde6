"""The queue of jobs on PostgreSQL, by procrastinate, in the store's own database and transactions.

A job says which part of which run, and no more. Its tables stand beside ours, are made by the
library's own SQL and are left out of our schema.
https://procrastinate.readthedocs.io/
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, text

from forecast.clock import format_instant
from forecast.errors import UsageError
from forecast.store.types import utc_text

if TYPE_CHECKING:
    from procrastinate.jobs import Job as Deferred

TASK = "tocsin.part"
_PREFIX = "tocsin."  # of queues: another program may keep its own in the same tables
_TABLES = "procrastinate_"
_MARK = "tocsin: "  # on the table of jobs: that it is ours, and by which migration it was made
_LEADER = 0x70C52  # any number that all our processes agree on


class Job(NamedTuple):
    """A part of a run, and the queue that its job waits in."""

    schedule_id: str
    slot: datetime
    part: int
    queue: str

    @property
    def lock(self) -> str:
        """No two jobs with the same one wait."""
        return f"{_PREFIX}{self.schedule_id}@{utc_text(self.slot)}#{self.part}"


def queue_of(family: str) -> str:
    """The queue of a model family: who serves it keeps what that family compiles warm."""
    return _PREFIX + family


def is_ours(name: str | None, kind: str, _parents: Any = None) -> bool:
    """What Alembic is to look at: all but the tables of the queue."""
    return not (kind == "table" and name is not None and name.startswith(_TABLES))


def prepare(connection: Connection) -> None:
    """Make the tables, or bring ours to the installed version of the library."""
    migrations = _migrations()
    mark = "SELECT obj_description(to_regclass('procrastinate_jobs'), 'pg_class')"
    found = connection.scalar(text(mark))
    if connection.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is None:
        from procrastinate.schema import SchemaManager

        scripts = [SchemaManager.get_schema()]
    elif found and found.startswith(_MARK):
        scripts = [sql for name, sql in migrations.items() if name > found.removeprefix(_MARK)]
    else:
        return  # another program keeps its jobs here, and its tables in order
    if not scripts:
        return
    for script in scripts:
        _raw(connection).execute(script)
    _raw(connection).execute(f"COMMENT ON TABLE procrastinate_jobs IS '{_MARK}{max(migrations)}'")


def put(connection: Connection, jobs: Sequence[Job]) -> None:
    """Put jobs into their queues, within the transaction."""
    if jobs:
        from procrastinate import SyncPsycopgConnector
        from procrastinate.manager import JobManager

        manager = JobManager(SyncPsycopgConnector())  # never opened: the connection is ours
        manager.batch_defer_jobs([_deferred(job) for job in jobs], _raw(connection))


def put_missing(connection: Connection, jobs: Sequence[Job]) -> int:
    """Put those jobs into their queues that neither wait nor run; how many they were."""
    query = (
        "SELECT queueing_lock FROM procrastinate_jobs"
        " WHERE task_name = :task AND status IN ('todo', 'doing')"
    )
    known = set(connection.scalars(text(query), {"task": TASK}))
    missing = [job for job in jobs if job.lock not in known]
    put(connection, missing)
    return len(missing)


def drop(connection: Connection, job: Job) -> None:
    """Take a job out of its queue that somebody does without it, if it waits there."""
    query = (
        "SELECT procrastinate_cancel_job_v1(id, false, true) FROM procrastinate_jobs"
        " WHERE queueing_lock = :lock AND status = 'todo'"
    )
    connection.execute(text(query), {"lock": job.lock})


def lead(connection: Connection) -> bool:
    """Whether this transaction is the only one that looks after the queue now."""
    won: bool | None = connection.scalar(
        text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": _LEADER}
    )
    return bool(won)


def _deferred(job: Job) -> "Deferred":
    from procrastinate.jobs import Job as Deferred

    return Deferred(
        queue=queue_of(job.queue),
        lock=None,
        queueing_lock=job.lock,
        task_name=TASK,
        task_kwargs={
            "schedule_id": job.schedule_id,
            "slot": format_instant(job.slot),
            "part": job.part,
        },
    )


def _migrations() -> dict[str, str]:
    """The library's scripts by name, oldest first."""
    try:
        from importlib.resources import files

        folder = files("procrastinate.sql") / "migrations"
    except ModuleNotFoundError:
        words = "PostgreSQL needs procrastinate: pip install 'tocsin[postgres]'"
        raise UsageError(words) from None
    found = {f.name: f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".sql")}
    return dict(sorted(found.items()))


def _raw(connection: Connection) -> Any:
    """The driver's own connection, in the same transaction."""
    return connection.connection.driver_connection
