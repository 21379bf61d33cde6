"""One worker: the service as it is, ticking without pause, until it is killed."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from ctypes import c_int
from datetime import timedelta
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path

from alerts.channels import transports
from alerts.outbox import drain
from benchmarks.crash.world import FastClock, scripted
from forecast.errors import StoreError
from jobs.app import open_app
from jobs.computing import Computing
from jobs.decisions import Work
from jobs.serve import Service
from jobs.update import Inferred

RUN_LEASE = timedelta(seconds=30)
DEADLINE = 1.0  # seconds for a receiver that hangs
PAUSE = 0.01


class Scripted(Computing):
    """Forecasts from a script, in no time."""

    def infer(self, infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterable[Inferred]:
        """Those of the script."""
        return map(scripted, works)


class Rehearsal(Service):
    """The service with less patience for receivers."""

    def send(self) -> None:
        """Send what waits in the outbox."""
        post = partial(transports.post, deadline=DEADLINE)
        with self._troubles.reported("outbox"):
            app = self.app
            drain(
                app.store,
                app.config.channels,
                self._clock,
                self._owner,
                folder=app.watch.folder,
                post=post,
                throttle=self._throttle,
            )


def work(folder: str, store_url: str, clock: FastClock, is_calm: c_int, is_up: Event) -> None:
    """Tick for ever; once it is calm, no new slot is run and only what waits is told."""
    with open_app(Path(folder), store_url) as app:
        service = Rehearsal(app, clock, lease=RUN_LEASE)
        service.computing = Scripted(1)

        def run() -> None:
            if not is_calm.value:
                service.run_due()

        ticks = (run, service.ring, service.send)
        threads = [threading.Thread(target=_repeat, args=(tick,), daemon=True) for tick in ticks]
        for thread in threads:
            thread.start()
        is_up.set()
        for thread in threads:
            thread.join()


def _repeat(tick: Callable[[], None]) -> None:
    while True:
        with suppress(StoreError):  # busy, or taken over: the next tick tries again
            tick()
        time.sleep(PAUSE)
