"""The schema's versions: what a store is at, and bringing it to ours.

Versions are counted (`0001`, `0002`, ...), so that older and newer can be told apart without
loading Alembic, which costs half a second and is needed only when a store must change.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Text, column, func, inspect, select, table

from forecast.errors import StoreError
from forecast.store import queue
from forecast.store.database import Database, sqlite_path

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0015"
VERSION_TABLE = "tocsin_schema"  # its own: another program may keep an alembic_version here
_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x70C51  # any number that all our processes agree on


def bring_to_head(database: Database, *, create: bool) -> None:
    """Make or upgrade the schema where `create` allows it; StoreError otherwise."""
    _check_file(database, create=create)
    version = database.read(stored_version)
    if version == HEAD:
        database.turn_to_wal()
        return
    check_not_newer(version, database.name)
    if not create:
        state = "holds no Tocsin store" if version is None else f"is at the older schema {version}"
        raise StoreError(f"{state}; `tocsin init` prepares it", at=database.name)
    if version is None and database.is_sqlite and database.read(_tables):
        raise StoreError("is the database of another program", at=database.name)
    database.turn_to_wal()
    database.write(upgrade)


def check_not_newer(version: str | None, name: str) -> None:
    """StoreError for a schema that only a newer Tocsin knows."""
    if version is not None and version > HEAD:
        raise StoreError(
            f"was written by a newer Tocsin (schema {version}, this one knows {HEAD}); "
            "upgrade Tocsin",
            at=name,
        )


def stored_version(connection: Connection) -> str | None:
    """The schema version that the store says it has; None where there is no store yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    stored = table(VERSION_TABLE, column("version_num", Text))
    version: str | None = connection.scalar(select(stored.c.version_num))
    return version


def migration_config(connection: Connection | None = None) -> "Config":
    """Alembic's configuration, without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """All migrations in one transaction: killed half-way, nothing has happened."""
    from alembic import command

    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    command.upgrade(migration_config(connection), HEAD)
    if connection.dialect.name == "postgresql":
        queue.prepare(connection)


def _tables(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


def _check_file(database: Database, *, create: bool) -> None:
    path = sqlite_path(database.url)
    if path is None:
        return
    if not path.parent.is_dir():
        raise StoreError(f"the folder {path.parent} does not exist", at=database.name)
    if not create and not path.exists():
        raise StoreError("does not exist; `tocsin init` makes it", at=database.name)
