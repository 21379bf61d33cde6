"""Schedules as people see them: what comes when, what was missed, who paused it; one run now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from forecast.clock import Clock
from forecast.config import Config
from forecast.errors import HeldError, UsageError
from forecast.names import did_you_mean
from forecast.schedule_table import Schedule
from forecast.store.schedules import Standing, Told
from jobs.app import App
from jobs.audit import Audited
from jobs.computing import Computing
from jobs.decisions import Updated
from jobs.scheduler import Due, due, next_slot, owner_name
from jobs.slots import Turn, audit_slot, run_slot


@dataclass(frozen=True, slots=True)
class Outlook:
    """A schedule, where it stands, the slot that waits to be run now, and the one after `now`."""

    schedule: Schedule
    standing: Standing
    waiting: Due | None
    next_slot: datetime | None

    @property
    def state(self) -> str:
        """One word for it."""
        if self.standing.row.paused:
            return "paused"
        if self.standing.is_running:
            return "running"
        return "due" if self.waiting else "waiting"


def clocks(config: Config) -> list[Schedule]:
    """The schedules of a configuration, and those of its digests."""
    return [*config.schedules, *(digest.schedule for digest in config.digests)]


def told(config: Config, now: datetime) -> Iterable[Told]:
    """The schedules of a configuration and of its digests, as they are written down."""
    for schedule in clocks(config):
        yield Told(schedule.id, schedule.digest, schedule.as_json(), next_slot(schedule, now))


def slot_to_run(schedule: Schedule, standing: Standing | None, now: datetime) -> Due | None:
    """The slot of a schedule to run now; None while it is paused, or a run of it is under way."""
    if standing is None:
        return None
    row = standing.row
    if row.paused or standing.is_running:
        return None
    return due(schedule, standing.last_slot, now, since=row.since, resumed_at=row.resumed_at)


def outlooks(app: App, now: datetime) -> list[Outlook]:
    """Where every schedule of the watch stands, in the order of the file."""
    app.store.schedules.keep(told(app.config, now), now)
    standings = app.store.schedules.standings(now)
    return [
        Outlook(
            schedule,
            standings[schedule.id],
            slot_to_run(schedule, standings[schedule.id], now),
            next_slot(schedule, now),
        )
        for schedule in app.config.schedules
        if schedule.id in standings
    ]


def switch(
    app: App, schedule_id: str, author: str, reason: str, now: datetime, *, paused: bool
) -> bool:
    """Pause a schedule, that of a digest too, or let it go on; False where it was so before."""
    _named(clocks(app.config), schedule_id)
    schedules = app.store.schedules
    schedules.keep(told(app.config, now), now)
    act = schedules.pause if paused else schedules.resume
    return act(schedule_id, author, reason, now)


def run_now(app: App, schedule_id: str, clock: Clock) -> Updated | Audited:
    """Run a schedule as a slot of its own, now; HeldError where a run of it is under way."""
    schedule, now = schedule_named(app.config, schedule_id), clock()
    app.store.schedules.keep(told(app.config, now), now)
    standing = app.store.schedules.standings(now)[schedule.id]
    turn = Turn(schedule, now, owner_name(), clock)
    done = None if standing.is_running else _run(app, turn)
    if done is None:
        raise HeldError("a run of it is under way; wait for its end", at=f"schedules.{schedule.id}")
    return done


def _run(app: App, turn: Turn) -> Updated | Audited | None:
    if turn.schedule.kind != "audit":
        return run_slot(app, turn)
    computing = Computing()
    try:
        return audit_slot(app, turn, computing.audit)
    finally:
        computing.close()


def schedule_named(config: Config, schedule_id: str) -> Schedule:
    """One schedule of the watch; UsageError, with the nearest id, if there is none."""
    return _named(config.schedules, schedule_id)


def _named(among: Iterable[Schedule], schedule_id: str) -> Schedule:
    schedules = {schedule.id: schedule for schedule in among}
    if schedule_id not in schedules:
        near = did_you_mean(schedule_id, schedules)
        raise UsageError(f"there is no schedule '{schedule_id}' in watch.toml{near}")
    return schedules[schedule_id]
