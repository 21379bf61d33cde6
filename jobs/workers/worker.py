"""One process of `tocsin worker`: does parts of runs, and updates on news; schedules nothing.

What it does stands in the store alone, so it may be killed at any moment. It leaves, to begin
anew, where watch.toml was edited or it has grown too big: what is compiled is never freed.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock

from forecast.clock import Clock, format_instant
from forecast.errors import UsageError
from forecast.watch import FILE_NAME
from jobs.app import App
from jobs.computing import Computing
from jobs.log import bound
from jobs.scheduler import owner_name
from jobs.slots import LEASE, part_name, run_part
from jobs.stirring import LEASE as NEWS_LEASE
from jobs.stirring import update_due
from jobs.troubles import Troubles

MOST_BYTES = 2 << 30
MOST_PARTS = 5_000
PAUSE_SECONDS = 2.0  # before the queue is tried again that could not be reached

_log = logging.getLogger(__name__)


class Worker:
    """Takes parts of runs until `stop`; close it when done.

    `concurrency` is how many tracks are computed at once: one is computed in this process, more
    in processes beside it. `tally` counts what was done; `renewal` says why it should begin
    anew, where it should.
    """

    def __init__(
        self,
        app: App,
        clock: Clock,
        stop: Event,
        *,
        lease: timedelta = LEASE,
        concurrency: int = 1,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.app, self.stop = app, stop
        self.tally: Counter[str] = Counter()
        self.troubles = Troubles()
        self.renewal = ""
        self._clock, self._lease, self._concurrency = clock, lease, concurrency
        self._most_bytes = most_bytes
        self._owner = owner_name()
        self._computing = Computing(concurrency, stop)
        self._counting = Lock()
        self._stamp = self._seen = _stamp_of(app)

    def close(self) -> None:
        """Let the processes beside it go; the store is the caller's."""
        self._computing.close()

    def warm(self, families: Sequence[str]) -> None:
        """Load what the default family infers with, which takes seconds, before the first part."""
        if "hazard" in families and self._concurrency == 1:
            from models.hazard.density import compiled_density

            compiled_density()

    def take(self, families: Sequence[str]) -> None:
        """Do the parts that come in the queues of some families, until `stop`."""
        from jobs.workers.taking import take_parts

        while not self.stop.is_set():
            with self.troubles.reported("queue"):
                address = self.app.store.ledger.queue_address
                take_parts(address, families, self.do, self.stop, self._concurrency)
            if not self.stop.is_set():
                self.stop.wait(PAUSE_SECONDS)

    def do(self, schedule_id: str, slot: datetime, number: int) -> None:
        """Do a part, if the ledger lets us have it: of a job that comes twice, once."""
        run = f"{schedule_id}@{format_instant(slot)}"
        with bound(run=run), self.troubles.reported(schedule_id):
            ledger, at = self.app.store.ledger, (schedule_id, slot)
            part = ledger.claim_part(*at, self._owner, self._clock(), self._lease, number)
            if part is None:
                _log.debug("%s part %d: another has it, or it is done", schedule_id, number)
                return
            began = self._clock()
            done = run_part(self.app, part, self._clock, self._lease, self._computing.infer)
            self._count(parts=1, estimates=len(done.estimates), messages=len(done.notices))
            for failure in done.failures:
                _log.error("%s: %s", part_name(part), failure)
            _log.info(
                "%s: %d estimates, %d notices in %.1f s",
                *(part_name(part), len(done.estimates), len(done.notices)),
                (self._clock() - began).total_seconds(),
            )

    def stir(self) -> None:
        """Update what there is news of, and ring at once."""
        with self.troubles.reported("news"):
            done = update_due(
                *(self.app, self._clock, self._owner, self._computing.infer),
                lease=min(self._lease, NEWS_LEASE),
                is_stopping=self.stop.is_set,
            )
            if not done.units:
                return
            estimates, notices = len(done.updated.estimates), len(done.updated.notices)
            self._count(units=done.units, estimates=estimates, messages=notices)
            _log.info("news of %d units: %d estimates, %d notices", done.units, estimates, notices)

    def look(self) -> None:
        """Ask whether it should begin anew, and stop if so."""
        stamp, seen = _stamp_of(self.app), self._seen
        self._seen = stamp
        if stamp != self._stamp and stamp == seen:  # twice the same: not in mid-write
            self.renewal = f"{FILE_NAME} was edited"
        elif (held := held_bytes()) > self._most_bytes:
            self.renewal = f"{held >> 20} MB are held"
        elif self.tally["parts"] >= MOST_PARTS:
            self.renewal = f"{MOST_PARTS} parts are done"
        if self.renewal:
            self.stop.set()

    def _count(self, **counts: int) -> None:
        with self._counting:
            self.tally.update(counts)


def check_store(app: App) -> None:
    """UsageError for a store that only one process at a time may write."""
    if not app.store.ledger.is_shared:
        raise UsageError(
            "workers need a store on PostgreSQL: a SQLite file has one writer at a time, and "
            "`tocsin serve` does all of the work; see docs/scaling.md",
            at=app.store.name,
        )


def held_bytes() -> int:
    """The memory of this process now; 0 where the system does not say so."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    import resource

    return int(pages) * resource.getpagesize()


def _stamp_of(app: App) -> tuple[int, int, int] | None:
    """Changes whenever watch.toml does; None while there is none."""
    try:
        status = Path(app.watch.folder, FILE_NAME).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
