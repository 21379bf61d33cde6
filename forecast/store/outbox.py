"""The outbox: deliveries wait here until a receiver has taken them.

A claim lends a delivery for the length of a lease and gives it a new fencing token. Only the
present token may mark it; a sender that was frozen past its lease is ignored. What became of
each send is a row in `delivery_attempt`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from forecast.alert import Delivery
from forecast.store.schema import delivery as outbox
from forecast.store.schema import delivery_attempt
from forecast.store.types import columns_of

DUE, SENDING, DELIVERED, DEAD = "due", "sending", "delivered", "dead"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one send: "delivered", "due" (to be tried again) or "dead"."""

    delivery_id: str
    attempt: int
    token: int
    at: datetime
    outcome: str
    error: str


_FIELDS = [field.name for field in fields(Delivery)]
_COLUMNS = [outbox.c[name] for name in _FIELDS]
_ATTEMPT_COLUMNS = [delivery_attempt.c[field.name] for field in fields(Attempt)]


def add(connection: Connection, deliveries: Iterable[Delivery]) -> None:
    """Put deliveries into the outbox; each id once."""
    rows = [columns_of(delivery) | {"owner": "", "lease_until": None} for delivery in deliveries]
    if rows:
        connection.execute(outbox.insert(), rows)


def claim(
    connection: Connection, now: datetime, owner: str, lease: timedelta, limit: int
) -> list[Delivery]:
    """At most `limit` deliveries that are due or abandoned, lent to `owner`, oldest first."""
    claimable = or_(
        and_(outbox.c.status == DUE, outbox.c.due_at <= now),
        and_(outbox.c.status == SENDING, outbox.c.lease_until <= now),
    )
    ids = connection.scalars(
        select(outbox.c.delivery_id)
        .where(claimable)
        .order_by(outbox.c.due_at, outbox.c.created_at, outbox.c.delivery_id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite knows none of it: the writer has it all
    ).all()
    if not ids:
        return []
    lent = {
        "status": SENDING,
        "owner": owner,
        "lease_until": now + lease,
        "attempts": outbox.c.attempts + 1,
        "token": outbox.c.token + 1,
    }
    query = outbox.update().where(outbox.c.delivery_id.in_(ids)).values(lent).returning(*_COLUMNS)
    claimed = [Delivery(*row) for row in connection.execute(query)]
    return sorted(claimed, key=lambda d: ids.index(d.delivery_id))


def settle(
    connection: Connection,
    /,
    delivery: Delivery,
    at: datetime,
    status: str,
    error: str,
    **values: Any,
) -> bool:
    """Give a lent delivery its new status; False if the token is no longer the present one."""
    lent = outbox.update().where(
        outbox.c.delivery_id == delivery.delivery_id,
        outbox.c.token == delivery.token,
        outbox.c.status == SENDING,
    )
    values |= {"status": status, "last_error": error, "lease_until": None}
    if connection.execute(lent.values(values)).rowcount != 1:
        return False
    attempt = Attempt(delivery.delivery_id, delivery.attempts, delivery.token, at, status, error)
    connection.execute(delivery_attempt.insert(), columns_of(attempt))
    return True


def listed(
    connection: Connection, status: str | None, channel: str | None, limit: int | None
) -> list[Delivery]:
    """Deliveries by (created_at, id); with `limit`, the newest so many."""
    query = select(*_COLUMNS).order_by(outbox.c.created_at.desc(), outbox.c.delivery_id.desc())
    for column, wanted in ((outbox.c.status, status), (outbox.c.channel, channel)):
        if wanted is not None:
            query = query.where(column == wanted)
    found = [Delivery(*row) for row in connection.execute(query.limit(limit))]
    return found[::-1]


def attempts(connection: Connection, delivery_id: str) -> list[Attempt]:
    """What became of the sends of one delivery, first to last."""
    query = select(*_ATTEMPT_COLUMNS).where(delivery_attempt.c.delivery_id == delivery_id)
    return [Attempt(*row) for row in connection.execute(query.order_by(delivery_attempt.c.row_id))]


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When a claim next finds something: `now` if it does at once, None if nothing waits."""
    due = select(func.min(outbox.c.due_at)).where(outbox.c.status == DUE)
    abandoned = select(func.min(outbox.c.lease_until)).where(outbox.c.status == SENDING)
    moments = [connection.scalar(due), connection.scalar(abandoned)]
    return min((max(moment, now) for moment in moments if moment is not None), default=None)
