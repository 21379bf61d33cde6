"""`store.access`: tokens of the API, what was asked for, and answers kept for who asks twice."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, or_, select

from forecast.access import Request, RequestStatus, Token
from forecast.errors import UsageError
from forecast.names import did_you_mean
from forecast.store.access_schema import idempotency, request, token
from forecast.store.answers import insert_once
from forecast.store.database import Database
from forecast.store.sessions import Sessions
from forecast.store.types import columns_of

KEPT = timedelta(hours=24)  # answers to requests that bear an idempotency key
TAKEN = timedelta(minutes=1)  # after which who began an answer is taken for dead
_USED_EVERY = timedelta(minutes=1)
_TOKEN = [token.c[field.name] for field in fields(Token)]
_REQUEST = [request.c[field.name] for field in fields(Request)]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of an idempotency key.

    `is_ours`: nobody answers it but us. `digest` is of what was asked first under the key,
    `begun_at` when. `status` is 0 and `answer` None while there is no answer.
    """

    is_ours: bool
    digest: str
    begun_at: datetime
    status: int = 0
    answer: Any = None


class Access:
    """Every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write
        self.sessions = Sessions(database)

    # Tokens

    def add_token(self, one: Token) -> None:
        """Add a token; UsageError while another of its name is live."""
        self._write(_add_token, one)

    def tokens(self) -> list[Token]:
        """All tokens, oldest first."""
        return self._read(_tokens)

    def token_of(self, digest: str) -> Token | None:
        """The token whose secret has that digest."""
        return self._read(_token_of, digest)

    def token_used(self, one: Token, now: datetime) -> None:
        """Note that a token is in use, at most once a minute."""
        if one.last_used_at is None or not timedelta(0) <= now - one.last_used_at < _USED_EVERY:
            self._write(_token_used, one.token_id, now)

    def revoke_token(self, name: str, now: datetime) -> Token:
        """Have the live token of a name, or of an id, open nothing any more."""
        return self._write(_revoke, name, now)

    # What was asked for

    def ask(self, one: Request) -> Request:
        """Add a request; one that is there already stays as it is, and is what is returned."""
        return self._write(_ask, one)

    def request(self, request_id: str) -> Request | None:
        """One request, and what became of it so far."""
        return self._read(_request, request_id)

    def claim_request(
        self,
        now: datetime,
        owner: str,
        lease: timedelta,
        kinds: Collection[str] | None = None,
    ) -> Request | None:
        """Take up the oldest request that waits, or whose holder's lease ran out.

        Of some kinds, or of all.
        """
        if not self._read(_claimable, now, kinds):  # nothing, mostly: no writer's turn for that
            return None
        return self._write(_claim, now, owner, lease, kinds)

    def finish_request(
        self,
        held: Request,
        now: datetime,
        *,
        result: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> bool:
        """Say how it ended; False, and nothing written, where another took it up since."""
        return self._write(_finish, held, now, result, error)

    # Who asks twice

    def remember(self, token_id: str, key: str, digest: str, now: datetime) -> Remembered:
        """Take a key for an answer that is to come, or see what was answered under it."""
        return self._write(_remember, token_id, key, digest, now)

    def answered(self, token_id: str, key: str, status: int, answer: Any) -> None:
        """Keep the answer under a key that was taken."""
        self._write(_answered, token_id, key, status, answer)

    def forget(self, token_id: str, key: str) -> None:
        """Give a key back that came to no answer worth keeping."""
        self._write(_forget, token_id, key)


def _add_token(connection: Connection, one: Token) -> None:
    same = [t for t in _tokens(connection) if t.name == one.name and t.is_live(one.created_at)]
    if same:
        raise UsageError(f"there is a token '{one.name}' already; revoke it, or take another name")
    connection.execute(token.insert(), columns_of(one))


def _tokens(connection: Connection) -> list[Token]:
    return [Token(*row) for row in connection.execute(select(*_TOKEN).order_by(token.c.row_id))]


def _token_of(connection: Connection, digest: str) -> Token | None:
    row = connection.execute(select(*_TOKEN).where(token.c.digest == digest)).first()
    return None if row is None else Token(*row)


def _token_used(connection: Connection, token_id: str, now: datetime) -> None:
    connection.execute(token.update().where(token.c.token_id == token_id).values(last_used_at=now))


def _revoke(connection: Connection, name: str, now: datetime) -> Token:
    known = _tokens(connection)
    found = [t for t in known if name in (t.name, t.token_id) and t.revoked_at is None]
    if not found:
        near = did_you_mean(name, {t.name for t in known if t.revoked_at is None})
        raise UsageError(f"there is no token '{name}' that could be revoked{near}")
    last = found[-1]
    ours = token.c.token_id == last.token_id
    connection.execute(token.update().where(ours).values(revoked_at=now))
    return last


def _ask(connection: Connection, one: Request) -> Request:
    row = columns_of(one) | {"owner": "", "lease_until": None}
    connection.execute(insert_once(connection, request), row)
    found = _request(connection, one.request_id)
    assert found is not None
    return found


def _request(connection: Connection, request_id: str) -> Request | None:
    row = connection.execute(select(*_REQUEST).where(request.c.request_id == request_id)).first()
    return None if row is None else Request(*row)


def _first(now: datetime, kinds: Collection[str] | None) -> Select[Any]:
    is_abandoned = and_(request.c.status == RequestStatus.RUNNING, request.c.lease_until <= now)
    query = select(request.c.row_id, request.c.begun_at).where(
        or_(request.c.status == RequestStatus.WAITING, is_abandoned)
    )
    if kinds is not None:
        query = query.where(request.c.kind.in_(sorted(kinds)))
    return query.order_by(request.c.row_id).limit(1)


def _claimable(connection: Connection, now: datetime, kinds: Collection[str] | None) -> bool:
    return connection.execute(_first(now, kinds)).first() is not None


def _claim(
    connection: Connection,
    now: datetime,
    owner: str,
    lease: timedelta,
    kinds: Collection[str] | None,
) -> Request | None:
    query = _first(now, kinds).with_for_update(skip_locked=True)  # SQLite knows none of it
    row = connection.execute(query).first()
    if row is None:
        return None
    lent = {
        "status": RequestStatus.RUNNING,
        "owner": owner,
        "fence": request.c.fence + 1,
        "begun_at": row.begun_at or now,
        "lease_until": now + lease,
    }
    update = request.update().where(request.c.row_id == row.row_id).values(lent)
    return Request(*connection.execute(update.returning(*_REQUEST)).one())


def _finish(
    connection: Connection,
    held: Request,
    now: datetime,
    result: dict[str, Any] | None,
    error: dict[str, Any] | None,
) -> bool:
    ours = request.update().where(
        request.c.request_id == held.request_id,
        request.c.fence == held.fence,
        request.c.status == RequestStatus.RUNNING,
    )
    status = RequestStatus.FAILED if error else RequestStatus.DONE
    values = {"status": status, "result": result, "error": error, "finished_at": now}
    return connection.execute(ours.values(values | {"lease_until": None})).rowcount == 1


def _remember(
    connection: Connection, token_id: str, key: str, digest: str, now: datetime
) -> Remembered:
    connection.execute(delete(idempotency).where(idempotency.c.begun_at < now - KEPT))
    row = {"token_id": token_id, "key": key, "digest": digest, "begun_at": now, "taken_at": now}
    new = insert_once(connection, idempotency).returning(idempotency.c.row_id)
    if connection.execute(new, row | {"status": 0, "answer": None}).first():
        return Remembered(True, digest, now)
    ours = and_(idempotency.c.token_id == token_id, idempotency.c.key == key)
    left = and_(ours, idempotency.c.status == 0, idempotency.c.taken_at <= now - TAKEN)
    retaken = connection.execute(idempotency.update().where(left).values(taken_at=now)).rowcount
    names = ("digest", "begun_at", "status", "answer")
    found = connection.execute(select(*[idempotency.c[name] for name in names]).where(ours)).one()
    return Remembered(retaken == 1 and found.digest == digest, *found)


def _answered(connection: Connection, token_id: str, key: str, status: int, answer: Any) -> None:
    ours = and_(idempotency.c.token_id == token_id, idempotency.c.key == key)
    connection.execute(idempotency.update().where(ours).values(status=status, answer=answer))


def _forget(connection: Connection, token_id: str, key: str) -> None:
    ours = and_(idempotency.c.token_id == token_id, idempotency.c.key == key)
    connection.execute(delete(idempotency).where(ours, idempotency.c.status == 0))
