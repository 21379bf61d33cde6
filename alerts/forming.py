"""From what is to be told to messages: which notices go now, which wait, which are left out.

Pure, and every notice has exactly one fate: formed into a delivery, held with the reason for
which it waits, or withheld for good with the reason for which it is never told. About one rule
on one subject a channel is told in the order in which things happened: nothing is formed while
something earlier waits or is still to be sent, unless both go in one message, in order.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched

from alerts.facts import group_id
from alerts.fates import EARLIER, Desk, Held, Ready, Stream, Withheld, fates_of, stream_of
from alerts.groups import DIGEST, GROUP, MOST_MEMBERS, fit_in_one, group_facts
from forecast.alert import Delivery, Notice
from forecast.alert_tables import ChannelTable
from forecast.clock import format_instant
from forecast.words import parse_days

__all__ = ["Desk", "Formed", "form", "longest_look"]

AT_ONCE = 3  # messages that a channel is sent within MINUTE before any are gathered
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Formed:
    """Deliveries with the ids of the notices they tell, and (id, reason) of all others."""

    deliveries: list[tuple[Delivery, list[str]]] = field(default_factory=list)
    withheld: list[tuple[str, str]] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)


def longest_look(channels: Sequence[ChannelTable]) -> timedelta:
    """How far back `Desk.made` has to reach."""
    return max((_look(table) for table in channels), default=MINUTE)


def form(waiting: Sequence[Notice], desk: Desk, now: datetime) -> Formed:
    """The messages that go out now, of what waits in the order in which it was recorded."""
    formed = Formed()
    ready: dict[str, list[Notice]] = defaultdict(list)
    digests: dict[str, list[Notice]] = defaultdict(list)
    fates = fates_of(waiting, desk, now)
    for notice in waiting:
        match fates[notice.notice_id]:
            case Withheld(reason):
                formed.withheld.append((notice.notice_id, reason))
            case Held(reason):
                formed.held.append((notice.notice_id, reason))
            case Ready(is_digest):
                (digests if is_digest else ready)[notice.channel].append(notice)
    for channel, notices in ready.items():
        _form_alerts(formed, notices, desk, channel, now)
    for channel, notices in digests.items():
        is_grouped = channel in desk.grouped
        batches = _batches(_sound(formed, notices)) if is_grouped else [(n,) for n in notices]
        _add(formed, batches, now, DIGEST if is_grouped else "")
    return formed


def _form_alerts(
    formed: Formed, notices: list[Notice], desk: Desk, channel: str, now: datetime
) -> None:
    """The alerts of one channel: the first few each at once, more of them gathered."""
    table = desk.channels[channel]
    if channel not in desk.grouped:
        _add(formed, [(notice,) for notice in notices], now)
        return
    made = [at for name, at in desk.made if name == channel and at <= now]
    recent = sum(at > now - _look(table) for at in made)
    are_apart = len({stream_of(notice) for notice in notices}) == len(notices)
    if are_apart and recent + len(notices) <= AT_ONCE:
        _add(formed, [(notice,) for notice in notices], now)
        return
    next_at = max(made, default=now) + _interval(table)
    if recent >= AT_ONCE and now < next_at:
        wait = f"is gathered with others; the next message goes at {format_instant(next_at)}"
        formed.held.extend((notice.notice_id, wait) for notice in notices)
        return
    batches = _batches(_sound(formed, notices))
    if recent and len(batches) > 1 and len(batches[-1]) < MOST_MEMBERS:
        wait = "is gathered with others; the last message was full"
        formed.held.extend((notice.notice_id, wait) for notice in batches.pop())
    _add(formed, batches, now)


def _sound(formed: Formed, notices: Sequence[Notice]) -> list[Notice]:
    """Those of which a group can tell: a broken row, and what follows it, must stop no other."""
    sound: list[Notice] = []
    broken: set[Stream] = set()
    for notice in notices:
        if stream_of(notice) in broken:
            formed.held.append((notice.notice_id, EARLIER))
        elif trouble := _trouble(notice):
            formed.held.append((notice.notice_id, trouble))
            broken.add(stream_of(notice))
        else:
            sound.append(notice)
    return sound


def _trouble(notice: Notice) -> str:
    """Why no group can tell of it; "" where one can."""
    try:
        fit_in_one([notice])
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        return f"its facts are broken, no group can tell of it ({type(error).__name__})"
    return ""


def _batches(notices: Sequence[Notice]) -> list[Sequence[Notice]]:
    """As few messages as hold them, in order."""
    return [half for batch in batched(notices, MOST_MEMBERS) for half in _halves(batch)]


def _halves(batch: Sequence[Notice]) -> Iterator[Sequence[Notice]]:
    if len(batch) == 1 or fit_in_one(batch):
        yield batch
        return
    middle = len(batch) // 2
    yield from _halves(batch[:middle])
    yield from _halves(batch[middle:])


def _add(
    formed: Formed, batches: Sequence[Sequence[Notice]], now: datetime, kind: str = ""
) -> None:
    """One delivery for each batch; what one of them tells of, the others do not tell of again."""
    streams: set[Stream] = set()
    for batch in batches:
        kept = [notice for notice in batch if stream_of(notice) not in streams]
        formed.held.extend((n.notice_id, EARLIER) for n in batch if stream_of(n) in streams)
        streams.update(stream_of(notice) for notice in kept)
        if kept:
            ids = [notice.notice_id for notice in kept]
            formed.deliveries.append((_delivery(kept, ids, kind, now), ids))


def _delivery(notices: Sequence[Notice], ids: Sequence[str], kind: str, now: datetime) -> Delivery:
    first = notices[0]
    if len(notices) == 1 and not kind:
        kind, facts = first.kind.value, first.facts
    else:
        kind = kind or GROUP
        facts = group_facts(kind, notices, now)
    return Delivery(group_id(ids), first.channel, kind, now, now, facts, queued_at=now)


def _interval(table: ChannelTable) -> timedelta:
    return timedelta(days=parse_days(table.group_interval))


def _look(table: ChannelTable) -> timedelta:
    """The time within which AT_ONCE messages go at once: a steady storm has no more of them."""
    return max(MINUTE, AT_ONCE * _interval(table))
