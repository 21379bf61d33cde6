"""The ticker: the only place that knows APScheduler, and it knows nothing else of us.

It asks twice a second which slots are due and what is to be sent; what was run and what was
not stands in the store, so a kill at any moment loses no slot, and a second process that
ticks the same store loses politely. Where the clocks change, a time of day that does not
exist runs once, an hour later, and one that happens twice runs the first time only; what
comes every so much time knows nothing of clocks. docs/schedules.md says it to users.
"""

import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count, islice, takewhile
from threading import Event
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from forecast.clock import DAY
from forecast.errors import ConfigError
from forecast.schedule_table import Schedule

MOST_MISSED = 100_000  # slots looked through after a downtime; past that the count stops
MOST_MADE_UP = 1_000  # slots that are run one by one after a downtime, the newest of them
INSTANT = timedelta(microseconds=1)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
A_MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - its midnight is that of a schedule's zone
_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAYS = re.compile(r"(?:\*|(?P<first>[0-7])(?:-(?P<last>[0-7]))?)(?:/(?P<step>\d))?")
TICK_SECONDS = 0.5
QUICK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Due:
    """The slot to run, in UTC, and how many before it were missed and are made up for by it."""

    slot: datetime
    missed: int


def check_schedule(schedule: Schedule) -> None:
    """ConfigError where its cron line is none."""
    if schedule.cron is not None:
        trigger_of(schedule)


def trigger_of(schedule: Schedule) -> CronTrigger:
    """The trigger of a schedule with a cron line; ConfigError where that is none."""
    try:
        return _trigger(schedule.cron or "", schedule.timezone)
    except (ValueError, KeyError) as error:
        at = f"schedules.{schedule.id}.cron"
        raise ConfigError(f"'{schedule.cron}': {error}", at=at) from None


@lru_cache(maxsize=1024)
def _trigger(cron: str, timezone: str) -> CronTrigger:
    return CronTrigger.from_crontab(_with_named_days(cron), timezone=timezone)


def _with_named_days(cron: str) -> str:
    """The line with its days of the week by name: in a crontab 1 is Monday, for APScheduler 0.

    https://apscheduler.readthedocs.io/en/3.x/modules/triggers/cron.html

    >>> _with_named_days("0 8 * * 1-5"), _with_named_days("0 8 * * sun,3")
    ('0 8 * * mon,tue,wed,thu,fri', '0 8 * * sun,wed')
    """
    others, space, days = " ".join(cron.split()).rpartition(" ")
    return f"{others}{space}{','.join(map(_named_days, days.split(',')))}"


def _named_days(part: str) -> str:
    found = _DAYS.fullmatch(part)
    if found is None or part == "*":
        return part
    first, last, step = found["first"] or "0", found["last"], int(found["step"] or 1)
    to = int(last or (6 if found["step"] else first)) if found["first"] else 6
    if not int(first) <= to <= 7 or not step:
        raise ValueError(f"'{part}' is no day of the week, nor some of them")
    return ",".join(dict.fromkeys(_NAMES[day % 7] for day in range(int(first), to + 1, step)))


def slots(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """The slots in (after, until], in UTC, in order."""
    if schedule.step is not None:
        return _at_intervals(schedule, schedule.step, after, until)
    return _by_the_clock(schedule, after, until)


def _at_intervals(
    schedule: Schedule, step: timedelta, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Counted from one moment for all time, so whoever starts when has the same slots."""
    anchor = schedule.starts
    first = (after - (anchor or _midnight(schedule.timezone))) // step + 1
    if anchor is not None:
        first = max(first, 0)
    start = anchor or _midnight(schedule.timezone)
    return takewhile(lambda slot: slot <= until, (start + n * step for n in count(first)))


@lru_cache(maxsize=1024)
def _midnight(timezone: str) -> datetime:
    return A_MONDAY.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def _by_the_clock(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
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


def due(
    schedule: Schedule,
    last: datetime | None,
    now: datetime,
    *,
    since: datetime | None = None,
    resumed_at: datetime | None = None,
) -> Due | None:
    """The slot to run now with the number missed before it, or None.

    `last` is the latest slot that anybody claimed. A schedule that is new, or new in this form
    (`since`), is due at its latest slot of the past day, if there was one: a new watch gets its
    first estimates at once rather than tomorrow. What fell before `resumed_at` was paused. A
    moment that is still to come was written while the clock was wrong, and says nothing.
    """
    last, since, resumed_at = (
        None if moment is not None and moment > now else moment
        for moment in (last, since, resumed_at)
    )
    is_new = last is None or (since is not None and last < since)
    began = since or now
    start = max(filter(None, (began - DAY if is_new else last, last, resumed_at)))
    past = _past(schedule, start, now)
    if is_new:
        past = [slot for slot in past if slot > began] or past[-1:]
    return _made_up_for(schedule, past) if past else None


def _past(schedule: Schedule, start: datetime, now: datetime) -> list[datetime]:
    """The slots in (start, now] that are to be carried out by now, in order."""

    def is_ripe(slot: datetime) -> bool:
        return slot + schedule.delay(slot) <= now

    if schedule.catch_up == "none":
        recent = max(start, now - schedule.patience - schedule.longest_delay - INSTANT)
        fresh = [
            slot
            for slot in takewhile(is_ripe, slots(schedule, recent, now))
            if now - slot - schedule.delay(slot) <= schedule.patience
        ]
        if not fresh:
            return []
    past = list(islice(takewhile(is_ripe, slots(schedule, start, now)), MOST_MISSED))
    if len(past) == MOST_MISSED:
        past += list(takewhile(is_ripe, slots(schedule, max(past[-1], now - DAY), now)))
    return past


def _made_up_for(schedule: Schedule, past: Sequence[datetime]) -> Due:
    """The newest for all, or the oldest of those that are each run."""
    if schedule.catch_up != "all":
        return Due(past[-1], len(past) - 1)
    kept = past[-MOST_MADE_UP:]
    return Due(kept[0], len(past) - len(kept))


def owner_name() -> str:
    """Names this process in its claims."""
    return f"{socket.gethostname()}:{os.getpid()}"


def tick_until(
    stop: Event, *ticks: Callable[[], None], quick: Sequence[Callable[[], None]] = ()
) -> None:
    """Call each tick twice a second, none of them beside itself, until `stop` is set.

    Those that are `quick` are called ten times a second. What is running then is waited for.
    """
    ticker = BackgroundScheduler(timezone=UTC)
    # a thread for each: one that takes long must not keep another from its turn
    ticker.add_executor(ThreadPoolExecutor(max(1, len(ticks) + len(quick))))
    for tick, seconds in [(t, TICK_SECONDS) for t in ticks] + [(t, QUICK_SECONDS) for t in quick]:
        ticker.add_job(
            tick,
            "interval",
            seconds=seconds,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    ticker.start()
    stop.wait()
    ticker.shutdown(wait=True)
