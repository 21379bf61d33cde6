"""What goes wrong in a database, said in one line and without the password."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from forecast.errors import StoreError

# Result codes by their beginnings: https://www.sqlite.org/rescode.html
_SQLITE = {
    "SQLITE_BUSY": "is locked by another process; try again when that one is done",
    "SQLITE_LOCKED": "is locked by another process; try again when that one is done",
    "SQLITE_READONLY": "is read-only",
    "SQLITE_FULL": "cannot grow: the disk is full",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error",
    "SQLITE_NOTADB": "is not a database",
    "SQLITE_CORRUPT": "is damaged; restore a backup",
    "SQLITE_CANTOPEN": "cannot be opened: its folder is missing or closed to this user",
    "SQLITE_PERM": "is closed to this user",
}
# SQLSTATE by their beginnings: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = {
    "25006": "is read-only",
    "28": "refuses this user or password",
    "3D000": "has no database of that name",
    "40": "was asked for the same rows by others again and again; try once more",
    "42501": "does not grant this user the rights that are needed",
    "53100": "cannot grow: the disk is full",
    "53300": "has too many connections",
    "55P03": "is locked by another process; try again when that one is done",
    "57": "is shutting down or starting up",
}
RACES = ("40001", "40P01")  # serialization failure, deadlock: the whole transaction again


def store_name(url: URL) -> str:
    """The store as it may be printed: a path or an address, no password, no options."""
    if url.get_backend_name() == "sqlite":
        return url.database or "the store in memory"
    shown = URL.create(url.drivername, url.username, None, url.host, url.port, url.database)
    return shown.render_as_string()


@contextmanager
def plain_errors(url: URL) -> Iterator[None]:
    """Turn the errors of drivers into StoreError; those of our own making pass."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_without(url.password, _sentence(error)), at=store_name(url)) from error
    except StatementError as error:  # a value that one of our types refused
        raise (error.orig or error) from None


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's five characters, or "" (SQLite; a connection that never stood)."""
    return getattr(error.orig, "sqlstate", None) or ""


def _sentence(error: DBAPIError) -> str:
    name = getattr(error.orig, "sqlite_errorname", "")
    said = str(error.orig).strip().split("\n")[0]
    if isinstance(error, IntegrityError):
        return f"refuses a row that it has already or that is incomplete: {said}"
    for codes, code in ((_SQLITE, name), (_POSTGRES, sqlstate(error))):
        for beginning, words in codes.items():
            if code.startswith(beginning):
                return words
    if name or sqlstate(error):
        return f"failed: {said}"
    return f"cannot be reached: {said}"


def _without(password: object, text: str) -> str:
    return text.replace(str(password), "***") if password else text
