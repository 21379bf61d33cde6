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
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one channel sends: its id, and its URL and signing secret, which are secrets."""

    channel: str
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One POST. The URL may hold a credential, so it is not shown."""

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
    """The receiver will never take it: the address is gone, or the channel closed."""


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

        `facts` are those of `alerts.message.build_facts` or `test_facts`. The same
        `delivery_id` comes again with every retry. `plain` asks for the plainest form, the
        one that a receiver is least likely to refuse.
        """
        ...

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """What the reply means."""
        ...


ChannelKind = Callable[[Endpoint], Channel]
