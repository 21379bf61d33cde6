"""`store.access.sessions`: who is signed in. A session lives no longer than its token."""

from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, delete, select

from forecast.access import Token
from forecast.store.access_schema import token
from forecast.store.database import Database
from forecast.store.session_schema import session

_TOKEN = [token.c[field.name] for field in fields(Token)]
_OF = select(*_TOKEN).join(session, session.c.token_id == token.c.token_id)


class Sessions:
    """Every method is one transaction. Of a session's secret only the SHA-256 is kept."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def begin(self, digest: str, token_id: str, now: datetime, expires_at: datetime) -> None:
        """Begin a session of a token; those that are over are forgotten."""
        self._write(_begin, digest, token_id, now, expires_at)

    def token_of(self, digest: str, now: datetime) -> Token | None:
        """The live token of a session that lasts; None once either is over."""
        return self._read(_token_of, digest, now)

    def end(self, digest: str) -> None:
        """End a session; one that is not there is no error."""
        self._write(_end, digest)


def _begin(
    connection: Connection, digest: str, token_id: str, now: datetime, expires_at: datetime
) -> None:
    connection.execute(delete(session).where(session.c.expires_at <= now))
    row = {"digest": digest, "token_id": token_id, "begun_at": now, "expires_at": expires_at}
    connection.execute(session.insert(), row)


def _token_of(connection: Connection, digest: str, now: datetime) -> Token | None:
    ours = (session.c.digest == digest) & (session.c.expires_at > now)
    row = connection.execute(_OF.where(ours)).first()
    found = None if row is None else Token(*row)
    return found if found and found.is_live(now) else None


def _end(connection: Connection, digest: str) -> None:
    connection.execute(delete(session).where(session.c.digest == digest))
