"""Where work is done: in this process, in a pool of processes here, or on a Dask cluster.

The same work on the same items gives the same answers, in the same order, on all of them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any, Protocol

from forecast.errors import OutsideError, UsageError
from forecast.processors import usable_processors
from jobs.pool import MOST_WORKERS, warm_pool

PATIENCE = 15.0
ADDRESS = re.compile(r"inproc://\S+|\w+://\S+:\d{1,5}")

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


class Cluster:
    """The workers of a Dask scheduler; they need a Tocsin of the same code.

    `version()` is asked of every worker and has to say the same as here. UsageError without
    Dask, OutsideError where the cluster is not there within `patience` seconds, or is of another
    version.
    """

    def __init__(
        self,
        shared: bytes,
        address: str,
        version: Callable[[], object],
        patience: float = PATIENCE,
    ) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UsageError("Dask needs distributed: pip install 'tocsin[dask]'") from None
        if not ADDRESS.fullmatch(address):  # Dask would be half a minute in saying so
            raise UsageError("is not the address of a scheduler, tcp://HOST:PORT", at=address)
        self._address = address
        try:
            connect: Any = Client  # it has no types
            self._client = connect(address, timeout=patience, set_as_default=False)
            self._client.wait_for_workers(1, timeout=patience)
        except (OSError, ValueError, TimeoutError) as error:
            raise OutsideError(f"no Dask cluster answers: {_line(error)}", at=address) from None
        try:
            self._require(version)
            self._shared = self._client.scatter(shared, broadcast=True)
        except BaseException:
            self.close()
            raise

    def _require(self, version: Callable[[], object]) -> None:
        try:
            found = self._client.run(version)
        except Exception as error:  # noqa: BLE001 - whatever keeps a worker from running ours
            words = f"a worker cannot run this Tocsin: {_line(error)}"
            raise OutsideError(words, at=self._address) from None
        others = [worker for worker, said in found.items() if said != version()]
        if others:
            words = f"{len(others)} workers run another version of Tocsin, {others[0]} for one"
            raise OutsideError(words, at=self._address)

    def map[Item, Result](
        self, work: Callable[[bytes, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """All items are handed to the scheduler at once; what is no longer asked for is let go."""
        from distributed import KilledWorker

        # not pure: Dask would otherwise take an answer that it has kept for the same call
        submit = partial(self._client.submit, work, self._shared, pure=False)
        waiting = [submit(item) for item in items]
        try:
            for future in waiting:
                yield future.result()
        except (KilledWorker, OSError, TimeoutError) as error:
            words = f"the Dask cluster lost its work: {_line(error)}"
            raise OutsideError(words, at=self._address) from None
        finally:
            self._client.cancel(waiting)

    def close(self) -> None:
        """Leave the cluster; its workers stay."""
        self._client.close()


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def local_executor(shared: bytes, workers: int | None = None) -> Executor:
    """A pool of so many processes, or as many as processors; this process where one is enough."""
    count = workers or min(usable_processors(), MOST_WORKERS)
    return Here(shared) if count <= 1 else Processes(shared, count)


def _hold(shared: bytes) -> None:
    global _held
    _held = shared


def _with_held[Item, Result](work: Callable[[bytes, Item], Result], item: Item) -> Result:
    return work(_held, item)
