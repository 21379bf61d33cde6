"""The queue on PostgreSQL: jobs come and go in the ledger's own transactions."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Connection

from forecast.store import RunClaim, Share, Store, open_store
from forecast.store import queue as queues
from forecast.store.database import Database, parse_url

NOW = datetime(2025, 11, 29, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AT = ("hourly", NOW)
SHARES = [Share("hazard", ("a",)), Share("hazard", ("b",)), Share("base-rate", ("c",))]


def jobs(url: str) -> list[tuple[str, int]]:
    """The queue and the part of every job that waits."""
    query = "SELECT queue_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
    with psycopg.connect(url) as connection:
        return [(queue, args["part"]) for queue, args in connection.execute(query)]


def begin(store: Store, *, keeps: bool = True) -> None:
    claim = RunClaim(*AT, "a")
    assert store.ledger.begin(claim, SHARES, NOW, MINUTE, keeps=keeps, is_queued=True)


def test_a_job_waits_for_each_part_that_nobody_holds_in_the_queue_of_its_family(
    postgres_url: str,
) -> None:
    with open_store(postgres_url) as store:
        begin(store)
        assert jobs(postgres_url) == [("tocsin.hazard", 2), ("tocsin.base-rate", 3)]


def test_a_run_that_is_not_stored_puts_nothing_into_the_queue(postgres_url: str) -> None:
    database = Database(parse_url(postgres_url), busy_timeout=1)

    def break_off(connection: Connection) -> None:
        queues.put(connection, [queues.Job(*AT, 1, "hazard")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(break_off)
    database.close()
    assert jobs(postgres_url) == []


def test_a_part_that_is_taken_without_its_job_takes_the_job_away(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        begin(store)
        assert store.ledger.claim_part(*AT, "a", NOW, MINUTE) is not None
        assert jobs(postgres_url) == [("tocsin.base-rate", 3)]


def test_a_part_without_a_job_is_put_back_once(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        begin(store)
        assert store.ledger.put_back(NOW) == 0
        with psycopg.connect(postgres_url) as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
        assert store.ledger.put_back(NOW) == 2
        assert store.ledger.put_back(NOW) == 0
        assert store.ledger.put_back(NOW + MINUTE) == 1  # its holder is dead
        assert [part for _, part in jobs(postgres_url)] == [2, 3, 1]


def test_one_process_at_a_time_looks_after_the_queue(postgres_url: str) -> None:
    database = Database(parse_url(postgres_url), busy_timeout=1)

    def meanwhile(connection: Connection) -> int | None:
        assert queues.lead(connection)
        return store.ledger.put_back(NOW)

    with open_store(postgres_url) as store:
        begin(store)
        assert database.write(meanwhile) is None
    database.close()


def test_the_tables_of_the_queue_are_made_once_and_brought_up_to_date(postgres_url: str) -> None:
    mark = "SELECT obj_description('procrastinate_jobs'::regclass, 'pg_class')"
    with open_store(postgres_url) as store, psycopg.connect(postgres_url) as connection:
        newest = connection.execute(mark).fetchone()
        store.ledger.prepare_queue()
        assert connection.execute(mark).fetchone() == newest
        # as the version before the last migration left them
        trigger = "procrastinate_trigger_status_events_update_v1"
        connection.execute(f"DROP TRIGGER {trigger} ON procrastinate_jobs")
        older = "tocsin: 03.04.00_01_pre_add_retry_failed_job_procedure.sql"
        connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{older}'")
        connection.commit()
        store.ledger.prepare_queue()
        assert connection.execute(mark).fetchone() == newest
        found = connection.execute("SELECT tgname FROM pg_trigger WHERE tgname = %s", (trigger,))
        assert found.fetchall() == [(trigger,)]


def test_tables_of_another_program_are_used_as_they_are(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("COMMENT ON TABLE procrastinate_jobs IS NULL")
    with open_store(postgres_url) as store:
        store.ledger.prepare_queue()
        begin(store)
    assert len(jobs(postgres_url)) == 2


def test_a_store_on_sqlite_has_no_queue(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store:
        assert not store.ledger.is_shared
        store.ledger.prepare_queue()
        begin(store)
        assert len(store.ledger.parts(*AT)) == 3
