"""What is to be told to whom: notices wait here until they are formed into deliveries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Select, exists, func, literal, select, tuple_

from forecast.alert import Delivery, Notice, NoticeKind
from forecast.errors import ConflictError
from forecast.store import outbox
from forecast.store.alert_schema import delivery, notice
from forecast.store.answers import insert_once
from forecast.store.types import Json, columns_of

WAITING, FORMED, WITHHELD = "waiting", "formed", "withheld"
NEVER_TOLD = "its firing was never delivered"
MOST_IDS = 1000  # in one statement: SQLite binds 32,766 values at most

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
_NO_FACTS = literal({}, Json())
_LIGHT = [_NO_FACTS if column is notice.c.facts else column for column in _COLUMNS]


def add(connection: Connection, notices: Iterable[Notice]) -> None:
    """Add notices; one that is there already is left alone."""
    rows = [columns_of(one) for one in notices]
    if rows:
        connection.execute(insert_once(connection, notice), rows)


def waiting(connection: Connection, *, light: bool = False) -> list[Notice]:
    """All that is still to be told, in the order in which it was recorded.

    `light` leaves the facts out: thousands may wait for a morning, and be looked at twice a second.
    """
    query = select(*(_LIGHT if light else _COLUMNS)).where(notice.c.status == WAITING)
    return [Notice(*row) for row in connection.execute(query.order_by(notice.c.row_id))]


def named(connection: Connection, notice_ids: Iterable[str]) -> list[Notice]:
    """Some notices, whole, in the order in which they were recorded."""
    return [
        Notice(*row)
        for ids in batched(notice_ids, MOST_IDS)
        for row in connection.execute(
            select(*_COLUMNS).where(notice.c.notice_id.in_(ids)).order_by(notice.c.row_id)
        )
    ]


def of_episodes(
    connection: Connection, episodes: Iterable[Episode], *, light: bool = False
) -> list[Told]:
    """All notices of some episodes, in the order in which they were recorded; as `waiting`."""
    key = tuple_(notice.c.rule_id, notice.c.subject, notice.c.episode)
    query = _with_deliveries(_LIGHT if light else _COLUMNS)
    found = [
        row
        for keys in batched(dict.fromkeys(episodes), MOST_IDS)
        for row in connection.execute(query.where(key.in_(keys)))
    ]
    return list(_told(sorted(found, key=lambda row: row.row_id)))


def of_delivery(connection: Connection, delivery_id: str) -> list[Told]:
    """The notices that one delivery tells."""
    query = _with_deliveries(_COLUMNS).where(notice.c.delivery_id == delivery_id)
    return list(_told(connection.execute(query)))


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


def open_episodes(connection: Connection, rule_ids: Iterable[str]) -> list[Episode]:
    """The last episode of each of some rules on each subject, where no end of it is to be told."""
    last = func.max(notice.c.episode).label("episode")
    rung = (
        select(notice.c.rule_id, notice.c.subject, last)
        .where(notice.c.rule_id.in_(list(rule_ids)), notice.c.kind == NoticeKind.FIRING)
        .group_by(notice.c.rule_id, notice.c.subject)
        .subquery()
    )
    end = notice.alias("ended")
    same = [end.c[name] == rung.c[name] for name in ("rule_id", "subject", "episode")]
    is_over = exists().where(*same, end.c.kind == NoticeKind.RESOLVED)
    return [
        (rule, subject, n) for rule, subject, n in connection.execute(select(rung).where(~is_over))
    ]


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
    found = 0
    for some in batched(sorted(ids), MOST_IDS):  # in one order, so that two lock without deadlock
        query = select(notice.c.notice_id).where(
            notice.c.notice_id.in_(some), notice.c.status == WAITING
        )
        found += len(connection.execute(query.order_by(notice.c.notice_id).with_for_update()).all())
    if found != len(ids):
        raise ConflictError("some of these notices were formed by another process")
    outbox.add(connection, [one for one, _ in formed])
    for one, group in formed:
        _settle(connection, group, FORMED, at, delivery_id=one.delivery_id)
    for one_id, reason in withheld:
        _settle(connection, [one_id], WITHHELD, at, reason=reason)


def ends_left_out(connection: Connection) -> list[str]:
    """The ids of ends withheld for a firing that was given up then, and was sent again since."""
    firing = notice.alias("firing")
    names = ("channel", "rule_id", "subject", "episode")
    is_sent_again = (
        exists()
        .where(*(firing.c[name] == notice.c[name] for name in names))
        .where(firing.c.kind == NoticeKind.FIRING, firing.c.status == FORMED)
        .where(firing.c.delivery_id == delivery.c.delivery_id, delivery.c.status != outbox.DEAD)
    )
    query = select(notice.c.notice_id).where(
        notice.c.status == WITHHELD,
        notice.c.reason == NEVER_TOLD,
        notice.c.kind == NoticeKind.RESOLVED,
        is_sent_again,
    )
    return list(connection.scalars(query))


def reopen(connection: Connection, notice_ids: Sequence[str]) -> None:
    """Have withheld notices wait again."""
    for some in batched(notice_ids, MOST_IDS):
        withheld = notice.c.notice_id.in_(some) & (notice.c.status == WITHHELD)
        again = {"status": WAITING, "reason": "", "settled_at": None}
        connection.execute(notice.update().where(withheld).values(again))


def _settle(
    connection: Connection, ids: Sequence[str], status: str, at: datetime, **values: Any
) -> None:
    values |= {"status": status, "settled_at": at}
    for some in batched(ids, MOST_IDS):
        connection.execute(notice.update().where(notice.c.notice_id.in_(some)).values(values))


def _with_deliveries(columns: Iterable[Any]) -> Select[Any]:
    return (
        select(notice.c.row_id, *columns, delivery.c.status, delivery.c.delivered_at)
        .outerjoin(delivery, delivery.c.delivery_id == notice.c.delivery_id)
        .order_by(notice.c.row_id)
    )


def _told(rows: Iterable[Any]) -> Iterator[Told]:
    for _, *columns, status, delivered_at in rows:
        yield Told(Notice(*columns), status or "", delivered_at)
