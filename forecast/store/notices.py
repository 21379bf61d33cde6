"""What is to be told to whom: notices wait here until they are formed into deliveries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, tuple_

from forecast.alert import Delivery, Notice
from forecast.errors import ConflictError
from forecast.store import outbox
from forecast.store.alert_schema import delivery, notice
from forecast.store.answers import insert_once
from forecast.store.types import columns_of

WAITING, FORMED, WITHHELD = "waiting", "formed", "withheld"

type Episode = tuple[str, str, int]
"""A rule, its subject, and the number of the episode."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice and what became of its delivery.

    `delivery_status` is "" while it is in none, else "due", "sending", "delivered" or "dead".
    """

    notice: Notice
    delivery_status: str
    delivered_at: datetime | None


_COLUMNS = [notice.c[field.name] for field in fields(Notice)]


def add(connection: Connection, notices: Iterable[Notice]) -> None:
    """Add notices; one that is there already is left alone."""
    rows = [columns_of(one) for one in notices]
    if rows:
        connection.execute(insert_once(connection, notice), rows)


def waiting(connection: Connection) -> list[Notice]:
    """All that is still to be told, in the order in which it was recorded."""
    query = select(*_COLUMNS).where(notice.c.status == WAITING).order_by(notice.c.row_id)
    return [Notice(*row) for row in connection.execute(query)]


def of_episodes(connection: Connection, episodes: Iterable[Episode]) -> list[Told]:
    """All notices of some episodes, in the order in which they were recorded."""
    keys = list(dict.fromkeys(episodes))
    if not keys:
        return []
    key = tuple_(notice.c.rule_id, notice.c.subject, notice.c.episode)
    return _told(connection, _with_deliveries().where(key.in_(keys)))


def of_delivery(connection: Connection, delivery_id: str) -> list[Told]:
    """The notices that one delivery tells."""
    return _told(connection, _with_deliveries().where(notice.c.delivery_id == delivery_id))


def undelivered(connection: Connection) -> set[tuple[str, str, str]]:
    """(channel, rule, subject) of which a delivery is still to be sent."""
    columns = (notice.c.channel, notice.c.rule_id, notice.c.subject)
    query = (
        select(*columns)
        .join(delivery, delivery.c.delivery_id == notice.c.delivery_id)
        .where(delivery.c.status.in_([outbox.DUE, outbox.SENDING]))
        .distinct()
    )
    return {(channel, rule, subject) for channel, rule, subject in connection.execute(query)}


def form(
    connection: Connection,
    formed: Sequence[tuple[Delivery, Sequence[str]]],
    withheld: Sequence[tuple[str, str]],
    at: datetime,
) -> None:
    """Turn waiting notices into deliveries, (delivery, notice ids) each, or withhold them.

    `withheld` are (notice id, reason). ConflictError where one of them waits no longer, because
    another process was first; then nothing is written.
    """
    ids = [one for _, group in formed for one in group] + [one for one, _ in withheld]
    query = select(notice.c.notice_id).where(
        notice.c.notice_id.in_(ids), notice.c.status == WAITING
    )
    if len(connection.execute(query.with_for_update()).all()) != len(ids):
        raise ConflictError("some of these notices were formed by another process")
    outbox.add(connection, [one for one, _ in formed])
    for one, group in formed:
        _settle(connection, group, FORMED, at, delivery_id=one.delivery_id)
    for one_id, reason in withheld:
        _settle(connection, [one_id], WITHHELD, at, reason=reason)


def _settle(
    connection: Connection, ids: Sequence[str], status: str, at: datetime, **values: Any
) -> None:
    values |= {"status": status, "settled_at": at}
    connection.execute(notice.update().where(notice.c.notice_id.in_(ids)).values(values))


def _with_deliveries() -> Select[Any]:
    return (
        select(*_COLUMNS, delivery.c.status, delivery.c.delivered_at)
        .outerjoin(delivery, delivery.c.delivery_id == notice.c.delivery_id)
        .order_by(notice.c.row_id)
    )


def _told(connection: Connection, query: Select[Any]) -> list[Told]:
    return [
        Told(Notice(*columns), status or "", delivered_at)
        for *columns, status, delivered_at in connection.execute(query)
    ]
