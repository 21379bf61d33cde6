"""The outbox: deliveries wait here until a receiver has taken them.

A claim lends a delivery for the length of a lease and gives it a new fencing token. Only the
present token may mark it; a sender that was frozen past its lease is ignored. What became of
each send is a row in `delivery_attempt`.

A clock that was ahead for a moment leaves due times and leases that nobody would live to see.
What lies further ahead than any wait or lease can be counts as over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from forecast.alert import Delivery
from forecast.store.alert_schema import delivery as outbox
from forecast.store.alert_schema import delivery_attempt
from forecast.store.types import columns_of

DUE, SENDING, DELIVERED, DEAD = "due", "sending", "delivered", "dead"
LONGEST_WAIT = 1.2 * timedelta(hours=24)  # the last of the retries, with its jitter
LONGEST_LEASE = timedelta(minutes=10)  # twice what senders ask for: their clocks may differ


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
    """Deliveries that are due or abandoned, lent to `owner`, oldest first.

    Of each channel `owner` holds at most `limit` at a time, with those lent to it before; what
    it holds it is never lent again.
    """
    is_held = and_(outbox.c.status == SENDING, outbox.c.owner == owner)
    is_free = and_(_is_claimable(now), ~is_held)
    ids = connection.scalars(
        select(outbox.c.delivery_id)
        .where(is_free, outbox.c.delivery_id.in_(_first_of_each(is_held, is_free, limit)))
        .order_by(outbox.c.due_at, outbox.c.row_id)
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


def made_since(connection: Connection, since: datetime) -> list[tuple[str, datetime]]:
    """(channel, created_at) of the deliveries made at or after `since`, oldest first."""
    query = select(outbox.c.channel, outbox.c.created_at).where(outbox.c.created_at >= since)
    found = connection.execute(query.order_by(outbox.c.created_at, outbox.c.row_id))
    return [(channel, created_at) for channel, created_at in found]


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When a claim next finds something: `now` if it does at once, None if nothing waits."""
    if connection.scalar(select(outbox.c.row_id).where(_is_claimable(now)).limit(1)) is not None:
        return now
    due = select(func.min(outbox.c.due_at)).where(outbox.c.status == DUE)
    abandoned = select(func.min(outbox.c.lease_until)).where(outbox.c.status == SENDING)
    moments = [connection.scalar(due), connection.scalar(abandoned)]
    return min((moment for moment in moments if moment is not None), default=None)


def _is_claimable(now: datetime) -> ColumnElement[bool]:
    """Due, or lent to somebody whose lease ran out."""
    due_at, lease_until = outbox.c.due_at, outbox.c.lease_until
    is_due = or_(due_at <= now, due_at > now + LONGEST_WAIT)
    is_abandoned = or_(lease_until <= now, lease_until > now + LONGEST_LEASE)
    return or_(
        and_(outbox.c.status == DUE, is_due),
        and_(outbox.c.status == SENDING, is_abandoned),
    )


def _first_of_each(
    is_held: ColumnElement[bool], is_free: ColumnElement[bool], limit: int
) -> Select[tuple[str]]:
    """The ids of each channel's first `limit`: the held ones, then the free ones by age."""
    order = [case((is_held, 0), else_=1), outbox.c.due_at, outbox.c.row_id]
    rank = func.row_number().over(partition_by=outbox.c.channel, order_by=order).label("rank")
    ranked = select(outbox.c.delivery_id, rank).where(or_(is_held, is_free)).subquery()
    return select(ranked.c.delivery_id).where(ranked.c.rank <= limit)
