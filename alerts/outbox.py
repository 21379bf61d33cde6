"""The outbox, emptied: claim, render, sign, send, then mark, reschedule or bury.

At least once: a crash after a send and before its mark sends again, under the same id. Each
channel has a line and a thread of its own, so that one that hangs delays no other; the store
is used from the caller's thread only. A channel that does not answer, or asks us to wait,
is left alone until then. No delivery can stop the others: whatever goes wrong with one is
written into its row.
"""

import logging
import traceback
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

from alerts import registry
from alerts.address import Network, parse_networks
from alerts.api import Channel, Outcome, Reply, Request, Verdict
from alerts.channels import http
from alerts.retry import SCHEDULE, retry_delay
from forecast.alert import Delivery
from forecast.alert_tables import ChannelTable
from forecast.clock import Clock
from forecast.errors import OutsideError, TocsinError

if TYPE_CHECKING:
    from forecast.store import Store

# The worst line is one whose every delivery takes twice 20 s, as it is and in plain form. A
# longer lease would only delay what a killed process leaves behind.
LINE = 5
LEASE = timedelta(minutes=5)
SHORTEST_WAIT = timedelta(seconds=30)
LOOK_SECONDS = 0.5  # how often to look for new deliveries while others are being sent

Post = Callable[[str, bytes, Mapping[str, str], Sequence[Network]], Reply]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drained:
    """How many deliveries one drain sent, put off, and gave up."""

    sent: int = 0
    retried: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class _Result:
    """One delivery's outcome; `pauses`: its channel is to be left alone for now."""

    delivery: Delivery
    outcome: Outcome
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class _Sender:
    """All that a send needs beside the delivery."""

    tables: Mapping[str, ChannelTable]
    now: Clock
    post: Post
    kinds: Sequence[EntryPoint] | None


def drain(
    store: "Store",
    channels: Iterable[ChannelTable],
    now: Clock,
    owner: str,
    *,
    post: Post = http.post,
    kinds: Sequence[EntryPoint] | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Drained:
    """Send every delivery that is due; return when none is.

    Once `is_stopping`, what is lent to us is still sent, and no more is borrowed.
    `channels` are those of watch.toml; `owner` names this process in its claims. `kinds`
    stands in for the installed kinds of channel.
    """
    sender = _Sender({table.id: table for table in channels}, now, post, kinds)
    # Each drain borrows under a name of its own: what one before it left behind is not its.
    borrower = f"{owner} {now().isoformat()}"
    tally: Counter[str] = Counter()
    with ThreadPoolExecutor(len(sender.tables) + 1) as threads:
        lines = _Lines(sender, threads)
        while True:
            if not is_stopping():
                lines.join(store.claim_deliveries(now(), borrower, LEASE, LINE))
            if not lines.sending:
                return Drained(tally["sent"], tally["retried"], tally["dead"])
            for result in lines.results():
                tally[_settle(store, result, now())] += 1


@dataclass(frozen=True, slots=True)
class _Lines:
    """What is lent to us: a line of deliveries for each channel, of which one is being sent."""

    sender: _Sender
    threads: ThreadPoolExecutor
    waiting: dict[str, deque[Delivery]] = field(default_factory=lambda: defaultdict(deque))
    sending: dict[str, Future[_Result]] = field(default_factory=dict)
    pauses: dict[str, tuple[datetime, Outcome]] = field(default_factory=dict)

    def join(self, deliveries: Iterable[Delivery]) -> None:
        """Put deliveries at the ends of their lines."""
        for delivery in deliveries:
            self.waiting[delivery.channel].append(delivery)
            self._send_next(delivery.channel)

    def results(self) -> Iterator[_Result]:
        """What has come to its end by now, after a short wait where nothing has."""
        wait(self.sending.values(), LOOK_SECONDS, FIRST_COMPLETED)
        ended = [channel for channel, future in self.sending.items() if future.done()]
        for channel in ended:
            result = self.sending.pop(channel).result()
            if result.pauses:
                self._pause(result)
            self._send_next(channel)
            yield result

    def _send_next(self, channel: str) -> None:
        """Begin with the first in line, unless one is under way."""
        if channel in self.sending or not self.waiting[channel]:
            return
        delivery = self.waiting[channel].popleft()
        until, outcome = self.pauses.get(channel, (None, None))
        if outcome and until and self.sender.now() < until:
            self.sending[channel] = self.threads.submit(_Result, delivery, outcome)
        else:
            self.sending[channel] = self.threads.submit(_send, self.sender, delivery)

    def _pause(self, result: _Result) -> None:
        """Leave a channel alone; those in its line wait as this one does."""
        delivery, outcome = result.delivery, result.outcome
        reason = f"waits behind {delivery.delivery_id}: {outcome.reason}"
        until = self.sender.now() + _wait(SHORTEST_WAIT, outcome.after)
        self.pauses[delivery.channel] = (until, replace(outcome, reason=reason))


def _send(sender: _Sender, delivery: Delivery) -> _Result:
    """One delivery to its end; never raises, since a lost result would stop the drain."""
    table = sender.tables.get(delivery.channel)
    if table is None:
        gone = f"there is no channel '{delivery.channel}' in watch.toml"
        return _Result(delivery, Outcome(Verdict.DEAD, gone))
    try:
        outcome = _converse(sender, table, delivery)
    except OutsideError as error:
        return _Result(delivery, Outcome(Verdict.RETRY, str(error)), pauses=True)
    except TocsinError as error:
        return _Result(delivery, Outcome(Verdict.RETRY, str(error)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's defect is its own
        return _Result(delivery, Outcome(Verdict.RETRY, _defect(table, error)))
    asks_to_wait = outcome.verdict is Verdict.RETRY and outcome.after is not None
    return _Result(delivery, outcome, pauses=asks_to_wait)


def _converse(sender: _Sender, table: ChannelTable, delivery: Delivery) -> Outcome:
    """Render and send; once more in plain form where the receiver refuses the first one."""
    channel = registry.open_channel(table, sender.kinds)
    outcome = _exchange(sender, channel, table, delivery, plain=False)
    if outcome.verdict is not Verdict.SIMPLIFY:
        return outcome
    _log.error("delivery %s goes out in plain form: %s", delivery.delivery_id, outcome.reason)
    outcome = _exchange(sender, channel, table, delivery, plain=True)
    if outcome.verdict is Verdict.SIMPLIFY:
        return Outcome(Verdict.DEAD, f"{outcome.reason}, even in the plainest form")
    return outcome


def _exchange(
    sender: _Sender, channel: Channel, table: ChannelTable, delivery: Delivery, *, plain: bool
) -> Outcome:
    request: Request = channel.request(
        delivery.facts, delivery.delivery_id, sender.now(), plain=plain
    )
    networks = parse_networks(table.allow)
    reply = sender.post(request.url, request.body, request.headers, networks)
    return channel.judge(reply, sender.now())


def _settle(store: "Store", result: _Result, now: datetime) -> str:
    """Write the outcome down; "" where another process holds the claim by now."""
    delivery, outcome = result.delivery, result.outcome
    if outcome.verdict is Verdict.DELIVERED:
        return "sent" if store.mark_delivered(delivery, now) else ""
    if outcome.verdict is Verdict.DEAD:
        return "dead" if store.mark_dead(delivery, now, outcome.reason) else ""
    delay = retry_delay(delivery.delivery_id, delivery.attempts, now - delivery.created_at)
    if delay is None:
        reason = f"{outcome.reason}; given up after {delivery.attempts} attempts"
        return "dead" if store.mark_dead(delivery, now, reason) else ""
    due_at = now + _wait(delay, outcome.after)
    return "retried" if store.reschedule(delivery, due_at, outcome.reason, now) else ""


def _wait(scheduled: timedelta, asked: timedelta | None) -> timedelta:
    """A receiver that says when to come again is believed, within reason, and not hammered."""
    if asked is None:
        return scheduled
    return max(min(asked, SCHEDULE[-1]), min(scheduled, SHORTEST_WAIT))


def _defect(table: ChannelTable, error: BaseException) -> str:
    """Where it broke, without the error's own words: they may quote a secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    reason = f"defect in the channel kind '{table.kind}': {type(error).__name__} at {place}"
    _log.error("channel %s: %s", table.id, reason)
    return reason
