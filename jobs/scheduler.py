"""The ticker: the only place that knows APScheduler, and it knows nothing else of us.

It asks twice a second which slots are due and what is to be sent; what was run and what was
not stands in the store, so a kill at any moment loses no slot, and a second process that
ticks the same store loses politely. Where the clocks change, a time of day that does not
exist runs once, an hour later, and one that happens twice runs the first time only.
"""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from threading import Event

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from forecast.errors import ConfigError
from forecast.schedule_table import Schedule

MOST_MISSED = 100_000  # slots looked through after a downtime; past that the count stops
INSTANT = timedelta(microseconds=1)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Due:
    """The slot to run, in UTC, and how many before it were missed and are made up for by it."""

    slot: datetime
    missed: int


def trigger_of(schedule: Schedule) -> CronTrigger:
    """The trigger of a schedule; ConfigError where its cron line is none."""
    try:
        return CronTrigger.from_crontab(schedule.cron, timezone=schedule.timezone)
    except (ValueError, KeyError) as error:
        at = f"schedules.{schedule.id}.cron"
        raise ConfigError(f"'{schedule.cron}': {error}", at=at) from None


def slots(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """The slots in (after, until], in UTC, in order."""
    trigger = trigger_of(schedule)
    wall_clock = None
    while True:
        # asked from UTC: arithmetic on a zoned time never leaves the hour that happens twice
        upcoming = trigger.get_next_fire_time(None, after + INSTANT)
        if upcoming is None or upcoming.astimezone(UTC) > until:
            return
        after = upcoming.astimezone(UTC)
        if upcoming.replace(tzinfo=None, fold=0) != wall_clock:
            yield after
        wall_clock = upcoming.replace(tzinfo=None, fold=0)


def next_slot(schedule: Schedule, now: datetime) -> datetime | None:
    """The first slot after `now`, in UTC; None for a line such as "30 February"."""
    return next(slots(schedule, now, LAST_INSTANT), None)


def due(schedule: Schedule, last: datetime | None, now: datetime) -> Due | None:
    """The newest slot in (last, now] with the number missed before it, or None.

    A schedule that never ran is due at its latest slot of the past day, if there was one: a
    new watch gets its first estimates at once rather than tomorrow. A last slot that is still
    to come was claimed while the clock was wrong, and says nothing.
    """
    if last is not None and last > now:
        last = None
    past = list(islice(slots(schedule, last or now - timedelta(days=1), now), MOST_MISSED))
    if not past:
        return None
    return Due(past[-1], len(past) - 1 if last else 0)


def owner_name() -> str:
    """Names this process in its claims."""
    return f"{socket.gethostname()}:{os.getpid()}"


def tick_until(stop: Event, *ticks: Callable[[], None]) -> None:
    """Call each tick twice a second, none of them beside itself, until `stop` is set.

    What is running then is waited for.
    """
    ticker = BackgroundScheduler(timezone=UTC)
    for tick in ticks:
        ticker.add_job(
            tick,
            "interval",
            seconds=TICK_SECONDS,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    ticker.start()
    stop.wait()
    ticker.shutdown(wait=True)
