"""Three real processes on one PostgreSQL, killed in turn and frozen while a run is under way."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from forecast.clock import utc_now
from forecast.question import Question
from forecast.store import Part, Store, open_store
from forecast.store.database import IDLE_TIMEOUT
from tests.command import TOCSIN
from tests.jobs.desk import PATIENCE, Desk, make_desk, wait_for

UNITS, A_UNIT = 14, 15  # three parts of a second each
LEASE = "3"


@pytest.fixture
def desk(tmp_path: Path, postgres_url: str) -> Desk:
    """A desk on PostgreSQL whose rule fires on every question, and that tells nobody."""
    made = make_desk(tmp_path, TOCSIN_STORE=postgres_url, TOCSIN_LEASE=LEASE, PYTHON_CPU_COUNT="1")
    ago, until = utc_now() - timedelta(days=40), utc_now() + timedelta(days=60)
    names = [(f"u{unit:02}", n) for unit in range(UNITS) for n in range(A_UNIT)]
    with open_store(postgres_url) as store:
        store.add_questions(
            [Question(f"{u}-{n:02}", "Q?", u, "strike", ago, until) for u, n in names], ago
        )
    return made


class Crew:
    """Processes by name; those that are left are killed at the end."""

    def __init__(self, desk: Desk, stack: ExitStack) -> None:
        self._desk, self._stack = desk, stack
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.logs: dict[str, Path] = {}

    def start(self, name: str, *arguments: str) -> None:
        self.logs[name] = self._desk.folder / f"{name}.log"
        log = self._stack.enter_context(self.logs[name].open("w"))
        process = subprocess.Popen(
            [TOCSIN, *arguments],
            cwd=self._desk.folder,
            env=self._desk.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        self._processes[name] = process

    def send(self, name: str, number: int) -> None:
        self._processes[name].send_signal(number)

    def end(self, name: str) -> str:
        """Ask it to leave; what it logged."""
        self.send(name, signal.SIGTERM)
        assert self._processes[name].wait(PATIENCE) == 0
        return self.logs[name].read_text()

    def pid(self, name: str) -> int:
        return self._processes[name].pid


@contextmanager
def crew_of(desk: Desk) -> Iterator[Crew]:
    with ExitStack() as stack:
        yield Crew(desk, stack)


def parts_of(store: Store) -> list[Part]:
    (run,) = store.runs()
    return store.ledger.parts(run.schedule_id, run.slot)


def held_by(store: Store, pid: int) -> list[int]:
    """The parts that a process holds now."""
    if not store.runs():
        return []
    held = [part for part in parts_of(store) if part.status == "running"]
    return [part.part for part in held if part.owner.endswith(f":{pid}")]


def check_nothing_is_lost_or_doubled(url: str) -> None:
    """One estimate, one transition and one notice of every question of the run's."""
    asked = UNITS * A_UNIT
    with psycopg.connect(url) as connection:
        for table, name in (("estimate", "question_id"), ("transition", "subject")):
            query = f"SELECT count(*), count(DISTINCT {name}) FROM {table} WHERE {name} LIKE 'u%'"
            assert connection.execute(query).fetchone() == (asked, asked), table
        query = "SELECT count(*), count(DISTINCT subject) FROM notice WHERE subject LIKE 'u%'"
        assert connection.execute(query).fetchone() == (asked, asked)


def test_killed_in_turn_and_frozen_they_lose_no_part_and_double_none(
    desk: Desk, postgres_url: str
) -> None:
    with open_store(postgres_url) as store, crew_of(desk) as crew:
        crew.start("w1", "worker")
        crew.start("w2", "worker")
        crew.start("serve", "serve", "--no-work")
        wait_for(lambda: held_by(store, crew.pid("w1")))
        crew.send("w1", signal.SIGSTOP)
        [frozen] = held_by(store, crew.pid("w1")) or [0]
        wait_for(lambda: held_by(store, crew.pid("w2")))
        crew.send("serve", signal.SIGKILL)
        crew.send("w2", signal.SIGKILL)
        assert store.runs()[0].status == "running"
        crew.start("another", "serve")
        # who was frozen within a transaction keeps its locks until the server ends it
        wait_for(lambda: store.runs()[0].status != "running", 3 * PATIENCE + IDLE_TIMEOUT)
        [run] = store.runs()
        crew.send("w1", signal.SIGCONT)
        words = f"part {frozen} of the run of 'daily' was taken over by another process"
        wait_for(lambda: words in crew.logs["w1"].read_text())
        log = crew.end("w1")
        crew.end("another")
    assert (run.status, run.detail.partition(",")[0]) == ("done", f"{UNITS * A_UNIT} estimates")
    assert log.count("nothing is written") == 1
    assert "Traceback" not in log
    assert log.endswith("stopped\n")
    check_nothing_is_lost_or_doubled(postgres_url)
