"""A store as one file, and back: consistent while others write, verified before it counts.

SQLite: `VACUUM INTO`, which reads one moment and blocks no writer. PostgreSQL: `pg_dump`, see
`forecast.store.archive`. Nothing here upgrades a schema: a backup is taken before that, too.
"""

import os
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, table

from forecast.errors import InputError, OutsideError, StoreError, UsageError
from forecast.store import archive, copying, schema
from forecast.store.columns import metadata
from forecast.store.database import Database, parse_url, sqlite_path
from forecast.store.failures import plain_errors
from forecast.store.migrate import VERSION_TABLE, check_not_newer, stored_version

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
MAGIC = {b"SQLite format 3\0": SQLITE, archive.MAGIC: POSTGRES}
FACTS = (*(t.name for t in copying.TABLES), schema.prior_version.name, "transition")


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that holds a store: of which kind, at which schema, how many rows of each table."""

    path: Path
    kind: str
    schema: str
    rows: Mapping[str, int]

    @property
    def facts(self) -> dict[str, int]:
        """The rows of tables that are only ever added to."""
        return {name: count for name, count in self.rows.items() if name in FACTS}


def back_up(url: str, path: Path) -> Backup:
    """Write the store at `url` to `path`, which must not be there; what it holds.

    The file is on the disk, whole and verified, before it has its name. StoreError where the
    store cannot be read, UsageError for a path that is taken or a program that is missing.
    """
    if os.path.lexists(path):
        raise UsageError("is there already; nothing is overwritten", at=str(path))
    database = _opened(url)
    part = path.with_name(f"{path.name}.part")
    try:
        before = database.read(_rows)
        if not before:
            raise StoreError("holds no Tocsin store", at=database.name)
        _make_private(part)
        if database.is_sqlite:
            _vacuum_into(database, part)
        else:
            archive.dump(database.url, part)
        sync(part)
        found = verified(part)
        _compare(found, before, database.read(_rows))
        _give_name(part, path)
    finally:
        database.close()
        part.unlink(missing_ok=True)
    return Backup(path, found.kind, found.schema, found.rows)


def verified(path: Path) -> Backup:
    """What a backup holds; InputError where it is damaged, no backup, or of a newer schema."""
    kind = _kind_of(path)
    found = _read_sqlite(path) if kind == SQLITE else _read_archive(path)
    check_not_newer(found.schema, str(path))
    return found


def rows_of(url: str) -> dict[str, int]:
    """How many rows each table of a store has, as it stands; {} where there is no store."""
    target = sqlite_path(parse_url(url))
    if target is not None and not target.exists():
        return {}
    database = _opened(url)
    try:
        return database.read(_rows)
    finally:
        database.close()


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(url: str) -> Database:
    database = Database(parse_url(url), busy_timeout=5.0)
    path = sqlite_path(database.url)
    if path is not None and not path.is_file():  # SQLite would make it
        raise StoreError("does not exist", at=database.name)
    return database


def _rows(connection: Connection) -> dict[str, int]:
    if stored_version(connection) is None:
        return {}
    names = inspect(connection).get_table_names()
    count = select(func.count())
    return {name: connection.scalar(count.select_from(table(name))) or 0 for name in names}


def _make_private(path: Path) -> None:
    """An empty file that nobody else may read: alerts and reports may be confidential."""
    try:
        path.unlink(missing_ok=True)  # of a backup that was killed
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(path)) from None


def _vacuum_into(database: Database, path: Path) -> None:
    outside = database.engine.execution_options(begin=None)  # of a transaction, as SQLite asks
    with plain_errors(database.url), outside.connect() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(path),))


def _give_name(part: Path, path: Path) -> None:
    try:
        os.link(part, path)  # unlike a rename it never takes the place of another file
    except FileExistsError:
        raise UsageError("is there already; nothing is overwritten", at=str(path)) from None
    except OSError:  # a file system without links
        part.replace(path)
    sync(path.parent)


def _compare(found: Backup, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Of what is only ever added to there is as much as there was while it was written."""
    for name in FACTS:
        count = found.rows.get(name, 0)
        if not before.get(name, 0) <= count <= after.get(name, 0):
            words = f"the backup holds {count} rows of {name}, the store {after.get(name, 0)}"
            raise OutsideError(f"{words}; it was not kept", at=str(found.path))


def _kind_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            beginning = file.read(16)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", at=str(path)) from None
    for magic, kind in MAGIC.items():
        if beginning.startswith(magic):
            return kind
    raise InputError("is no backup: neither of SQLite nor of pg_dump", at=str(path))


def _read_sqlite(path: Path) -> Backup:
    """Read as it lies, without a lock or a log: nobody writes to a backup."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as file:
            wrong = [row[0] for row in file.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
            wrong += [f"a row of {row[0]}" for row in file.execute("PRAGMA foreign_key_check")]
            views = {row[0] for row in file.execute(_VIEWS)}
            wrong += [f"{name} is no table" for name in sorted(views & metadata.tables.keys())]
            tables = [row[0] for row in file.execute(_TABLES)]
            rows = {name: file.execute(_COUNT.format(name)).fetchone()[0] for name in tables}
            version = file.execute(_VERSION).fetchone() if VERSION_TABLE in tables else None
            if version is None:
                raise InputError("holds no Tocsin store", at=str(path))
            if not re.fullmatch("(?!0000)[0-9]{4}", str(version[0])):
                wrong.append(f"its schema is '{version[0]}'")
    except sqlite3.DatabaseError as error:
        raise InputError(f"is damaged: {error}", at=str(path)) from None
    if wrong:
        raise InputError(f"is damaged: {'; '.join(wrong[:3])}", at=str(path))
    return Backup(path, SQLITE, str(version[0]), rows)


_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
_COUNT = 'SELECT count(*) FROM "{}"'
_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"
_VIEWS = "SELECT name FROM sqlite_master WHERE type = 'view'"  # which may have rows without end


def _read_archive(path: Path) -> Backup:
    rows, version = archive.read(path, VERSION_TABLE)
    if version is None:
        raise InputError("holds no Tocsin store", at=str(path))
    return Backup(path, POSTGRES, version, rows)
