"""Where a service computes: in this process, or in warm worker processes beside it."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from itertools import chain
from threading import Event, Lock

from forecast.errors import HeldError
from forecast.processors import usable_processors
from jobs.audit import Found
from jobs.decisions import Work
from jobs.log import carried
from jobs.pool import MOST_WORKERS, warm_pool
from jobs.update import Inferred
from models.api import Answer

AHEAD = 3  # tracks a core that are read before the answer to the first is recorded

_log = logging.getLogger(__name__)


class Computing:
    """Maps `infer` and `audit` over tracks, for several threads; close it when done.

    `cores` is how many tracks may be computed at once. `stop`, once set, ends a long audit.
    """

    def __init__(self, cores: int | None = None, stop: Event | None = None) -> None:
        self._cores = cores or usable_processors()
        self._stop = stop or Event()
        self._begins = Lock()
        self.pool: ProcessPoolExecutor | None = None
        self._audit_pool: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """Let the worker processes go."""
        for pool in filter(None, (self.pool, self._audit_pool)):
            pool.shutdown()

    def infer(self, infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterable[Inferred]:
        """Infer here, or in worker processes where that is more than one track's work.

        The next tracks are read while the workers are at work, but only a few ahead: of thousands
        none but those is held in memory.
        """
        works, begun = iter(works), list[Work]()
        while sum(map(_is_heavy, begun)) < 2 and (work := next(works, None)) is not None:
            begun.append(work)
        every = chain(begun, works)
        if min(sum(map(_is_heavy, begun)), self._cores) < 2:
            return map(infer, every)
        return self._infer_in_pool(infer, every)

    def _infer_in_pool(
        self, infer: Callable[[Work], Inferred], works: Iterable[Work]
    ) -> Iterator[Inferred]:
        with self._begins:
            self.pool = pool = self.pool or warm_pool(min(self._cores, MOST_WORKERS))
        slim = carried(partial(_slim, infer))
        waiting: deque[tuple[Work, Future[tuple[Inferred, bool]] | None]] = deque()
        for work in works:
            waiting.append((work, self._submit(pool, slim, work)))
            if len(waiting) > AHEAD * self._cores:
                yield self._result(pool, infer, *waiting.popleft())
        while waiting:
            yield self._result(pool, infer, *waiting.popleft())

    def _submit(
        self, pool: ProcessPoolExecutor, slim: Callable[[Work], tuple[Inferred, bool]], work: Work
    ) -> Future[tuple[Inferred, bool]] | None:
        """None where it is to be done here: it is no work, or there is no pool any more."""
        if not _is_heavy(work) or self.pool is not pool:
            return None
        try:
            return pool.submit(slim, work)
        except BrokenProcessPool:
            self._leave(pool)
            return None

    def _result(
        self,
        pool: ProcessPoolExecutor,
        infer: Callable[[Work], Inferred],
        work: Work,
        future: Future[tuple[Inferred, bool]] | None,
    ) -> Inferred:
        try:
            if future is not None:
                answer, is_kept = future.result()
                if is_kept and isinstance(answer, Answer):
                    return replace(answer, state=work.state)
                return answer
        except BrokenProcessPool:
            self._leave(pool)
        return infer(work)

    def _leave(self, broken: ProcessPoolExecutor) -> None:
        """Its processes are gone: go on without, and with others the next time."""
        if self.pool is broken:
            _log.warning("a worker process was killed (out of memory?); computing without")
            self.pool = None

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


def _is_heavy(work: Work) -> bool:
    return bool(work.task.questions) and not work.same


def _slim(infer: Callable[[Work], Inferred], work: Work) -> tuple[Inferred, bool]:
    """The answer, and whether its state is the one that came: then it need not go back."""
    answer = infer(work)
    if isinstance(answer, Answer) and answer.state is not None and answer.state == work.state:
        return replace(answer, state=None), True
    return answer, False
