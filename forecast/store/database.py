"""One database: its connections, its two kinds of transaction, and who may write when."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, Concatenate

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from forecast.errors import StoreError, UsageError
from forecast.store.failures import RACES, plain_errors, sqlstate, store_name

CONNECT_TIMEOUT = 10  # seconds; libpq itself would wait for more than two minutes
IDLE_TIMEOUT = 15  # seconds; a process that is frozen in a transaction must not keep its locks
TRIES = 5
_ESCAPES = "write @ in a password as %40, : as %3A and / as %2F"


class Database:
    """Runs functions that take a connection, each in one transaction.

    Reads see one moment throughout (SQLite's WAL, REPEATABLE READ). On SQLite a writer takes
    the lock at BEGIN, and one process writes through one connection at a time. On PostgreSQL
    a transaction that lost a race (deadlock, serialization) is run again from its start, so
    what it is given must bear being read twice.
    """

    def __init__(self, url: URL, *, busy_timeout: float) -> None:
        self.url = url
        self.name = store_name(url)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url, busy_timeout) if self.is_sqlite else _postgresql(url)
        self._readers = self.engine if self.is_sqlite else _one_moment(self.engine)
        self._writers = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        # SQLite below 3.51.3 can lose a WAL reset to two connections that write at once:
        # https://www.sqlite.org/wal.html#walresetbug
        self._turn: AbstractContextManager[Any] = Lock() if self.is_sqlite else nullcontext()
        self._is_closed = False
        event.listen(self.engine, "checkin", self._given_back)

    def read[**P, T](
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `work` returns, from one moment of the database."""
        with plain_errors(self.url), self._readers.begin() as connection:
            return work(connection, *args, **kwargs)

    def write[**P, T](
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `work` returns, once all of it is committed; if it raises, nothing is."""
        with plain_errors(self.url), self._turn:
            for _ in range(TRIES - 1):
                try:
                    return self._write(work, *args, **kwargs)
                except DBAPIError as error:
                    if sqlstate(error) not in RACES:
                        raise
            return self._write(work, *args, **kwargs)

    def _write[**P, T](
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._writers.begin() as connection:
            return work(connection, *args, **kwargs)

    def turn_to_wal(self) -> None:
        """Have a SQLite file keep a write-ahead log, for ever: only on a file that is ours."""
        if not self.is_sqlite:
            return
        outside = self.engine.execution_options(begin=None)  # of a transaction, as SQLite asks
        with plain_errors(self.url), self._turn, outside.connect() as connection:
            if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        """Give all connections back; what a thread still has, as soon as it is done with it."""
        self._is_closed = True
        self.engine.dispose()

    def _given_back(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        """A pool that was disposed of would keep it, open, until it is collected as garbage."""
        if self._is_closed:
            entry.close()


def parse_url(text: str) -> URL:
    """The address of a store; what it says may be secret and stays out of the errors."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise StoreError(
            "the address of the store is not a URL such as sqlite:///tocsin.db "
            f"or postgresql://user@host/tocsin; {_ESCAPES}"
        ) from None
    backend = url.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        if "@" in f"{url.host}{url.database}":
            raise StoreError(f"the address of the store has an @ too many; {_ESCAPES}")
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"a store is SQLite or PostgreSQL, not {backend}")
    if url.host or url.username is not None:
        raise StoreError("a SQLite file comes after three slashes, as in sqlite:///tocsin.db")
    return url


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite store; None for PostgreSQL, memory and `file:` URIs."""
    is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
    if not is_file or str(url.database).startswith("file:"):
        return None
    return Path(str(url.database))


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT} | dict(url.query),
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise UsageError(
            "PostgreSQL needs psycopg: pip install 'tocsin[postgres]'", at=store_name(url)
        ) from None
    event.listen(engine, "connect", _limit)
    return engine


def _limit(dbapi_connection: Any, _record: object) -> None:
    """Have the server end a transaction in which nothing happens, and free what it locked."""
    dbapi_connection.autocommit = True
    dbapi_connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TIMEOUT}s'")
    dbapi_connection.autocommit = False


def _one_moment(engine: Engine) -> Engine:
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite(url: URL, busy_timeout: float) -> Engine:
    engine = create_engine(url, connect_args={"timeout": busy_timeout})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(dbapi_connection: Any, _record: object) -> None:
    """Set up a new SQLite connection; transactions are begun by us, never by the driver.

    https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable
    """
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: one that reads first could not get it any more."""
    if begin := connection.get_execution_options().get("begin", "BEGIN"):
        connection.exec_driver_sql(begin)
