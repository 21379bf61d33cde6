"""From the schema before this one, with a desk's rows in it as its Tocsin wrote them, to ours.

`store_0007.json` was written by the Tocsin of schema 0007, on `watch_0007.toml`: two questions in
three daily runs, with a correction, a retraction, a resolution, and an alert that was sent,
acknowledged and silenced.
"""

import base64
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import Boolean, Connection, LargeBinary, MetaData, select

from forecast.errors import StoreError
from forecast.store import open_store
from forecast.store.backup import back_up
from forecast.store.database import Database, parse_url
from forecast.store.migrate import HEAD, migration_config
from forecast.store.restoring import restore
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.serve import Service
from tests.conftest import BACKENDS

FOLDER = Path(__file__).parent
ROWS: dict[str, list[dict[str, Any]]] = json.loads(
    (FOLDER / "store_0007.json").read_text(encoding="utf-8")
)
NOW = datetime(2025, 11, 29, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=BACKENDS)
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store at schema 0007 with those rows in it."""
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres_server")
        name = f"old_{os.getpid()}_{abs(hash(str(tmp_path)))}"
        with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        url = server.format(name)
    old = Database(parse_url(url), busy_timeout=1)
    old.write(lambda connection: command.upgrade(migration_config(connection), "0007"))
    old.write(_fill)
    old.close()
    return url


def _fill(connection: Connection) -> None:
    meta = MetaData()
    meta.reflect(connection)
    for table in meta.sorted_tables:
        for row in ROWS.get(table.name, []):
            values = {name: _as_stored(table.c[name].type, value) for name, value in row.items()}
            values.pop("row_id", None)  # counted anew, and the same: what comes next goes on there
            connection.execute(table.insert(), values)


def _as_stored(kind: Any, value: Any) -> Any:
    if isinstance(kind, LargeBinary) and isinstance(value, str):
        return base64.b64decode(value)
    if isinstance(kind, Boolean):
        return bool(value)
    is_time = getattr(kind, "timezone", None) and isinstance(value, str)
    return datetime.fromisoformat(value) if is_time else value


def rows_in(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that the tables of schema 0007 hold in the columns that they had then."""
    database = Database(parse_url(url), busy_timeout=1)

    def read(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
        meta = MetaData()
        meta.reflect(connection, only=list(ROWS))
        found = {}
        for name, rows in ROWS.items():
            columns = [meta.tables[name].c[column] for column in (rows[0] if rows else ())]
            if columns:
                found[name] = sorted(map(tuple, connection.execute(select(*columns))), key=repr)
        return found

    try:
        return database.read(read)
    finally:
        database.close()


def said_in(url: str) -> dict[str, list[str]]:
    """The same, as both databases would print it."""
    return {
        name: sorted(repr([_printed(value) for value in row]) for row in rows)
        for name, rows in rows_in(url).items()
    }


def _printed(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", value):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    return repr(bool(value) if value in (0, 1) else value)


def app_on(url: str, tmp_path: Path) -> App:
    config = parse_config((FOLDER / "watch_0007.toml").read_text(encoding="utf-8"))
    return App(Watch(tmp_path, config), open_store(url))


def test_what_was_stored_is_the_same_afterwards(old_url: str) -> None:
    before = rows_in(old_url)
    assert sum(map(len, before.values())) == sum(map(len, ROWS.values()))
    with open_store(old_url) as store:
        assert [check.ok for check in store.check() if check.name == "schema"] == [True]
        assert {q.question_id for q in store.questions()} == {"q-strike", "q-long", "q-past"}
        snapshot = store.snapshot(store.question("q-strike"), NOW)
        assert [r.report_id for r in snapshot.reports] == ["r20", "r5"]
        assert len(store.estimates("q-strike")) == 3
        told = store.alerts.notices_of([("likely", "q-strike", 1), ("likely", "q-long", 1)])
        assert sorted(one.delivery_status for one in told) == ["delivered", "due"]
    assert rows_in(old_url) == before


def test_the_service_goes_on_where_it_was(old_url: str, tmp_path: Path) -> None:
    with app_on(old_url, tmp_path) as app:
        service = Service(app, lambda: NOW)
        try:
            service.run_due()
            service.ring()
            assert service.failure is None
        finally:
            service.close()
        estimates = app.store.estimates("q-strike")
        assert [e.as_of.day for e in estimates] == [26, 27, 28, 29]
        moved = estimates[-1].moved
        assert moved is not None, "it remembers what it said before"
        assert len(app.store.alerts.transitions("q-strike")) == 1, "and does not ring again"
        assert [run.slot.day for run in app.store.runs()] == [29, 28, 27, 26]


def test_a_backup_from_before_is_upgraded_as_it_is_opened(old_url: str, tmp_path: Path) -> None:
    if not old_url.startswith("sqlite"):
        pytest.skip("pg_restore of an older schema is the same step as of this one")
    made = back_up(old_url, tmp_path / "backup.db")
    assert made.schema == "0007"
    target = f"sqlite:///{tmp_path / 'new.db'}"
    restore(made.path, target, "20251129T070000Z")
    with open_store(target) as store:
        assert all(check.ok for check in store.check() if check.name == "schema")
    assert rows_in(target) == rows_in(old_url)


def test_a_backup_from_before_moves_to_postgresql_as_it_was_written(
    old_url: str, postgres_url: str, tmp_path: Path
) -> None:
    if not old_url.startswith("sqlite"):
        pytest.skip("from PostgreSQL to PostgreSQL is a restore")
    made = back_up(old_url, tmp_path / "backup.db")
    restore(made.path, postgres_url, "20251129T070000Z")
    assert said_in(postgres_url) == said_in(old_url)
    with app_on(postgres_url, tmp_path) as app:
        assert [e.as_of.day for e in app.store.estimates("q-strike")] == [26, 27, 28]


def test_the_older_tocsin_would_have_refused_ours(old_url: str) -> None:
    """Which is what ours does with a store of a later one, and with an older one unasked."""
    with pytest.raises(StoreError, match="older schema 0007"):
        open_store(old_url, create=False)
    open_store(old_url).close()
    newer = Database(parse_url(old_url), busy_timeout=1)
    newer.write(lambda c: c.exec_driver_sql("UPDATE tocsin_schema SET version_num = '9999'"))
    newer.close()
    with pytest.raises(StoreError, match=rf"newer Tocsin \(schema 9999, this one knows {HEAD}\)"):
        open_store(old_url)
