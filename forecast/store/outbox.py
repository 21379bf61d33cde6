"""The outbox: deliveries wait here until a receiver has taken them.

A claim lends a delivery for the length of a lease and gives it a new fencing token. Only the
present token may mark it; a sender that was frozen past its lease is ignored. What became of
each send is a row in `delivery_attempt`, and what it says of the channel one in
`channel_state`, where that is news. What waits for a channel that is switched off is not lent.

A clock that was ahead for a moment leaves due times and leases that nobody would live to see.
What lies further ahead than any wait or lease can be counts as over.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from forecast.alert import ChannelHealth, ChannelState, Delivery
from forecast.errors import UsageError
from forecast.store.alert_schema import channel_state, delivery_attempt
from forecast.store.alert_schema import delivery as outbox
from forecast.store.types import columns_of

DUE, SENDING, DELIVERED, DEAD = "due", "sending", "delivered", "dead"
LONGEST_WAIT = 1.2 * timedelta(hours=24)  # the last of the retries, with its jitter
LONGEST_LEASE = timedelta(minutes=10)  # far more than senders ask for: their clocks may differ
MOST_IDS = 1000  # in one statement: SQLite binds 32,766 values at most
MOURNING = timedelta(days=1)  # for which a channel that gave a message up is not well
LATEST = 100  # attempts in which the last one of a channel is looked for


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
    connection: Connection,
    now: datetime,
    owner: str,
    lease: timedelta,
    limit: int,
    but_not: Collection[str] = (),
) -> list[Delivery]:
    """Deliveries that are due or abandoned, lent to `owner`, oldest first.

    Of each channel `owner` holds at most `limit` at a time, with those lent to it before; what
    it holds it is never lent again. Nothing of the channels `but_not`.
    """
    is_held = and_(outbox.c.status == SENDING, outbox.c.owner == owner)
    is_free = and_(_is_claimable(now), ~is_held)
    if but_not:
        is_free = and_(is_free, outbox.c.channel.not_in(but_not))
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


def renew(connection: Connection, owner: str, until: datetime) -> None:
    """Lend what `owner` still holds until later."""
    is_held = and_(outbox.c.status == SENDING, outbox.c.owner == owner)
    connection.execute(outbox.update().where(is_held).values(lease_until=until))


def release(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Take lent deliveries back that were not sent: due as before, the attempt not counted."""
    held = [(delivery.delivery_id, delivery.token) for delivery in deliveries]
    is_held = tuple_(outbox.c.delivery_id, outbox.c.token).in_(held)
    back = {"status": DUE, "attempts": outbox.c.attempts - 1, "lease_until": None}
    connection.execute(outbox.update().where(is_held, outbox.c.status == SENDING).values(back))


def settle(
    connection: Connection,
    /,
    delivery: Delivery,
    at: datetime,
    status: str,
    error: str,
    health: ChannelHealth | None,
    **values: Any,
) -> bool:
    """Give a lent delivery its new status; False if the token is no longer the present one.

    `health` is what its send says of the channel, if anything.
    """
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
    if health is not None:
        _note_health(connection, ChannelState(delivery.channel, health, at, error))
    return True


def replay(connection: Connection, ids: Sequence[str], at: datetime) -> None:
    """Dead deliveries are due again, from the beginning of their schedule, all or none.

    UsageError where one of them is not there or not dead.
    """
    back = {"status": DUE, "attempts": 0, "due_at": at, "queued_at": at}
    for some in batched(sorted(set(ids)), MOST_IDS):
        are_named = outbox.c.delivery_id.in_(some)
        query = select(outbox.c.delivery_id, outbox.c.status).where(are_named)
        found = {row[0]: row[1] for row in connection.execute(query.with_for_update())}
        for ident in some:
            if found.get(ident) != DEAD:
                raise UsageError(_why_not_replayed(ident, found.get(ident)))
        connection.execute(outbox.update().where(are_named).values(back))


def _why_not_replayed(ident: str, status: str | None) -> str:
    if status is None:
        return f"there is no delivery '{ident}'"
    words = {DUE: "still to be sent", SENDING: "being sent"}.get(status, "delivered")
    return f"delivery {ident} is {words}; only what was given up is sent again"


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


def beginning_with(connection: Connection, letters: str, limit: int) -> list[Delivery]:
    """Deliveries whose id begins so; the one that is called so before all others."""
    query = select(*_COLUMNS).where(outbox.c.delivery_id.startswith(letters, autoescape=True))
    query = query.order_by(outbox.c.delivery_id != letters, outbox.c.delivery_id)
    return [Delivery(*row) for row in connection.execute(query.limit(limit))]


def last_attempts(connection: Connection, channels: Collection[str]) -> dict[str, datetime]:
    """When each of some channels was last tried, of those tried lately."""
    newest = select(func.max(delivery_attempt.c.row_id)).scalar_subquery()
    query = (
        select(outbox.c.channel, func.max(delivery_attempt.c.at))
        .join(outbox, outbox.c.delivery_id == delivery_attempt.c.delivery_id)
        .where(delivery_attempt.c.row_id > newest - LATEST, outbox.c.channel.in_(channels))
        .group_by(outbox.c.channel)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def made_since(connection: Connection, since: datetime) -> list[tuple[str, datetime]]:
    """(channel, created_at) of the deliveries made at or after `since`, oldest first."""
    query = select(outbox.c.channel, outbox.c.created_at).where(outbox.c.created_at >= since)
    found = connection.execute(query.order_by(outbox.c.created_at, outbox.c.row_id))
    return [(channel, created_at) for channel, created_at in found]


def next_due(connection: Connection, now: datetime) -> datetime | None:
    """When a claim next finds something: `now` if it does at once, None if nothing waits."""
    if connection.scalar(select(outbox.c.row_id).where(_is_claimable(now)).limit(1)) is not None:
        return now
    due = select(func.min(outbox.c.due_at)).where(outbox.c.status == DUE, _is_open())
    abandoned = select(func.min(outbox.c.lease_until)).where(outbox.c.status == SENDING, _is_open())
    moments = [connection.scalar(due), connection.scalar(abandoned)]
    return min((moment for moment in moments if moment is not None), default=None)


def _is_claimable(now: datetime) -> ColumnElement[bool]:
    """Due, or lent to somebody whose lease ran out; and its channel is not switched off."""
    due_at, lease_until = outbox.c.due_at, outbox.c.lease_until
    is_due = or_(due_at <= now, due_at > now + LONGEST_WAIT)
    is_abandoned = or_(lease_until <= now, lease_until > now + LONGEST_LEASE)
    is_ready = or_(
        and_(outbox.c.status == DUE, is_due),
        and_(outbox.c.status == SENDING, is_abandoned),
    )
    return and_(is_ready, _is_open())


def _is_open() -> ColumnElement[bool]:
    """Whether a delivery's channel is not switched off."""
    later = channel_state.alias("later")
    is_superseded = exists().where(
        later.c.channel == channel_state.c.channel, later.c.row_id > channel_state.c.row_id
    )
    is_off = channel_state.c.health == ChannelHealth.DISABLED
    return outbox.c.channel.not_in(select(channel_state.c.channel).where(is_off, ~is_superseded))


def _note_health(connection: Connection, found: ChannelState) -> None:
    """A row where that is news. Only a person switches a channel on again."""
    if found.health is ChannelHealth.WORKS and _gave_up(connection, found):
        return
    query = select(channel_state.c.health).where(channel_state.c.channel == found.channel)
    last = connection.scalar(query.order_by(channel_state.c.row_id.desc()).limit(1))
    if (last or ChannelHealth.WORKS) not in (found.health, ChannelHealth.DISABLED):
        row = columns_of(found) | {"recorded_at": found.since}
        connection.execute(channel_state.insert(), row)


def _gave_up(connection: Connection, found: ChannelState) -> bool:
    """Whether one of its messages was given up lately and not sent again: its owner is to hear."""
    query = (
        select(outbox.c.row_id)
        .join(delivery_attempt, delivery_attempt.c.delivery_id == outbox.c.delivery_id)
        .where(outbox.c.status == DEAD, outbox.c.channel == found.channel)
        .where(delivery_attempt.c.outcome == DEAD, delivery_attempt.c.at > found.since - MOURNING)
    )
    return connection.scalar(query.limit(1)) is not None


def _first_of_each(
    is_held: ColumnElement[bool], is_free: ColumnElement[bool], limit: int
) -> Select[tuple[str]]:
    """The ids of each channel's first `limit`: the held ones, then the free ones by age."""
    order = [case((is_held, 0), else_=1), outbox.c.due_at, outbox.c.row_id]
    rank = func.row_number().over(partition_by=outbox.c.channel, order_by=order).label("rank")
    ranked = select(outbox.c.delivery_id, rank).where(or_(is_held, is_free)).subquery()
    return select(ranked.c.delivery_id).where(ranked.c.rank <= limit)
