"""The contract of a channel: what a stranger implements to tell people elsewhere.

A channel is two pure functions: facts to a request, and a reply to an outcome. Sending,
addresses, deadlines, retries and bookkeeping are ours. A package offers one under the entry
point group `tocsin.channels`, as a callable from `Endpoint` to `Channel`, and runs
`alerts.testing.check_channel` in its tests.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one channel sends: its id, and its URL and signing secret, which are secrets.

    `options` are the words of its table in watch.toml; `folder` is the watch's.
    """

    channel: str
    url: str = field(default="", repr=False)
    secret: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Traits:
    """What a kind of channel can do: the attribute `traits` of its class, these where it has none.

    `is_grouped`: several alerts may come as one message (facts of kind "group" or "digest").
    `pace` is the least time between two messages. With `refresh` its receiver forgets: what
    fires is told again so often, past the outbox. `needs_url`: its table has to have one.
    `takes_reports`: it is for people who read, and takes a digest too (facts of kind "report").
    """

    is_grouped: bool = True
    pace: timedelta = timedelta(0)
    refresh: timedelta | None = None
    needs_url: bool = True
    takes_reports: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """One message to one place. The URL may hold a credential, so it is not shown.

    Its scheme says how it goes: http and https as a POST; smtp, smtps, atom and log as
    `alerts.channels.transports` says.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the receiver answered: header names in lower case, the body's first 16 kB."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Verdict(StrEnum):
    """What a reply means for a delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    SIMPLIFY = "simplify"
    """The receiver refuses this form of the message: send the plainest one, once."""
    DEAD = "dead"
    """The receiver will never take this message."""
    GONE = "gone"
    """It will never take any: the address is gone, or the channel closed. It is disabled."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, why (never quoting the URL or an unknown body), and how long to wait."""

    verdict: Verdict
    reason: str = ""
    after: timedelta | None = None


class Channel(Protocol):
    """A way to tell people. Both methods are pure: no I/O, no clock, no randomness."""

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The request that tells these facts at `now`.

        `facts` are those of `alerts.facts`. The same
        `delivery_id` comes again with every retry. `plain` asks for the plainest form, the
        one that a receiver is least likely to refuse.
        """
        ...

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """What the reply means."""
        ...


ChannelKind = Callable[[Endpoint], Channel]
