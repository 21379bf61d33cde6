"""The service: slots that are due are run, news is taken up, messages are sent, edits taken in.

Each tick runs beside the others and never beside itself. What was done stands in the store
alone, so a service may be killed at any moment, and several may share a store. No failure
stops the service: each is one line in the log, once for as long as it lasts.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from alerts.heartbeat import Heartbeat
from alerts.outbox import drain
from alerts.throttle import Throttle
from forecast.alert import ChannelHealth
from forecast.audit import Verdict
from forecast.audit import in_words as verdicts_in_words
from forecast.clock import Clock, format_instant
from forecast.config import Config
from forecast.errors import TocsinError
from forecast.schedule_table import Schedule
from forecast.watch import FILE_NAME, Watch, load_watch
from jobs.app import App
from jobs.computing import Computing
from jobs.digests import digest_due
from jobs.log import bound
from jobs.notify import form_due
from jobs.preflight import check_config, roots, unready_channels
from jobs.requests.answering import QUICK, SLOW, answer_due
from jobs.retention import thin_due
from jobs.ringing import refresh_channels, ring
from jobs.scheduler import Due, next_slot, owner_name
from jobs.schedules import clocks, slot_to_run, told
from jobs.slots import LEASE, Turn, audit_slot, run_name, run_slot
from jobs.sources.pull import pull_due
from jobs.stirring import LEASE as NEWS_LEASE
from jobs.stirring import stir_changed, update_due
from jobs.troubles import Troubles
from jobs.workers.sharing import tend

SWEEP_EVERY = timedelta(minutes=1)
REFRESH_EVERY = timedelta(minutes=1)
SHARE_EVERY = timedelta(seconds=20)
DOWN = timedelta(minutes=15)  # as long as a channel fails before others are told of it

_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int] | None


class Service:
    """One process of `tocsin serve`; close it when done.

    `clock` says what time it is; a run that is silent for longer than `lease` is taken over;
    `cores` is how many tracks may be computed at once; `stop`, once set, ends it. Without
    `works`, updates are left to workers. `tally` counts what was done.
    """

    def __init__(
        self,
        app: App,
        clock: Clock,
        *,
        lease: timedelta = LEASE,
        cores: int | None = None,
        stop: Event | None = None,
        works: bool = True,
    ) -> None:
        self.app = app
        self.works = works
        self.stop = stop or Event()
        self.tally: Counter[str] = Counter()
        self.computing = Computing(cores, self.stop)
        self._clock, self._lease = clock, lease
        self._owner = owner_name()
        self._troubles = Troubles()
        self._stamp = self._seen = _stamp_of(app.watch)
        self._kept: Config | None = None
        self._next_slot: datetime | None = None
        self._swept_at: datetime | None = None
        self._rang_at: datetime | None = None
        self._shared_at: datetime | None = None
        self._refreshed_at: datetime | None = None
        self._thinned_at: datetime | None = None
        self._is_mute = False
        self._heartbeat = Heartbeat(app.config.heartbeat)
        self._throttle = Throttle(clock)

    @property
    def failure(self) -> Exception | None:
        """The last thing that went wrong."""
        return self._troubles.failure

    def close(self) -> None:
        """Let the worker processes go; the store is the caller's."""
        self.computing.close()

    def warm(self) -> None:
        """Load what the default family infers with, which takes seconds, before the first slot."""
        config = self.app.config
        if self.works and any("hazard" in config.definitions[n].families() for n in roots(config)):
            from models.hazard.density import compiled_density

            compiled_density()

    def run_due(self) -> None:
        """Run every slot that is due, and every run that a dead process left behind."""
        self._run_due("update", self._run)

    def audit_due(self) -> None:
        """Run every audit that is due: beside the updates, which do not wait for it."""
        self._run_due("audit", self._audit)

    def thin(self) -> None:
        """Seal what was said since; let go, once a day, what [retention] says of the past."""
        with self._troubles.reported("retention"):
            now = self._clock()
            if _has_passed(self._thinned_at, now, SWEEP_EVERY):
                self._thinned_at = now
                self.app.store.seals.seal(now)
                thin_due(self.app, now, self._owner, self.stop.is_set)

    def stir(self) -> None:
        """Update what there is news of, and ring at once."""
        if not self.works:
            return
        with self._troubles.reported("news"):
            stirred = update_due(
                self.app,
                self._clock,
                self._owner,
                self.computing.infer,
                lease=min(self._lease, NEWS_LEASE),
                is_stopping=self.stop.is_set,
            )
            if not stirred.units:
                return
            updated = stirred.updated
            estimates, notices = len(updated.estimates), len(updated.notices)
            self.tally.update(units=stirred.units, estimates=estimates, messages=notices)
            for failure in updated.failures:
                self._troubles.failure = failure
            units = _counted(stirred.units, "unit")
            _log.info("news of %s: %d estimates, %d notices", units, estimates, notices)

    def pull(self) -> None:
        """Ask the sources that are due."""
        with self._troubles.reported("sources"):
            done = pull_due(self.app, self._clock, self._owner, self.stop.is_set)
            self.tally.update(pulled=len(done.pulls))

    def answer(self) -> None:
        """Do at once what the API asked for, where that is quick."""
        self._answer("requests", QUICK)

    def answer_at_length(self) -> None:
        """Do what the API asked for that takes its time, beside what is quick."""
        self._answer("long requests", SLOW)

    def _answer(self, task: str, kinds: Collection[str]) -> None:
        with self._troubles.reported(task):
            done = answer_due(
                *(self.app, self._clock, self._owner), kinds=kinds, is_stopping=self.stop.is_set
            )
            self.tally.update(answered=done)

    def share(self) -> None:
        """Now and then, put back into the queue what workers that died have left."""
        with self._troubles.reported("queue"):
            now = self._clock()
            if not _has_passed(self._shared_at, now, SHARE_EVERY):
                return
            self._shared_at = now
            if put_back := tend(self.app, now, self._lease):
                _log.warning("queue: %s put back", _counted(put_back, "job"))

    def digest(self) -> None:
        """Put the digests that are due into the outbox."""
        with self._troubles.reported("digests"):
            self.tally.update(digests=digest_due(self.app, self._clock, self._owner))

    def ring(self) -> None:
        """Form what is to be told into messages; now and then, decide what the clock decides."""
        with self._troubles.reported("alerts"):
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
        with self._troubles.reported("refresh"):
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
        with self._troubles.reported("outbox"):
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
            if done.sent or done.retried or done.dead:
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
        before, self.app = self.app.config, App(watch, self.app.store)
        self._heartbeat = Heartbeat(watch.config.heartbeat)
        _log.info("%s was read anew; %s", FILE_NAME, self.outlook())
        self.warn_of_channels()
        with self._troubles.reported("changed priors"):
            stir_changed(self.app, before, self._clock())

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

    def _run_due(self, kind: str, run: Callable[[Turn], bool]) -> None:
        with self._troubles.reported(f"schedules of kind {kind}"):
            self._keep()
            more = True
            while more:  # until nothing is to be made up for one by one
                more = False
                for schedule, slot in self._due(kind):
                    if self.stop.is_set():
                        return
                    done = self._turn(schedule, slot, run)
                    more = more or (done and schedule.catch_up == "all")

    def _turn(self, schedule: Schedule, slot: Due, run: Callable[[Turn], bool]) -> bool:
        """Whether the slot was run here."""
        turn = Turn(
            *(schedule, slot.slot, self._owner, self._clock, slot.missed, self._lease),
            is_stopping=self.stop.is_set,
        )
        with bound(run=run_name(turn)), self._troubles.reported(schedule.id, _title(turn)):
            return run(turn)
        return False

    def _due(self, kind: str) -> Iterator[tuple[Schedule, Due]]:
        store, now = self.app.store, self._clock()
        schedules = {s.id: s for s in self.app.config.schedules if s.kind == kind}
        for run in store.abandoned_runs(now):
            if run.schedule_id in schedules and (self.works or kind == "audit"):
                yield schedules[run.schedule_id], Due(run.slot, run.missed)
        standings = store.schedules.standings(now)
        for schedule in schedules.values():
            if slot_to_run(schedule, standings.get(schedule.id), now):
                # read again: what ran in between may have taken its time
                standing = store.schedules.standings(now).get(schedule.id)
                if slot := slot_to_run(schedule, standing, now):
                    yield schedule, slot

    def _keep(self) -> None:
        """Write down which schedules there are, and when they come next."""
        app, now = self.app, self._clock()
        if self._kept is not app.config:
            app.store.schedules.keep(told(app.config, now), now)
        elif self._next_slot is None or self._next_slot > now:
            return
        else:
            app.store.schedules.note_next(
                (t.schedule_id, t.next_slot) for t in told(app.config, now)
            )
        self._kept = app.config
        self._next_slot = min(
            filter(None, (next_slot(s, now) for s in clocks(app.config))), default=None
        )

    def _run(self, turn: Turn) -> bool:
        updated = run_slot(self.app, turn, self.computing.infer, works=self.works)
        if updated is None:
            return False
        form_due(self.app, self._clock())  # at once: the rest may wait for the next tick
        estimates, notices = len(updated.estimates), len(updated.notices)
        self.tally.update(slots=1, estimates=estimates, messages=notices)
        self._say_failures(turn, updated.failures)
        missed = f", {_counted(turn.missed, 'slot')} missed before" if turn.missed else ""
        _log.info("%s: %d estimates, %d notices%s", _title(turn), estimates, notices, missed)
        return True

    def _audit(self, turn: Turn) -> bool:
        audited = audit_slot(self.app, turn, self.computing.audit)
        if audited is None:
            return False
        self.tally.update(slots=1, audits=len(audited.audits))
        self._say_failures(turn, audited.failures)
        for audit in audited.audits:
            if audit.verdict is not Verdict.AGREES:
                _log.warning("%s: %s: %s", _title(turn), audit.question_id, audit.reason)
        _log.info("%s: %s", _title(turn), verdicts_in_words(audited.audits))
        return True

    def _say_failures(self, turn: Turn, failures: Iterable[TocsinError]) -> None:
        for failure in failures:
            self._troubles.failure = failure
            _log.error("%s: %s", _title(turn), failure)


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
