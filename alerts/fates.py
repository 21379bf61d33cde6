"""What becomes of each notice that waits: ready, held with a reason, or withheld for good.

Ends, reminders and acknowledgements are told only where the firing was. An episode that began
and ended while it was muted is not told at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.mutes import Mutes, mute_reason
from alerts.quiet import digest_after
from forecast.alert import (
    ChannelHealth,
    ChannelState,
    Notice,
    NoticeKind,
    Route,
    Target,
)
from forecast.alert_tables import ChannelTable
from forecast.clock import format_instant

if TYPE_CHECKING:
    from forecast.store.notices import Told

AHEAD = timedelta(minutes=10)  # more than clocks differ: what is later was made by a wrong one
BEGINNINGS = (NoticeKind.FIRING, NoticeKind.OUTCOME)
EARLIER = "waits for an earlier message about the same"
NEVER_TOLD = "its firing was never delivered"  # `store.alerts.reopen_ends` looks for it
OVER = "the episode is over"
ACKNOWLEDGED = "the episode was acknowledged"
SUPERSEDED = "superseded by a later alert of the same rule that rings at once"

type Stream = tuple[str, str, str]
"""A channel, a rule and its subject: within one the order is kept."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What decides beside the notices.

    `channels` are the tables of watch.toml by id, `grouped` the ids of those that take several
    alerts in one message. `targets` are what selectors are held against, by (rule, subject).
    `told` are all notices of the episodes of what waits, `undelivered` the streams of which a
    delivery is still to be sent, `made` the (channel, created_at) of the last deliveries.
    `ongoing` are the episodes that fire, by (rule, subject).
    """

    channels: Mapping[str, ChannelTable]
    grouped: AbstractSet[str] = frozenset()
    mutes: Mutes = field(default_factory=Mutes)
    targets: Mapping[tuple[str, str], Target] = field(default_factory=dict)
    told: "Sequence[Told]" = ()
    undelivered: AbstractSet[Stream] = frozenset()
    made: Sequence[tuple[str, datetime]] = ()
    channel_states: Mapping[str, ChannelState] = field(default_factory=dict)
    ongoing: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ready:
    """It may go out; with others into the digest, or as an alert."""

    is_digest: bool


@dataclass(frozen=True, slots=True)
class Held:
    """It waits, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """It is never told, for this reason."""

    reason: str


type Fate = Ready | Held | Withheld


def stream_of(notice: Notice) -> Stream:
    """Within which order its notice stands."""
    return notice.channel, notice.rule_id, notice.subject


def fates_of(waiting: Sequence[Notice], desk: Desk, now: datetime) -> dict[str, Fate]:
    """The fate of each notice, by its id; `waiting` is in the order of recording."""
    streams: dict[Stream, list[Notice]] = defaultdict(list)
    for notice in waiting:
        streams[stream_of(notice)].append(notice)
    told = _told(desk.told)
    acknowledged = {
        _episode(t.notice) for t in desk.told if t.notice.kind is NoticeKind.ACKNOWLEDGED
    }
    fates: dict[str, Fate] = {}
    for notices in streams.values():
        line = _Line(desk, now, notices, told, acknowledged)
        fates |= line.withheld()
        fates |= line.others(fates)
    return fates


def _told(history: "Iterable[Told]") -> set[tuple[str, str, str, int]]:
    """Which channel was told, or is being told, the firing of which episode."""
    return {
        (told.notice.channel, *_episode(told.notice))
        for told in history
        if told.notice.kind is NoticeKind.FIRING
        and told.notice.status == "formed"
        and told.delivery_status != "dead"
    }


def _episode(notice: Notice) -> tuple[str, str, int]:
    return notice.rule_id, notice.subject, notice.episode


@dataclass(frozen=True, slots=True)
class _Line:
    """What waits to be told to one channel of one rule on one subject, oldest first."""

    desk: Desk
    now: datetime
    notices: Sequence[Notice]
    told: AbstractSet[tuple[str, str, str, int]]
    acknowledged: AbstractSet[tuple[str, str, int]]
    beginnings: dict[int, Notice] = field(init=False)
    ended: frozenset[int] = field(init=False)
    last_ring: int = field(init=False)

    def __post_init__(self) -> None:
        """Looked up for every notice: thousands may wait for a channel that is switched off."""
        begun = [n for n in self.notices if n.kind in BEGINNINGS]
        ended = frozenset(n.episode for n in self.notices if n.kind is NoticeKind.RESOLVED)
        # of two of one episode the first counts
        object.__setattr__(self, "beginnings", {n.episode: n for n in reversed(begun)})
        object.__setattr__(self, "ended", ended)
        rings = (n.episode for n in begun if n.route is Route.NOW and not self._mute(n))
        object.__setattr__(self, "last_ring", max(rings, default=-1))

    def withheld(self) -> dict[str, Fate]:
        """Those that are never told."""
        fates: dict[str, Fate] = {}
        for notice in self.notices:
            if reason := self._why_never(notice, fates):
                fates[notice.notice_id] = Withheld(reason)
        return fates

    def others(self, settled: Mapping[str, Fate]) -> Iterator[tuple[str, Fate]]:
        """Those that go out now or later: behind the first that is held all others are."""
        blocked = self._why_all_wait()
        is_digest: bool | None = None
        for notice in self.notices:
            if notice.notice_id in settled:
                continue
            lane = self._is_digest(notice)
            if not blocked and (reason := self._why_not_now(notice, is_digest=lane)):
                yield notice.notice_id, Held(reason)
                blocked = EARLIER
            elif blocked or is_digest not in (None, lane):
                yield notice.notice_id, Held(blocked or EARLIER)
                blocked = blocked or EARLIER
            else:
                is_digest = lane
                yield notice.notice_id, Ready(lane)

    def _why_never(self, notice: Notice, settled: Mapping[str, Fate]) -> str:
        beginning = self._beginning(notice)
        if beginning is None:
            return self._why_never_again(notice)
        if isinstance(fate := settled.get(beginning.notice_id), Withheld):
            return fate.reason
        if beginning is notice and self._is_over(notice) and (mute := self._mute(notice)):
            return f"ended while {mute}"
        if self._is_superseded(notice):
            return SUPERSEDED
        return ""

    def _why_never_again(self, notice: Notice) -> str:
        """Of what follows a firing that is no longer waiting."""
        if (notice.channel, *_episode(notice)) not in self.told:
            return NEVER_TOLD
        if notice.kind is NoticeKind.RESOLVED:
            return ""
        if self.desk.ongoing.get((notice.rule_id, notice.subject)) != notice.episode:
            return OVER
        is_reminder = notice.kind is NoticeKind.REMINDER
        return ACKNOWLEDGED if is_reminder and _episode(notice) in self.acknowledged else ""

    def _why_all_wait(self) -> str:
        channel = self.notices[0].channel
        if channel not in self.desk.channels:
            return f"there is no channel '{channel}' in watch.toml"
        state = self.desk.channel_states.get(channel)
        if state and state.health is ChannelHealth.DISABLED:
            return f"the channel is switched off: {state.reason}"
        is_sending = stream_of(self.notices[0]) in self.desk.undelivered
        return "waits until an earlier message about the same is delivered" if is_sending else ""

    def _why_not_now(self, notice: Notice, *, is_digest: bool) -> str:
        if mute := self._mute(notice):
            return f"is {mute}"
        if is_digest and notice.created_at <= self.now + AHEAD:
            table = self.desk.channels[notice.channel]
            due = digest_after(notice.created_at, table.digest, table.timezone)
            if self.now < due:
                return f"waits for the digest of {format_instant(due)}"
        return ""

    def _mute(self, notice: Notice) -> str | None:
        known = self.desk.targets.get((notice.rule_id, notice.subject))
        target = known or Target(notice.rule_id, notice.subject)
        if target.severity != notice.severity:
            target = replace(target, severity=notice.severity)
        return mute_reason(notice, target, self.desk.mutes, self.now)

    def _beginning(self, notice: Notice) -> Notice | None:
        """The notice that begins its episode, where that waits too; it may be itself."""
        return self.beginnings.get(notice.episode)

    def _is_over(self, beginning: Notice) -> bool:
        """Whether the end of its episode waits to be told as well."""
        return beginning.episode in self.ended

    def _is_digest(self, notice: Notice) -> bool:
        """Whether it goes into the digest; with its beginning, and not once a later one rings."""
        beginning = self._beginning(notice) or notice
        return beginning.route is Route.DIGEST and not self._rings_later(notice)

    def _is_superseded(self, notice: Notice) -> bool:
        beginning = self._beginning(notice)
        is_digest = beginning is not None and beginning.route is Route.DIGEST
        return is_digest and self._rings_later(notice)

    def _rings_later(self, notice: Notice) -> bool:
        """Whether a later episode is to ring at once."""
        return self.last_ring > notice.episode
