"""What goes wrong in a database is one plain line, and what comes with it stays undone."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text

from forecast.errors import StoreError
from forecast.evidence import Report
from forecast.store import Store, open_store
from forecast.store.checks import SAFE_SQLITE
from forecast.store.columns import metadata
from forecast.store.database import Database, parse_url
from forecast.store.migrate import HEAD, VERSION_TABLE, migration_config
from forecast.store.queue import is_ours

ROOT = Path(__file__).parents[2]
NOW = datetime(2025, 11, 29, tzinfo=UTC)
REPORT = Report("R1", "usa-ven", "a.tag", NOW, NOW, "i1")


def _path(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


def _refusal(url: str, *, create: bool = True) -> StoreError:
    with pytest.raises(StoreError) as caught:
        open_store(url, create=create, busy_timeout=0.05)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_new_store_is_at_the_newest_schema_and_opens_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    with open_store(url) as store:
        store.add_reports([REPORT], NOW)
    with open_store(url, create=False) as store:
        assert store.reports("usa-ven", NOW + timedelta(days=1)) == [REPORT]
        assert next(check for check in store.check() if check.name == "schema").ok


def test_a_new_store_is_made_in_an_empty_postgresql(postgres_server: str) -> None:
    with psycopg.connect(postgres_server.format("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty TEMPLATE template0")
    with open_store(postgres_server.format("empty")) as store:
        assert store.add_reports([REPORT], NOW).new == 1


def test_a_folder_with_percent_signs_and_spaces_is_no_trouble(tmp_path: Path) -> None:
    folder = tmp_path / "100 %(a)s"
    folder.mkdir()
    with open_store(f"sqlite:///{folder}/new.db") as store:
        assert store.questions() == []


def test_the_head_that_is_checked_cheaply_is_alembics(store_url: str) -> None:
    scripts = ScriptDirectory.from_config(migration_config())
    assert scripts.get_current_head() == HEAD
    assert {len(script.revision) for script in scripts.walk_revisions()} == {4}


def test_the_migrations_make_the_tables_that_the_code_knows(store_url: str) -> None:
    database = Database(parse_url(store_url), busy_timeout=1)

    def differences(connection: Connection) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    assert database.read(differences) == []
    database.close()


def test_opening_a_store_that_is_at_head_loads_no_alembic(sqlite_url: str) -> None:
    code = (
        "import sys\n"
        "from forecast.store import open_store\n"
        "open_store(sys.argv[1]).close()\n"
        "print(sorted({'alembic', 'pydantic', 'psycopg', 'sqlalchemy.orm'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, sqlite_url], cwd=ROOT, capture_output=True, text=True
    )
    assert (found.stdout, found.stderr) == ("[]\n", "")


KILLED_AT = """
import itertools, os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from forecast.store import open_store

statements = itertools.count(1)

@event.listens_for(Engine, "after_cursor_execute")
def _(*args):
    if next(statements) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

open_store(sys.argv[1]).close()
"""


def test_a_migration_that_is_killed_anywhere_is_done_by_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    killed = 0
    for statement in (3, 9, 20, 41, 60):
        command = [sys.executable, "-c", KILLED_AT, url, str(statement)]
        killed += subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    assert killed == 5, "each was killed in the middle"
    with open_store(url) as store:
        assert store.add_reports([REPORT], NOW).new == 1
        assert all(check.ok for check in store.check() if check.name != "sqlite")


def test_several_processes_may_make_one_store_at_once(tmp_path: Path) -> None:
    code = "import sys; from forecast.store import open_store; open_store(sys.argv[1]).close()"
    arguments = [sys.executable, "-c", code, f"sqlite:///{tmp_path}/new.db"]
    processes = [
        subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert [process.communicate()[1] for process in processes] == [""] * 3


def test_a_store_is_not_made_where_none_is_wanted(tmp_path: Path, postgres_server: str) -> None:
    path = tmp_path / "none.db"
    assert "does not exist" in str(_refusal(f"sqlite:///{path}", create=False))
    assert not path.exists()
    assert "holds no Tocsin store" in str(
        _refusal(postgres_server.format("postgres"), create=False)
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    error = _refusal(f"sqlite:///{tmp_path}/nowhere/tocsin.db")
    assert (
        str(error) == f"{tmp_path}/nowhere/tocsin.db: the folder {tmp_path}/nowhere does not exist"
    )


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    assert "cannot be opened" in str(_refusal(f"sqlite:///{tmp_path}"))


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, " * 200)
    assert "is not a database" in str(_refusal(f"sqlite:///{path}"))
    assert path.read_text() == "Dear diary, " * 200


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    before = path.read_bytes()
    assert "is the database of another program" in str(_refusal(f"sqlite:///{path}"))
    assert "holds no Tocsin store" in str(_refusal(f"sqlite:///{path}", create=False))
    assert path.read_bytes() == before


def test_a_store_that_lost_its_log_in_a_copy_gets_it_again(sqlite_url: str) -> None:
    def journal_mode(change: str = "") -> str:
        connection = sqlite3.connect(_path(sqlite_url))
        (mode,) = connection.execute(f"PRAGMA journal_mode {change}").fetchone()
        connection.close()
        return str(mode)

    assert journal_mode("= DELETE") == "delete"
    open_store(sqlite_url, create=False).close()
    assert journal_mode() == "wal"


def test_a_schema_newer_than_ours_is_refused(store_url: str) -> None:
    database = Database(parse_url(store_url), busy_timeout=1)
    newer = text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    database.write(lambda connection: connection.execute(newer) and None)
    database.close()
    assert "written by a newer Tocsin (schema 9999" in str(_refusal(store_url))


def test_a_locked_store_is_said_to_be_locked_and_works_again_after(sqlite_url: str) -> None:
    other = sqlite3.connect(_path(sqlite_url), isolation_level=None)
    with open_store(sqlite_url, busy_timeout=0.05) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another process"):
            store.add_reports([REPORT], NOW)
        assert store.reports("usa-ven", NOW) == []
        other.execute("ROLLBACK")
        assert store.add_reports([REPORT], NOW).new == 1
    other.close()


def test_a_writer_waits_for_another_within_its_busy_timeout(sqlite_url: str) -> None:
    code = (
        "import sqlite3, sys, time\n"
        "other = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "other.execute('BEGIN IMMEDIATE')\n"
        "print('locked', flush=True)\n"
        "time.sleep(0.3)\n"
        "other.execute('COMMIT')\n"
    )
    arguments = [sys.executable, "-c", code, str(_path(sqlite_url))]
    with (
        subprocess.Popen(arguments, stdout=subprocess.PIPE) as process,
        open_store(sqlite_url, busy_timeout=30) as store,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        assert store.add_reports([REPORT], NOW).new == 1


def test_a_read_only_store_can_be_read(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store:
        store.add_reports([REPORT], NOW)
    read_only = f"sqlite:///file:{_path(sqlite_url)}?mode=ro&uri=true"
    with open_store(read_only) as store:
        assert store.reports("usa-ven", NOW + timedelta(days=1)) == [REPORT]
        with pytest.raises(StoreError, match="is read-only"):
            store.add_reports([replace(REPORT, report_id="R2")], NOW)


def test_a_full_disk_leaves_nothing_half_written(sqlite_url: str) -> None:
    database = Database(parse_url(sqlite_url), busy_timeout=1)

    def fill(dbapi_connection: sqlite3.Connection, _record: object) -> None:
        pages = dbapi_connection.execute("PRAGMA page_count").fetchone()[0]
        dbapi_connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    event.listen(database.engine, "connect", fill)
    many = [Report(f"R{n}", "usa-ven", "a.tag", NOW, NOW) for n in range(2000)]
    with Store(database) as store:
        with pytest.raises(StoreError, match="the disk is full"):
            store.add_reports(many, NOW)
        assert store.reports("usa-ven", NOW + timedelta(days=1)) == []
        assert store.add_reports(many[:3], NOW).new == 3


def test_a_damaged_store_is_said_to_be_damaged(sqlite_url: str) -> None:
    path = _path(sqlite_url)
    with open_store(sqlite_url) as store:
        store.add_reports([Report(f"R{n}", "u", "t", NOW, NOW) for n in range(500)], NOW)
    data = bytearray(path.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 64] = os.urandom(64)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged"), open_store(sqlite_url) as store:
        store.reports("u", NOW + timedelta(days=1))


def test_a_store_that_vanished_is_not_quietly_replaced_by_an_empty_one(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store:
        store.add_reports([REPORT], NOW)
    shutil.move(_path(sqlite_url), f"{_path(sqlite_url)}.old")
    assert "does not exist" in str(_refusal(sqlite_url, create=False))


def test_an_unreachable_server_is_named_without_its_password() -> None:
    error = _refusal(
        "postgresql://ann:s3cret@127.0.0.1:1/desk?sslpassword=s3cret&application_name=x"
    )
    assert error.at == "postgresql+psycopg://ann@127.0.0.1:1/desk"
    assert "cannot be reached" in error.message
    assert "s3cret" not in str(error)


def test_a_missing_database_is_said_to_be_missing(postgres_server: str) -> None:
    assert 'database "nosuch" does not exist' in str(_refusal(postgres_server.format("nosuch")))


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "://s3cret",
        "mysql://ann:s3cret@host/x",
        "sqlite3:///s3cret",
        "sqlite://s3cret",
        "sqlite://ann:s3cret@host/x",
        "postgresql://ann:p@ss:s3cret@127.0.0.1/desk",
        "postgresql://ann:pa@s3cret@127.0.0.1:1/desk",
        "postgresql://ann/s3cret@127.0.0.1:1/desk",
        "postgresql://ann:s3cret",
    ],
)
def test_an_address_of_no_store_is_refused_without_repeating_it(url: str) -> None:
    assert "s3cret" not in str(_refusal(url))


def test_a_password_with_an_at_sign_is_told_how_to_be_written() -> None:
    assert "write @ in a password as %40" in str(_refusal("postgresql://a:p@ss:w@h/d"))
    assert "write @ in a password as %40" in str(_refusal("postgresql://a:p@ss@127.0.0.1:1/d"))
    assert parse_url("postgresql://a:p%40ss@h/d").password == "p@ss"


def test_a_transaction_that_lost_a_race_is_run_again(postgres_url: str) -> None:
    database = Database(parse_url(postgres_url), busy_timeout=1)
    tries: list[int] = []

    def work(connection: Connection) -> str:
        tries.append(len(tries))
        if len(tries) < 3:
            connection.exec_driver_sql(
                "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"
            )
        return "done"

    assert database.write(work) == "done"
    assert len(tries) == 3
    database.close()


def test_a_transaction_that_always_loses_gives_up_with_a_line(postgres_url: str) -> None:
    database = Database(parse_url(postgres_url), busy_timeout=1)

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$")

    with pytest.raises(StoreError, match="again and again"):
        database.write(work)
    database.close()


def test_a_server_that_dropped_the_connection_is_asked_again(
    postgres_url: str, postgres_server: str
) -> None:
    with open_store(postgres_url) as store:
        with psycopg.connect(postgres_server.format("postgres"), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [parse_url(postgres_url).database],
            )
        assert store.add_reports([REPORT], NOW).new == 1


def test_a_reader_sees_one_moment_while_another_writes(store_url: str) -> None:
    database = Database(parse_url(store_url), busy_timeout=1)
    with Store(database) as store:

        def counts(connection: Connection) -> tuple[int | None, int | None]:
            query = text("SELECT count(*) FROM report")
            before: int | None = connection.scalar(query)
            store.add_reports([REPORT], NOW)
            return before, connection.scalar(query)

        assert database.read(counts) == (0, 0)
        assert database.read(lambda c: c.scalar(text("SELECT count(*) FROM report"))) == 1


def test_sqlite_is_set_up_to_lose_nothing(sqlite_url: str) -> None:
    database = Database(parse_url(sqlite_url), busy_timeout=1.5)
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1500}
    for name, value in wanted.items():
        pragma = text(f"PRAGMA {name}")
        assert database.read(lambda connection: connection.scalar(pragma)) == value  # noqa: B023
    database.close()


def test_a_store_says_how_it_is(store: Store, store_url: str) -> None:
    checks = {name: (ok, detail) for name, ok, detail in store.check()}
    assert checks["schema"] == (True, f"at {HEAD}, the newest is {HEAD}")
    if store_url.startswith("sqlite"):
        assert checks["integrity"] == (True, "ok")
        assert checks["sqlite"][0] == (sqlite3.sqlite_version_info >= SAFE_SQLITE)
    else:
        assert checks["server"][1].startswith("PostgreSQL ")


def test_a_connection_that_outlives_its_store_is_closed_when_it_is_given_back(
    store_url: str,
) -> None:
    database = Database(parse_url(store_url), busy_timeout=1)
    held: list[Any] = []

    def outlive(connection: Connection) -> None:
        held.append(connection.connection.dbapi_connection)
        database.close()

    database.read(outlive)
    with pytest.raises((psycopg.OperationalError, sqlite3.ProgrammingError)):
        held[0].execute("SELECT 1")
