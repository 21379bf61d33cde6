"""`make crash`: kill workers at random, on SQLite and on PostgreSQL, and count what went wrong."""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.crash.receivers import Town
from benchmarks.crash.verdict import Verdict, judge
from benchmarks.crash.world import EPOCH, SPEED, FastClock, questions, write_watch
from benchmarks.postgres import private_server
from benchmarks.rows import HEAD, Row, align
from forecast.store import Store, open_store
from forecast.watch import load_watch

BACKENDS = ("sqlite", "postgresql")
WORKERS = 2
MEAN_LIFE = 0.5  # seconds from one kill to the next
FROZEN_SHARE, FROZEN_SECONDS = 0.05, 7.0  # longer than any lease
PATIENCE = 180.0  # seconds for what is left to be told, once it is calm


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker and whether it is at work yet."""

    process: ForkServerProcess
    is_up: Event


type Tell = Callable[[str], None]


@click.command()
@click.option("--kills", default=200, show_default=True, help="For each database.")
@click.option("--seed", default=1, show_default=True)
@click.option("--only", type=click.Choice(["sqlite", "postgresql"]), help="One database.")
def main(kills: int, seed: int, only: str | None) -> None:
    """Kill workers under load, and prove that nothing was lost, made up or told twice."""
    print(align(*HEAD), flush=True)
    verdicts = {name: rehearse(name, kills, seed, say) for name in ([only] if only else BACKENDS)}
    rows = [row for name, verdict in verdicts.items() for row in _rows(name, verdict)]
    for row in rows:
        print(row.as_line())
    for name, verdict in verdicts.items():
        print(f"\n{name}: {verdict}")
    print(json.dumps({"rows": [row.as_json() for row in rows]}))
    sys.exit(0 if all(verdict.is_clean for verdict in verdicts.values()) else 1)


def say(words: str) -> None:
    """Tell how far it is, on stderr."""
    print(words, file=sys.stderr, flush=True)


def rehearse(backend: str, kills: int, seed: int, tell: Tell) -> Verdict:
    """One run of the harness on one database."""
    with TemporaryDirectory(prefix="tocsin-crash-") as name, _store_url(backend, Path(name)) as url:
        return rehearse_on(url, Path(name), kills, seed, tell)


def rehearse_on(url: str, folder: Path, kills: int, seed: int, tell: Tell) -> Verdict:
    """One run of the harness on the empty store at `url`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.crash.worker", "benchmarks.crash.warm"])
    # without locks: a worker that is killed as it holds one would stop all others
    clock = FastClock(time.time(), context.Value("d", 0.0, lock=False))
    is_calm = context.Value("i", 0, lock=False)
    town, chance = Town(clock, seed), random.Random(seed)
    with town.receiver, open_store(url) as store:
        write_watch(folder, town.urls())
        store.add_questions(questions(), EPOCH)

        def start() -> Worker:
            from benchmarks.crash.worker import work

            is_up = context.Event()
            process = context.Process(target=work, args=(str(folder), url, clock, is_calm, is_up))
            process.start()
            return Worker(process, is_up)

        workers = [start() for _ in range(WORKERS)]
        for kill in range(kills):
            place = chance.randrange(WORKERS)
            workers[place].is_up.wait(PATIENCE)
            time.sleep(min(chance.expovariate(1 / MEAN_LIFE), 5 * MEAN_LIFE))
            _end(workers[place].process, is_frozen_first=chance.random() < FROZEN_SHARE)
            workers[place] = start()
            if (kill + 1) % 20 == 0:
                tell(f"{kill + 1} kills; {len(store.deliveries())} messages")
        is_calm.value = 1
        town.is_kind = True
        _wait_until_told(store, clock, tell)
        for worker in workers:
            _end(worker.process)
        counts = (kills, len(town.changed), len(town.forged))
        return judge(store, load_watch(folder), town.taken, *counts)


def _end(worker: ForkServerProcess, *, is_frozen_first: bool = False) -> None:
    """SIGKILL; now and then after it was frozen past its leases and thawed for a moment."""
    assert worker.pid is not None
    if is_frozen_first:
        os.kill(worker.pid, signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        os.kill(worker.pid, signal.SIGCONT)
        time.sleep(MEAN_LIFE)
    worker.kill()
    worker.join()


def _wait_until_told(store: Store, clock: FastClock, tell: Tell) -> None:
    """Until nothing waits; the clock is put forward to what waits longest."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        now, due = clock(), store.next_due(clock())
        waiting = store.alerts.waiting()
        if due is None and not waiting and not store.deliveries(status="sending"):
            return
        ahead = (due - now if due else timedelta(0)).total_seconds()
        if ahead > SPEED:
            clock.ahead.value += ahead
        time.sleep(0.2)
    tell("what is left was not told in time")


@contextmanager
def _store_url(backend: str, folder: Path) -> Iterator[str]:
    if backend == "sqlite":
        yield f"sqlite:///{folder}/tocsin.db"
        return
    with private_server(fsync=True) as url:
        yield url.format("postgres")


def _rows(backend: str, verdict: Verdict) -> Iterator[Row]:
    counts = asdict(verdict)
    damage = len(counts.pop("damage"))
    for name in ("kills", "decisions", "notices", "withheld", "messages", "copies"):
        yield Row(f"{backend}: {name}", counts.pop(name), "")
    for name, count in {**counts, "damage": damage}.items():
        yield Row(f"{backend}: {name.replace('_', ' ')}", count, "", at_most=0)


if __name__ == "__main__":
    main()
