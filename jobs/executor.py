"""Where work is done: in this process, in a pool of processes here, or on a Dask cluster.

The same work on the same items gives the same answers, in the same order, on all of them.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Protocol

from jobs.pool import MOST_WORKERS, warm_pool

_held: bytes = b""  # in a worker: what was shared with it as it started


class Executor(Protocol):
    """Workers that share some bytes, sent to each of them once."""

    def map[Item, Result](
        self, work: Callable[[bytes, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """`work(shared, item)` of every item, in their order, each as soon as it is there."""
        ...

    def close(self) -> None:
        """Let the workers go."""
        ...


class Here:
    """This process, one item after the other."""

    def __init__(self, shared: bytes) -> None:
        self._shared = shared

    def map[Item, Result](
        self, work: Callable[[bytes, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """As they are asked for."""
        return map(partial(work, self._shared), items)

    def close(self) -> None:
        """Nothing to let go."""


class Processes:
    """Warm processes on this machine; as many as processors where no number is given."""

    def __init__(self, shared: bytes, workers: int) -> None:
        self._pool = warm_pool(workers, partial(_hold, shared))

    def map[Item, Result](
        self, work: Callable[[bytes, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """One item a process at a time."""
        return self._pool.map(_with_held, repeat(work), items)

    def close(self) -> None:
        """What has begun is finished, the rest is not."""
        self._pool.shutdown(cancel_futures=True)


def local_executor(shared: bytes, workers: int | None = None) -> Executor:
    """A pool of so many processes, or as many as processors; this process where one is enough."""
    count = workers or min(os.process_cpu_count() or 1, MOST_WORKERS)
    return Here(shared) if count <= 1 else Processes(shared, count)


def _hold(shared: bytes) -> None:
    global _held
    _held = shared


def _with_held[Item, Result](work: Callable[[bytes, Item], Result], item: Item) -> Result:
    return work(_held, item)
