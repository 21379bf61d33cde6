"""One scheduled refresh of all questions: on SQLite, on PostgreSQL, and with two workers beside.

Whole processes, as they are deployed: `tocsin serve` alone, which computes in two processes of
its own, and `tocsin serve --no-work` with two of `tocsin worker`. The first refresh begins from
nothing, the second from what the first left; each is measured from its beginning to its end as
the run ledger has them.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks.postgres import private_server
from benchmarks.rows import Row
from benchmarks.soak.world import QUESTIONS_A_UNIT, configuration, past_reports, questions
from benchmarks.timing import say
from forecast.clock import utc_now
from forecast.store import Run, Store, open_store

TOCSIN = Path(sys.executable).with_name("tocsin")
SIZES, FULL_SIZES = (100, 1_000), (100, 1_000, 10_000)  # questions, ten at each unit
WAYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "SQLite, serve": (("serve",),),
    "PostgreSQL, serve": (("serve",),),
    "PostgreSQL, 2 workers": (("worker",), ("worker",), ("serve", "--no-work")),
}
PATIENCE = 1800.0  # seconds for both refreshes
LOOK = 0.2
SCHEDULE = '\n[[schedules]]\nid = "all"\nevery = "5 seconds"\n'
ALONE = "[updates]\non_news = false\n"


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds of the first and the second refresh, and what all processes hold at most."""
    with private_server(fsync=True) as server:
        for size in FULL_SIZES if full else SIZES:
            for number, (way, commands) in enumerate(WAYS.items()):
                say(f"two refreshes of {size:,} questions: {way}")
                with TemporaryDirectory() as name:
                    url = "tocsin.db"
                    if way.startswith("PostgreSQL"):
                        url = _database(server, f"scaling_{size}_{number}")
                    yield from _rows(
                        f"{size:,}, {way}", *_refreshes(Path(name), url, size, commands)
                    )


def _rows(name: str, runs: Sequence[Run], megabytes: float) -> Iterator[Row]:
    for word, run in zip(("first", "next"), runs, strict=False):
        assert run.finished_at is not None
        assert run.status == "done", run.detail
        yield Row(f"{name}: {word}", (run.finished_at - run.started_at).total_seconds(), "s")
    yield Row(f"{name}: memory", megabytes, "MB")


def _refreshes(
    folder: Path, url: str, size: int, commands: Sequence[Sequence[str]]
) -> tuple[list[Run], float]:
    """The two first runs, oldest first, and the memory of all processes together, in MB."""
    head, _, _ = configuration(folder, url).partition("[[channels]]")
    (folder / "watch.toml").write_text(head + ALONE + SCHEDULE)
    now, units = utc_now(), size // QUESTIONS_A_UNIT
    address = url if "://" in url else f"sqlite:///{folder / url}"
    with open_store(address) as store:
        store.add_reports(past_reports(units, now, seed=7), now - timedelta(days=1))
        store.add_questions(questions(units, now), now - timedelta(days=1))
        with _processes(folder, commands) as started:
            return _watched(store, started, folder / "log")


def _watched(
    store: Store, started: Sequence[subprocess.Popen[bytes]], log: Path
) -> tuple[list[Run], float]:
    most, end = 0.0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if any(one.poll() is not None for one in started):
            raise RuntimeError(f"a process has ended: {log.read_text()[-500:]}")
        most = max(most, _held(started))
        runs = sorted(store.runs(), key=lambda run: run.started_at)[:2]
        if len(runs) == 2 and all(run.finished_at for run in runs):
            return runs, most
        time.sleep(LOOK)
    raise TimeoutError(f"two refreshes took more than {PATIENCE:g} s")


def _held(started: Sequence[subprocess.Popen[bytes]]) -> float:
    """MB of the processes and their children; what they share is counted once for each."""
    pids = [process.pid for process in started]
    held = 0
    for pid in pids:  # it grows by their children
        try:
            threads = Path(f"/proc/{pid}/task").glob("*/children")
            children = " ".join(thread.read_text() for thread in threads).split()
            held += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:  # it has left
            continue
        pids += map(int, children)
    return held * resource.getpagesize() / 1e6


@contextmanager
def _processes(
    folder: Path, commands: Sequence[Sequence[str]]
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Each command as a process of its own, the first of them warm before the last is begun."""
    environment = os.environ | {"TOCSIN_NO_WEB": "1", "OPENBLAS_NUM_THREADS": "1"}
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("w"))
        started = []
        for command in commands:
            process = subprocess.Popen([TOCSIN, *command], cwd=folder, env=environment, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            started.append(process)
            if command[0] == "worker":
                time.sleep(3)
        yield started


def _database(server: str, name: str) -> str:
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return server.format(name)
