"""What the tests of the outbox share: a clock, a faulty channel, and rows to send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from typing import Any

from alerts import outbox, registry
from alerts.api import Endpoint, Outcome, Reply, Request, Traits, Verdict
from alerts.outbox import Drained
from alerts.testing import sample_facts
from alerts.throttle import Throttle
from forecast.alert import Delivery
from forecast.alert_tables import ChannelTable
from forecast.clock import utc_now
from forecast.store import Store

type MakeChannel = Callable[..., ChannelTable]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_b29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
KINDS = [
    EntryPoint("slack", "alerts.channels.slack:Slack", registry.GROUP),
    EntryPoint("webhook", "alerts.channels.webhook:Webhook", registry.GROUP),
    EntryPoint("faulty", f"{__name__}:Faulty", registry.GROUP),
    EntryPoint("patient", f"{__name__}:Patient", registry.GROUP),
    EntryPoint("slow", f"{__name__}:Slow", registry.GROUP),
    EntryPoint("odd", f"{__name__}:Odd", registry.GROUP),
]
FACTS = sample_facts()


@dataclass
class Time:
    """A clock that stands still until it is told; `throttle` goes by it, and its sleeps pass."""

    now: datetime = field(default_factory=lambda: utc_now().replace(microsecond=0))
    throttle: Throttle = field(init=False)

    def __post_init__(self) -> None:
        self.throttle = self.new_throttle()

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, wait: timedelta) -> None:
        self.now += wait

    def new_throttle(self) -> Throttle:
        """As a process has that was just started."""

        def sleep(seconds: float) -> None:
            self.pass_by(timedelta(seconds=seconds))

        return Throttle(self, sleep)


@dataclass(frozen=True)
class Faulty:
    """A stranger's channel whose rendering has a defect."""

    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        if facts["kind"] == "resolved":
            raise SystemExit(self.endpoint.url)
        raise KeyError(self.endpoint.url)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        return Outcome(Verdict.DELIVERED)


@dataclass(frozen=True)
class Patient:
    """A stranger's channel that wants to be asked again in years."""

    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        return Request(self.endpoint.url, {}, b"")

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        return Outcome(Verdict.RETRY, "come again", timedelta(days=3650))


@dataclass(frozen=True)
class Slow:
    """A stranger's channel that takes one message every minute and a half, whatever it says."""

    traits = Traits(pace=timedelta(seconds=90))
    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        return Request(self.endpoint.url, {}, delivery_id.encode())

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        return Outcome(Verdict.DELIVERED if reply.status == 200 else Verdict.RETRY)


@dataclass(frozen=True)
class Odd:
    """A stranger's channel whose outcomes are not what they should be; the reply says how."""

    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        return Request(self.endpoint.url, {}, b"")

    def judge(self, reply: Reply, now: datetime) -> Any:
        odd = {
            b"half a pair": Outcome(Verdict.RETRY, "bad \ud800 byte\0"),
            b"no reason": Outcome(Verdict.RETRY, None),  # type: ignore[arg-type]
            b"no verdict": Outcome("perhaps", "?"),  # type: ignore[arg-type]
            b"nothing": None,
        }
        return odd[reply.body]


def drain(
    store: Store, tables: list[ChannelTable], time: Time, owner: str = "me", **given: Any
) -> Drained:
    """One drain of the process whose clock is `time`."""
    options: dict[str, Any] = {"kinds": KINDS, "throttle": time.throttle} | given
    return outbox.drain(store, tables, time, owner, **options)


def put(store: Store, now: datetime, *names: str, facts: str = "firing") -> list[Delivery]:
    """One due delivery for each "channel/id"."""
    deliveries = [
        Delivery(
            f"msg_{name.replace('/', '_')}", name.split("/")[0], "firing", now, now, FACTS[facts]
        )
        for name in names
    ]
    store.record(deliveries=deliveries, recorded_at=now)
    return deliveries


def only(store: Store) -> Delivery:
    (delivery,) = store.deliveries()
    return delivery
