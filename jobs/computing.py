"""Where a service computes: in this process, or in warm worker processes beside it."""

import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Event, Lock

from forecast.errors import HeldError
from jobs.audit import Found
from jobs.decisions import Work
from jobs.log import carried
from jobs.pool import MOST_WORKERS, warm_pool
from jobs.update import Inferred

_log = logging.getLogger(__name__)


class Computing:
    """Maps `infer` and `audit` over tracks, for several threads; close it when done.

    `cores` is how many tracks may be computed at once. `stop`, once set, ends a long audit.
    """

    def __init__(self, cores: int | None = None, stop: Event | None = None) -> None:
        self._cores = cores or os.process_cpu_count() or 1
        self._stop = stop or Event()
        self._begins = Lock()
        self.pool: ProcessPoolExecutor | None = None
        self._audit_pool: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """Let the worker processes go."""
        for pool in filter(None, (self.pool, self._audit_pool)):
            pool.shutdown()

    def infer(self, infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterable[Inferred]:
        """Infer here, or in worker processes where that is more than one track's work."""
        works = list(works)
        heavy = sum(bool(work.task.questions) and not work.same for work in works)
        if min(heavy, self._cores) < 2:
            return map(infer, works)
        with self._begins:
            self.pool = pool = self.pool or warm_pool(min(self._cores, MOST_WORKERS))
        try:
            return list(pool.map(carried(infer), works))
        except BrokenProcessPool:
            _log.warning("a worker process was killed (out of memory?); computing without")
            if self.pool is pool:
                self.pool = None
            return map(infer, works)

    def audit(self, audit: Callable[[Work], Found], works: Iterable[Work]) -> Iterable[Found]:
        """In a process of its own: compiled models cannot hold two tracks' data at once."""
        self._audit_pool = self._audit_pool or warm_pool(1)
        try:
            for work in works:
                if self._stop.is_set():
                    return
                yield self._audit_pool.submit(carried(audit), work).result()
        except BrokenProcessPool as error:
            self._audit_pool = None
            if self._stop.is_set():
                return
            raise HeldError("the process of the audit was killed (out of memory?)") from error
