"""The service: slots that are due are run, messages that wait are sent, edits are taken in.

Seven ticks, each beside the others and never beside itself. What was done stands in the store
alone, so a service may be killed at any moment, and several may share a store. No failure
stops the service: each is one line in the log, once for as long as it lasts.
"""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from alerts.heartbeat import Heartbeat
from alerts.outbox import drain
from alerts.throttle import Throttle
from forecast.alert import ChannelHealth
from forecast.audit import Verdict, in_words
from forecast.clock import Clock, format_instant
from forecast.errors import HeldError, TocsinError
from forecast.schedule_table import Schedule
from forecast.watch import FILE_NAME, Watch, load_watch
from jobs.app import App
from jobs.audit import Found
from jobs.decisions import Work
from jobs.log import bound, carried
from jobs.notify import form_due
from jobs.pool import MOST_WORKERS, warm_pool
from jobs.preflight import check_config, roots, unready_channels
from jobs.ringing import refresh_channels, ring
from jobs.scheduler import Due, due, next_slot, owner_name
from jobs.slots import LEASE, Turn, audit_slot, run_name, run_slot
from jobs.update import Inferred

SWEEP_EVERY = timedelta(minutes=1)
REFRESH_EVERY = timedelta(minutes=1)
DOWN = timedelta(minutes=15)  # as long as a channel fails before others are told of it

_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int] | None


class Service:
    """One process of `tocsin serve`; close it when done.

    `clock` says what time it is; a run that is silent for longer than `lease` is taken over;
    `cores` is how many tracks may be computed at once; `stop`, once set, ends it. `tally` counts
    what was done, and `failure` is the last thing that went wrong.
    """

    def __init__(
        self,
        app: App,
        clock: Clock,
        *,
        lease: timedelta = LEASE,
        cores: int | None = None,
        stop: Event | None = None,
    ) -> None:
        self.app = app
        self.stop = stop or Event()
        self.tally: Counter[str] = Counter()
        self.failure: Exception | None = None
        self._clock, self._lease = clock, lease
        self._cores = cores or os.process_cpu_count() or 1
        self._owner = owner_name()
        self._pool: ProcessPoolExecutor | None = None
        self._audit_pool: ProcessPoolExecutor | None = None
        self._troubles: dict[str, str] = {}
        self._stamp = self._seen = _stamp_of(app.watch)
        self._swept_at: datetime | None = None
        self._rang_at: datetime | None = None
        self._refreshed_at: datetime | None = None
        self._is_mute = False
        self._heartbeat = Heartbeat(app.config.heartbeat)
        self._throttle = Throttle(clock)

    def close(self) -> None:
        """Let the worker processes go; the store is the caller's."""
        for pool in filter(None, (self._pool, self._audit_pool)):
            pool.shutdown()

    def warm(self) -> None:
        """Load what the default family infers with, which takes seconds, before the first slot."""
        config = self.app.config
        if any("hazard" in config.definitions[name].families() for name in roots(config)):
            from models.hazard.density import compiled_density

            compiled_density()

    def run_due(self) -> None:
        """Run every slot that is due, and every run that a dead process left behind."""
        self._run_due("update", self._run)

    def audit_due(self) -> None:
        """Run every audit that is due: beside the updates, which do not wait for it."""
        self._run_due("audit", self._audit)

    def ring(self) -> None:
        """Form what is to be told into messages; now and then, decide what the clock decides."""
        with self._reported("alerts"):
            now = self._clock()
            if _has_passed(self._swept_at, now, SWEEP_EVERY):
                ring(self.app, now)
                self._swept_at = now
            else:
                form_due(self.app, now)
            self._rang_at = now
            self._is_mute = self._all_are_down(now)

    def refresh(self) -> None:
        """Tell again, now and then, what still fires to receivers that forget."""
        with self._reported("refresh"):
            now = self._clock()
            if not _has_passed(self._refreshed_at, now, REFRESH_EVERY):
                return
            self._refreshed_at = now
            for problem in refresh_channels(self.app, now):
                _log.warning("refresh: %s", problem)

    def beat(self) -> None:
        """Call the dead man's switch, as long as alerts are formed and nothing is in trouble."""
        now = self._clock()
        rings = not _has_passed(self._rang_at, now, 2 * SWEEP_EVERY)
        is_well = rings and not self._troubles and not self._is_mute
        self._heartbeat.beat(now, is_well)

    def _all_are_down(self, now: datetime) -> bool:
        """Whether no channel takes messages: then only the silence of the heartbeat can say so."""
        tables = self.app.config.channels
        states = self.app.store.alerts.channel_states()
        found = [states.get(table.id) for table in tables]
        return bool(tables) and all(
            state
            and (
                state.health is ChannelHealth.DISABLED
                or (state.health is ChannelHealth.FAILING and now - state.since >= DOWN)
            )
            for state in found
        )

    def send(self) -> None:
        """Send what waits in the outbox, and first of all what was just decided."""
        with self._reported("outbox"):
            now = self._clock()
            form_due(self.app, now)
            waits_until = self.app.store.next_due(now)
            if waits_until is None or waits_until > now:
                return
            app = self.app
            done = drain(
                app.store,
                app.config.channels,
                self._clock,
                self._owner,
                folder=app.watch.folder,
                throttle=self._throttle,
                # an edited watch.toml ends a long one, too
                is_stopping=lambda: self.stop.is_set() or self.app is not app,
            )
            self.tally.update(sent=done.sent, retried=done.retried, dead=done.dead)
            said = _log.warning if done.retried or done.dead else _log.info
            said("outbox: %d sent, %d put off, %d given up", done.sent, done.retried, done.dead)

    def reload(self) -> None:
        """Take in an edited watch.toml; where the edit is broken, what was read before stands.

        It is taken in at the second look in a row that sees the same: not in mid-write.
        """
        stamp, seen = _stamp_of(self.app.watch), self._seen
        self._seen = stamp
        if stamp == self._stamp or stamp != seen:
            return
        self._stamp = stamp
        try:
            watch = load_watch(self.app.watch.folder)
            check_config(watch.config)
        except TocsinError as error:
            _log.error("the edit is not taken in: %s", error)
            return
        if watch.store_url != self.app.watch.store_url:
            _log.warning("another store takes a restart; this one stays in use")
        self.app = App(watch, self.app.store)
        self._heartbeat = Heartbeat(watch.config.heartbeat)
        _log.info("%s was read anew; %s", FILE_NAME, self.outlook())
        self.warn_of_channels()

    def warn_of_channels(self) -> None:
        """Say which channels cannot send now; their messages wait, and all else goes on."""
        for error in unready_channels(self.app.watch, self._clock()):
            _log.warning("%s; its messages wait", error)

    def outlook(self) -> str:
        """What is served, and when the next slot is, on one line."""
        config, now = self.app.config, self._clock()
        slots = [(at, s.id) for s in config.schedules if (at := next_slot(s, now)) is not None]
        following = "no slot to come"
        if slots:
            at, name = min(slots)
            following = f"next slot {name} at {format_instant(at)}"
        schedules = _counted(len(config.schedules), "schedule")
        return f"{schedules}, {_counted(len(config.channels), 'channel')}; {following}"

    def _run_due(self, kind: str, run: Callable[[Turn], None]) -> None:
        with self._reported(f"schedules of kind {kind}"):
            for schedule, slot in self._due():
                if self.stop.is_set():
                    return
                if schedule.kind == kind:
                    turn = Turn(
                        *(schedule, slot.slot, self._owner, self._clock, slot.missed, self._lease)
                    )
                    with bound(run=run_name(turn)), self._reported(schedule.id, _title(turn)):
                        run(turn)

    def _due(self) -> Iterator[tuple[Schedule, Due]]:
        store, now = self.app.store, self._clock()
        schedules = {schedule.id: schedule for schedule in self.app.config.schedules}
        for run in store.abandoned_runs(now):
            if run.schedule_id in schedules:
                yield schedules[run.schedule_id], Due(run.slot, run.missed)
        for schedule in schedules.values():
            if slot := due(schedule, store.last_slot(schedule.id), now):
                yield schedule, slot

    def _run(self, turn: Turn) -> None:
        updated = run_slot(self.app, turn, self._compute)
        if updated is None:
            return
        form_due(self.app, self._clock())  # at once: the rest may wait for the next tick
        estimates, notices = len(updated.estimates), len(updated.notices)
        self.tally.update(slots=1, estimates=estimates, messages=notices)
        self._say_failures(turn, updated.failures)
        _log.info(
            "%s: %d estimates, %d notices, %d missed slots made up for",
            *(_title(turn), estimates, notices, turn.missed),
        )

    def _audit(self, turn: Turn) -> None:
        audited = audit_slot(self.app, turn, self._compute_audit)
        if audited is None:
            return
        self.tally.update(slots=1, audits=len(audited.audits))
        self._say_failures(turn, audited.failures)
        for audit in audited.audits:
            if audit.verdict is not Verdict.AGREES:
                _log.warning("%s: %s: %s", _title(turn), audit.question_id, audit.reason)
        _log.info("%s: %s", _title(turn), in_words(audited.audits))

    def _say_failures(self, turn: Turn, failures: Iterable[TocsinError]) -> None:
        for failure in failures:
            self.failure = failure
            _log.error("%s: %s", _title(turn), failure)

    def _compute_audit(
        self, audit: Callable[[Work], Found], works: Iterable[Work]
    ) -> Iterable[Found]:
        """In a process of its own: compiled models cannot hold two tracks' data at once."""
        self._audit_pool = self._audit_pool or warm_pool(1)
        try:
            for work in works:
                if self.stop.is_set():
                    return
                yield self._audit_pool.submit(carried(audit), work).result()
        except BrokenProcessPool as error:
            self._audit_pool = None
            if self.stop.is_set():
                return
            raise HeldError("the process of the audit was killed (out of memory?)") from error

    def _compute(
        self, infer: Callable[[Work], Inferred], works: Iterable[Work]
    ) -> Iterable[Inferred]:
        """Infer here, or in worker processes where that is more than one track's work."""
        works = list(works)
        heavy = sum(bool(work.task.questions) and not work.same for work in works)
        if min(heavy, self._cores) < 2:
            return map(infer, works)
        self._pool = self._pool or warm_pool(min(self._cores, MOST_WORKERS))
        try:
            return list(self._pool.map(carried(infer), works))
        except BrokenProcessPool:
            _log.warning("a worker process was killed (out of memory?); computing without")
            self._pool = None
            return map(infer, works)

    @contextmanager
    def _reported(self, task: str, title: str = "") -> Iterator[None]:
        """Log what goes wrong, once for as long as it is the same, and when it is over."""
        title = title or task
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one task's failure must not stop the others
            self.failure = error
            words = (
                str(error) if isinstance(error, TocsinError) else f"{type(error).__name__}: {error}"
            )
            if self._troubles.get(task) != words:
                self._troubles[task] = words
                _log.error("%s: %s", task, " ".join(words.split()))
        else:
            if self._troubles.pop(task, None):
                _log.info("%s: works again", title)


def _stamp_of(watch: Watch) -> Stamp:
    """Changes whenever the file does; None while there is none."""
    try:
        status = Path(watch.folder, FILE_NAME).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _has_passed(since: datetime | None, now: datetime, wait: timedelta) -> bool:
    """Whether a wait is over; so it is where the clock was set back."""
    return since is None or not timedelta(0) <= now - since < wait


def _title(turn: Turn) -> str:
    return f"{turn.schedule.id} {format_instant(turn.slot)}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
