"""A backup becomes the store again. What was there is put beside it, never overwritten."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select, text
from sqlalchemy.schema import CreateSchema

from forecast.errors import InputError, OutsideError, StoreError, UsageError
from forecast.store import archive, carrying
from forecast.store.backup import FACTS, SQLITE, Backup, rows_of, sync, verified
from forecast.store.database import Database, parse_url, sqlite_path
from forecast.store.failures import store_name

IN_USE = "is in use; stop `tocsin serve` and what else has it open"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and where that lies which was there before ("" where nothing was)."""

    backup: Backup
    beside: str


def restore(path: Path, url: str, stamp: str, *, force: bool = False) -> Restored:
    """Put a verified backup in the place of the store at `url`.

    It keeps the backup's schema, but where a backup of SQLite goes into PostgreSQL.
    UsageError where there is a store with facts in it and not `force`; then it is kept under
    a name with `stamp`. OutsideError where somebody has it open, whether `force` or not.
    """
    backup, target = verified(path), parse_url(url)
    file = sqlite_path(target)
    is_sqlite = target.get_backend_name() == "sqlite"
    if is_sqlite and (file is None or backup.kind != SQLITE):
        words = f"is a backup of {backup.kind}, and the store is not a database of that kind"
        raise InputError(words, at=str(path))
    held = _held(url)
    if held and not force:
        raise UsageError(f"{held}; --force puts it aside and keeps it", at=store_name(target))
    if file is not None:
        return Restored(backup, _restore_file(path, file, stamp))
    return Restored(backup, _restore_database(backup, url, stamp))


def _held(url: str) -> str:
    """Why a store is not to be overwritten; "" where there is none, or nothing in it."""
    try:
        rows = rows_of(url)
    except StoreError as error:
        return error.message
    facts = sum(rows.get(name, 0) for name in FACTS)
    return f"holds a store with {facts} facts" if facts else ""


def _restore_file(path: Path, target: Path, stamp: str) -> str:
    """A copy that is on the disk takes the name in one step; the old file has another by then."""
    part = target.with_name(f"{target.name}.part")
    try:
        beside = _set_aside(target, stamp)
        _copy_private(path, part)
        part.replace(target)
        sync(target.parent)
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(target)) from None
    finally:
        part.unlink(missing_ok=True)
    return beside


def _set_aside(target: Path, stamp: str) -> str:
    if not target.exists():
        return ""
    _close_log(target)
    beside = target.with_name(f"{target.name}.before-{stamp}")
    try:
        os.link(target, beside)
    except OSError:  # a file system without links
        _copy_private(target, beside)
    return str(beside)


def _close_log(target: Path) -> None:
    """Have all of a store in its one file, which SQLite does only where nobody else has it open."""
    if not target.stat().st_size:
        return
    try:
        with closing(sqlite3.connect(target, timeout=1.0, isolation_level=None)) as store:
            mode = store.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "locked"
    except sqlite3.DatabaseError:
        return  # damaged: perhaps that is why something is restored
    if mode != "delete":
        raise OutsideError(IN_USE, at=str(target))


def _copy_private(path: Path, part: Path) -> None:
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with path.open("rb") as backup, os.fdopen(descriptor, "wb") as copy:
        shutil.copyfileobj(backup, copy, 1 << 20)
    sync(part)


def _restore_database(backup: Backup, url: str, stamp: str) -> str:
    """The old tables move into a schema of their own; where restoring fails they move back."""
    database = Database(parse_url(url), busy_timeout=5.0)
    try:
        beside = database.write(_move_aside, f"before_{stamp.lower()}")
        try:
            if backup.kind == SQLITE:
                carrying.carry(backup.path, database)
            else:
                archive.restore(database.url, backup.path)
        except BaseException:
            if beside:
                database.write(_move_back, beside)
            raise
    finally:
        database.close()
    return beside


def _move_aside(connection: Connection, name: str) -> str:
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    if connection.scalar(others):
        raise OutsideError(IN_USE, at=str(connection.engine.url.database))
    schema = str(connection.scalar(select(func.current_schema())))
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
    if not connection.scalar(text(tables)):
        return ""
    _rename(connection, schema, name)
    connection.execute(CreateSchema(schema))
    return name


def _move_back(connection: Connection, name: str) -> None:
    """The new schema is empty: restoring is one transaction."""
    schema = str(connection.scalar(select(func.current_schema())))
    connection.execute(text(f"DROP SCHEMA {_quoted(connection, schema)}"))
    _rename(connection, name, schema)


def _rename(connection: Connection, old: str, new: str) -> None:
    old, new = _quoted(connection, old), _quoted(connection, new)
    connection.execute(text(f"ALTER SCHEMA {old} RENAME TO {new}"))


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
