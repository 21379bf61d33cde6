"""Whether the store is well: facts for `tocsin doctor`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from forecast.clock import Clock
from forecast.store.database import Database, parse_url
from forecast.store.migrate import HEAD, stored_version

SAFE_SQLITE = (3, 51, 3)  # https://www.sqlite.org/wal.html#walresetbug


class Check(NamedTuple):
    """One thing that was looked at: its name, whether it is well, and what was seen."""

    name: str
    ok: bool
    detail: str


def check(connection: Connection) -> list[Check]:
    """Look at the schema, and at what each kind of database can say of itself."""
    version = stored_version(connection)
    schema = Check("schema", version == HEAD, f"at {version}, the newest is {HEAD}")
    if connection.dialect.name == "sqlite":
        return [schema, _integrity(connection), _sqlite_version(connection)]
    server = str(connection.exec_driver_sql("SHOW server_version").scalar_one())
    return [schema, Check("server", True, f"PostgreSQL {server}")]


@contextmanager
def server_clock(url: str) -> Iterator[Clock | None]:
    """Asks the clock of PostgreSQL's machine; None for SQLite, which is on ours.

    By a connection that stands already, so that asking takes as little time as may be.
    """
    database = Database(parse_url(url), busy_timeout=1.0)
    try:
        if database.is_sqlite:
            yield None
        else:
            database.read(_now)
            yield lambda: database.read(_now)
    finally:
        database.close()


def _now(connection: Connection) -> datetime:
    at: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return at


def _integrity(connection: Connection) -> Check:
    found = connection.exec_driver_sql("PRAGMA integrity_check(3)").scalars().all()
    return Check("integrity", found == ["ok"], "; ".join(str(line) for line in found))


def _sqlite_version(connection: Connection) -> Check:
    version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    is_safe = tuple(int(part) for part in version.split(".")) >= SAFE_SQLITE
    safe = ".".join(str(part) for part in SAFE_SQLITE)
    advice = "" if is_safe else f"; below {safe} let only one process write (WAL reset bug)"
    return Check("sqlite", is_safe, f"SQLite {version}{advice}")
