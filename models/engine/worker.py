"""The process that runs NUTS: warm, one job at a time, and let go before it grows too big.

Compiling takes seconds and hundreds of megabytes, and what Numba has compiled is never freed;
a model may also crash the interpreter or never end. So it happens in a process of its own,
started with the first job, and started anew after one that failed it.
"""

import multiprocessing
import os
import resource
import signal
import sys
import warnings
from functools import lru_cache
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import TYPE_CHECKING

from forecast.errors import HeldError

if TYPE_CHECKING:
    from models.engine.nuts import NutsJob, NutsResult

TIME_LIMIT = 600.0  # seconds a job may take, the compilation included
MOST_JOBS = 200
MOST_BYTES = 2**30  # measured: 0.27 GB imported, 0.48 with a program, 0.06 each further one
PATIENCE = 900.0  # seconds without a job, after which it leaves

type Reply = tuple[NutsResult | str, int]  # what came of it, or why not; bytes at the most so far


@lru_cache(maxsize=1)
def shared_worker() -> "NutsWorker":
    """The worker of this process, which ends with it."""
    return NutsWorker()


class NutsWorker:
    """Runs jobs in a process of its own; `time_limit` is in seconds. Close it when done."""

    def __init__(
        self,
        time_limit: float = TIME_LIMIT,
        most_jobs: int = MOST_JOBS,
        most_bytes: int = MOST_BYTES,
        patience: float = PATIENCE,
    ) -> None:
        self._time_limit, self._patience = time_limit, patience
        self._most_jobs, self._most_bytes = most_jobs, most_bytes
        self._lock = Lock()
        self._jobs = 0
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process, None while there is none."""
        return self._process.pid if self._process else None

    def run(self, job: "NutsJob") -> "NutsResult":
        """The draws of a job, the same for the same job; HeldError where there are none."""
        with self._lock:
            try:
                found, most_bytes = self._ask(job)
            except BaseException:
                self._kill()  # else the next job would read the answer of this one
                raise
            self._jobs += 1
            if self._jobs >= self._most_jobs or most_bytes > self._most_bytes:
                self._kill()
        if isinstance(found, str):
            raise HeldError(f"NUTS failed: {found}")
        return found

    def close(self) -> None:
        """Let the process go."""
        with self._lock:
            self._kill()

    def _ask(self, job: "NutsJob") -> Reply:
        if self._process is not None and not self._process.is_alive():
            self._kill()  # it had waited long enough
        connection = self._connection or self._start()
        try:
            connection.send(job)
            if not connection.poll(self._time_limit):
                raise HeldError(f"NUTS took more than {self._time_limit:g} s")
            reply: Reply = connection.recv()
        except (EOFError, ConnectionError) as error:
            raise HeldError(f"NUTS failed: its process {self._end()}") from error
        return reply

    def _start(self) -> Connection:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, self._patience), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is seen here
        self._connection, self._jobs = ours, 0
        return ours

    def _end(self) -> str:
        """How the process ended, in words."""
        assert self._process is not None
        self._process.join(1.0)
        code = self._process.exitcode
        if code == -signal.SIGKILL:
            return "was killed (out of memory?)"
        return f"died by {signal.Signals(-code).name}" if code and code < 0 else "left"

    def _kill(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None and self._process.pid is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._process = self._connection = None


def leave_with_parent() -> None:
    """End this process when its parent does: a killed parent closes no queue and no pipe."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=wait, daemon=True).start()


def _serve(connection: Connection, patience: float) -> None:
    # Ctrl-C reaches every process of the terminal; when to stop is for the parent to say
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_parent()
    warnings.simplefilter("ignore")  # whatever matters is in the reply
    from models.engine.sampler import Programs

    programs = Programs()
    while connection.poll(patience):
        try:
            job = connection.recv()
        except EOFError:
            return
        found: NutsResult | str
        try:
            found = programs.run(job)
        except HeldError as error:
            found = str(error)
        except BaseException as error:  # noqa: BLE001 - whatever it does, a panic too, is an answer
            found = _in_words(error)
        connection.send((found, _most_bytes()))


def _in_words(error: BaseException) -> str:
    words, _, _ = str(error).partition("Stack backtrace")
    return " ".join(f"{type(error).__name__}: {words}".split())[:500]


def _most_bytes() -> int:
    """The most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
