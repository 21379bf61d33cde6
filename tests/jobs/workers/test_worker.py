"""A worker in this process: parts from the queue, jobs that come twice, and beginning anew."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from forecast.clock import utc_now
from forecast.evidence import Report
from forecast.store import open_store
from forecast.watch import load_watch
from jobs.app import App
from jobs.scheduler import tick_until
from jobs.slots import LEASE, Turn, run_slot
from jobs.workers.sharing import tend
from jobs.workers.worker import Worker
from tests.command import TOCSIN
from tests.jobs.desk import Desk, add_facts, make_desk, wait_for


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = make_desk(tmp_path)
    made.rewrite("on_news = false", "on_news = true")
    return made


@pytest.fixture
def app(desk: Desk, postgres_url: str) -> Iterator[App]:
    """The desk's two questions on PostgreSQL."""
    with App(load_watch(desk.folder), open_store(postgres_url)) as opened:
        add_facts(opened.store, utc_now())
        yield opened


@contextmanager
def at_work(app: App) -> Iterator[Worker]:
    """A worker whose threads run until the end."""
    worker = Worker(app, utc_now, Event())
    taking = Thread(target=worker.take, args=(["base-rate"],))
    ticking = Thread(target=tick_until, args=(worker.stop,), kwargs={"quick": (worker.stir,)})
    taking.start()
    ticking.start()
    try:
        yield worker
    finally:
        worker.stop.set()
        taking.join()
        ticking.join()
        worker.close()


def begin(app: App, now: datetime) -> None:
    assert run_slot(app, Turn(app.config.schedules[0], now, "serve", utc_now), works=False) is None


def jobs(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT status FROM procrastinate_jobs")]


def test_a_worker_does_what_a_service_left_to_it_and_what_there_is_news_of(
    app: App, postgres_url: str
) -> None:
    now = utc_now()
    begin(app, now)
    assert jobs(postgres_url) == ["todo"]
    with at_work(app) as worker:
        wait_for(lambda: app.store.runs()[0].status == "done")
        wait_for(lambda: worker.tally["parts"])
        app.store.add_reports([Report("new", "harbour", "union.ballot", now, now)], utc_now())
        wait_for(lambda: worker.tally["units"])
        wait_for(lambda: jobs(postgres_url) == [])
    assert worker.troubles.failure is None
    assert worker.tally["parts"] == 1
    assert len(app.store.estimates("q-strike", now, now)) == 1


def test_a_worker_whose_connections_are_cut_goes_on(app: App, postgres_url: str) -> None:
    begin(app, utc_now())
    with at_work(app) as worker:
        wait_for(lambda: worker.tally["parts"] == 1)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        app.store.close()  # ours were cut too
        begin(app, utc_now())
        wait_for(lambda: worker.tally["parts"] == 2)


def test_a_job_that_comes_twice_is_done_once(app: App) -> None:
    now = utc_now()
    begin(app, now)
    worker = Worker(app, utc_now, Event())
    for _ in range(2):
        worker.do("daily", now, 1)
    worker.do("daily", now, 2)  # there is no such part
    worker.do("gone", now, 1)  # nor such a run
    assert (worker.tally["parts"], worker.troubles.failure) == (1, None)
    assert len(app.store.estimates("q-strike", now, now)) == 1


def test_the_job_of_a_worker_that_died_is_put_back(app: App, postgres_url: str) -> None:
    begin(app, utc_now())
    with psycopg.connect(postgres_url) as connection:  # fetched by one that is silent for long
        connection.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES ('2025-1-1')")
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing',"
            " worker_id = (SELECT id FROM procrastinate_workers)"
        )
    assert tend(app, utc_now(), LEASE) == 1
    assert jobs(postgres_url) == ["todo"]
    assert tend(app, utc_now(), LEASE) == 0


def test_an_edited_file_makes_a_worker_begin_anew_and_so_does_too_much_memory(
    desk: Desk, app: App
) -> None:
    worker = Worker(app, utc_now, Event())
    worker.look()
    assert not worker.stop.is_set()
    desk.rewrite('title = "Harbour desk"', 'title = "Port desk"')
    worker.look()
    assert not worker.stop.is_set(), "it may be in mid-write"
    worker.look()
    assert worker.stop.is_set()
    assert worker.renewal == "watch.toml was edited"
    big = Worker(app, utc_now, Event(), most_bytes=1)
    big.look()
    assert big.renewal.endswith("MB are held")


def test_a_worker_that_begins_anew_keeps_its_process_and_reads_the_edit(
    desk: Desk, app: App, postgres_url: str
) -> None:
    log = desk.folder / "worker.log"
    environment = desk.environment | {"TOCSIN_STORE": postgres_url}
    with (
        log.open("w") as file,
        subprocess.Popen(
            [TOCSIN, "worker"], cwd=desk.folder, env=environment, stderr=file
        ) as process,
    ):
        try:
            wait_for(lambda: "working for 'Harbour desk'" in log.read_text())
            desk.rewrite('title = "Harbour desk"', 'title = "Port desk"')
            wait_for(lambda: "working for 'Port desk' on base-rate" in log.read_text())
            assert process.poll() is None
            process.terminate()
            assert process.wait() == 0
        finally:
            process.kill()
    assert "watch.toml was edited: begins anew" in log.read_text()


@pytest.mark.parametrize("command", [("worker",), ("serve", "--no-work")])
def test_on_sqlite_a_worker_refuses_and_says_why(desk: Desk, command: tuple[str, ...]) -> None:
    found = desk.run(*command)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "workers need a store on PostgreSQL" in found.stderr
    assert "docs/scaling.md" in found.stderr


def test_a_queue_that_no_definition_has_is_refused(desk: Desk, app: App, postgres_url: str) -> None:
    environment = desk.environment | {"TOCSIN_STORE": postgres_url}
    found = Desk(desk.folder, environment).run("worker", "--queues", "base-rat")
    assert found.returncode == 2
    assert "'base-rat'; did you mean 'base-rate'?" in found.stderr
