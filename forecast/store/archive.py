"""A PostgreSQL store as a file of `pg_dump`, read and restored by `pg_restore`.

The password goes by the environment: the arguments of a process are everybody's to read.
https://www.postgresql.org/docs/current/libpq-envars.html
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from forecast.errors import InputError, OutsideError, UsageError

MAGIC = b"PGDMP"
_PLAIN = ("--no-owner", "--no-privileges")


def dump(url: URL, path: Path) -> None:
    """Write the database to a file in pg_dump's custom format, from one moment of it."""
    place, environment = _address(url)
    _run(["pg_dump", "--format=custom", *_PLAIN, f"--file={path}", place], environment, url)


def restore(url: URL, path: Path) -> None:
    """Fill a database that has no tables of these names, in one transaction."""
    place, environment = _address(url)
    wanted = ["--single-transaction", "--exit-on-error", *_PLAIN, f"--dbname={place}"]
    _run(["pg_restore", *wanted, str(path)], environment, url)


def read(path: Path, version_table: str) -> tuple[dict[str, int], str | None]:
    """How many rows of each table a dump holds, and its schema; all of it is read for that.

    InputError where it is damaged.
    """
    rows: dict[str, int] = {}
    version, within = None, ""
    with _said_by(path) as lines:
        for line in lines:
            if not within:
                within = _table_of(line)
                if within:
                    rows[within] = 0
            elif line == b"\\.\n":
                within = ""
            else:
                rows[within] += 1
                version = line.decode().strip() if within == version_table else version
    return rows, version


def _table_of(line: bytes) -> str:
    """The table whose rows follow, of `COPY public.report (row_id, ...) FROM stdin;`."""
    if not (line.startswith(b"COPY ") and line.endswith(b" FROM stdin;\n")):
        return ""
    name = line.split(b" ")[1].decode("utf-8", "replace")
    return name.rpartition(".")[2].strip('"')


@contextmanager
def _said_by(path: Path) -> Iterator[Iterator[bytes]]:
    """The data of a dump as SQL, line by line."""
    command = [_program("pg_restore"), "--data-only", "--file=-", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield process.stdout
        wrong = process.stderr.read()
    if process.returncode:
        raise InputError(f"is damaged, or of a newer pg_dump: {_first(wrong)}", at=str(path))


def _address(url: URL) -> tuple[str, dict[str, str]]:
    """The database as an argument, and in the environment what is secret of it."""
    query = {name: value for name, value in url.query.items() if name != "password"}
    secret = url.password or url.query.get("password")
    environment = {**os.environ, **({"PGPASSWORD": str(secret)} if secret else {})}
    # made anew: `URL.set` keeps a password that is set to None
    shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
    return shown.render_as_string(), environment


def _run(command: Sequence[str], environment: dict[str, str], url: URL) -> None:
    program, *arguments = command
    found = subprocess.run(
        [_program(program), "--no-password", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if found.returncode:
        words = f"{program} failed: {_first(found.stderr)}"
        raise OutsideError(words.replace(str(url.password), "***") if url.password else words)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        words = f"needs PostgreSQL's program {name}, which is not on the PATH"
        raise UsageError(f"a PostgreSQL store {words}; install postgresql-client")
    return found


def _first(said: bytes) -> str:
    """The first line that tells, without the program's name."""
    lines = said.decode("utf-8", "replace").splitlines() or ["it did not say why"]
    return next((line for line in lines if "error" in line.lower()), lines[0])[:300]
