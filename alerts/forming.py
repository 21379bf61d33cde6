"""From what is to be told to messages: which notices go together, which wait, which are dropped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.facts import group_id
from forecast.alert import Delivery, Notice


@dataclass(frozen=True, slots=True)
class Formed:
    """Deliveries with the ids of the notices they tell, and what is withheld: (id, reason)."""

    deliveries: list[tuple[Delivery, list[str]]] = field(default_factory=list)
    withheld: list[tuple[str, str]] = field(default_factory=list)


def form(waiting: Sequence[Notice], now: datetime) -> Formed:
    """The messages that go out now."""
    formed = Formed()
    for notice in waiting:
        ids = [notice.notice_id]
        delivery = Delivery(
            group_id(ids),
            notice.channel,
            notice.kind.value,
            now,
            now,
            notice.facts,
            queued_at=now,
        )
        formed.deliveries.append((delivery, ids))
    return formed
