"""Parts taken from the queue on PostgreSQL, by the worker of procrastinate.

https://procrastinate.readthedocs.io/
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from procrastinate import App, PsycopgConnector

from forecast.clock import parse_instant
from forecast.errors import StoreError
from forecast.store.queue import TASK, queue_of

type Do = Callable[[str, datetime, int], None]  # schedule, slot, number of the part

_log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2  # how soon a stop is heard
POLL_SECONDS = 5.0  # a job is notified of; this is for what was not


def take_parts(
    address: str, families: Sequence[str], do: Do, stop: Event, concurrency: int = 1
) -> None:
    """Do the parts that come in the queues of some families, until `stop`; then end what runs.

    `do` is called from threads, in as many as `concurrency` at a time, and must not raise.
    StoreError where the connection is lost.
    """
    for name in ("procrastinate", "psycopg.pool"):  # what they say is said by us, in fewer words
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.run(_take(address, [queue_of(family) for family in families], do, stop, concurrency))


def retry_stalled(address: str, silent_for: timedelta, now: datetime) -> int:
    """Put back the jobs of workers that are silent for so long; how many they were."""
    return asyncio.run(_retry(address, silent_for, now))


async def _take(address: str, queues: list[str], do: Do, stop: Event, concurrency: int) -> None:
    app = _app(address, concurrency + 2)
    asyncio.get_running_loop().set_exception_handler(_say)

    @app.task(name=TASK)
    def part(schedule_id: str, slot: str, part: int) -> None:
        do(schedule_id, parse_instant(slot), part)

    async with app.open_async():
        working = asyncio.create_task(
            app.run_worker_async(
                queues=queues,
                concurrency=concurrency,
                delete_jobs="always",
                fetch_job_polling_interval=POLL_SECONDS,
                install_signal_handlers=False,
            )
        )
        while not stop.is_set() and not working.done():
            await asyncio.sleep(LOOK_SECONDS)
        working.cancel()  # it ends what it has begun
        with suppress(asyncio.CancelledError):
            await working
    if not stop.is_set():
        raise StoreError("the connection of the queue was lost")


async def _retry(address: str, silent_for: timedelta, now: datetime) -> int:
    app = _app(address, 1)
    async with app.open_async():
        manager = app.job_manager
        stalled = await manager.get_stalled_jobs(
            task_name=TASK, seconds_since_heartbeat=silent_for.total_seconds()
        )
        for job in (stalled := list(stalled)):
            await manager.retry_job(job, retry_at=now)
        return len(stalled)


def _say(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A job could not be ended: it was put back while we were frozen, and the ledger knows."""
    error = context.get("exception")
    cause = getattr(error, "__cause__", None) or error
    words = str(cause).partition("\n")[0] if cause else context["message"]
    _log.warning("queue: %s", words)


def _app(address: str, connections: int) -> App:
    return App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=connections))
