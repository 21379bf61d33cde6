"""Notices to form, and the desk that decides over them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from alerts.facts import notice_id
from alerts.forming import Desk, Formed
from alerts.mutes import Mutes
from alerts.testing import sample_facts
from forecast.alert import (
    Notice,
    NoticeKind,
    Route,
    Selector,
    Silence,
)
from forecast.alert_tables import ChannelTable
from forecast.clock import parse_instant
from forecast.store import Told

NOW = parse_instant("2025-11-17T10:00Z")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
FIRING, RESOLVED = NoticeKind.FIRING, NoticeKind.RESOLVED
REMINDER, OUTCOME = NoticeKind.REMINDER, NoticeKind.OUTCOME
SILENCE = Silence("s-1", Selector(), "ada", "a drill", NOW - HOUR, NOW + HOUR)
SILENCED = "silenced by ada until 17 Nov 2025 11:00 UTC: a drill (s-1)"
FACTS = sample_facts()


def a(
    kind: NoticeKind,
    subject: str = "q",
    episode: int = 1,
    *,
    channel: str = "desk",
    route: Route = Route.NOW,
    severity: str = "warning",
) -> Notice:
    """A notice of the rule r."""
    ident = notice_id(channel, "r", subject, episode, kind.value)
    facts = FACTS.get(kind.value, FACTS["firing"])
    return Notice(ident, channel, "r", subject, episode, kind, severity, route, NOW, facts)


def digest(kind: NoticeKind, subject: str = "q", episode: int = 1) -> Notice:
    return a(kind, subject, episode, route=Route.DIGEST)


def told(notice: Notice, status: str = "delivered") -> Told:
    formed = replace(notice, status="formed", delivery_id=notice.notice_id)
    return Told(formed, status, NOW if status == "delivered" else None)


def table(name: str = "desk", **more: object) -> ChannelTable:
    return ChannelTable.model_validate({"id": name, "kind": "webhook", **more})


DESK = Desk({"desk": table()}, frozenset({"desk"}), ongoing={("r", "q"): 1})
PAGER = replace(DESK, grouped=frozenset())
MUTED = replace(DESK, mutes=Mutes([SILENCE]))


def messages(formed: Formed) -> list[list[str]]:
    """What is in each delivery, as the kinds of its notices; "group" and "digest" say so."""
    found = []
    for delivery, ids in formed.deliveries:
        members = delivery.facts.get("members")
        assert len(members or ids) == len(ids)
        found.append([delivery.kind, *(m["kind"] for m in members or [])])
    return found


def reasons(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [reason for _, reason in pairs]
