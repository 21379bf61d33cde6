"""The outbox, emptied: claim, render, sign, send, then mark, reschedule or bury.

At least once: a crash after a send and before its mark sends again, under the same id. Each
channel has a line and a thread of its own, so that one that hangs delays no other; the store
is used from the caller's thread only. A channel that does not answer, or asks us to wait, is
left alone until then, and its line goes back unsent; one that is gone is switched off. No
delivery can stop the others: whatever goes wrong with one is written into its row.
"""

import logging
import time
import traceback
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from alerts import registry
from alerts.address import Network, parse_networks
from alerts.api import Channel, Outcome, Reply, Request, Verdict
from alerts.channels import transports
from alerts.facts import clean
from alerts.retry import SCHEDULE, retry_delay
from alerts.throttle import AT_ONCE, Throttle
from forecast.alert import ChannelHealth, Delivery
from forecast.alert_tables import ChannelTable
from forecast.clock import Clock
from forecast.errors import OutsideError, StoreError, TocsinError

if TYPE_CHECKING:
    from forecast.store import Store

LINE = 5
LONGEST_SEND = 60.0  # seconds that a stop waits: three times the deadline of a request
REASON_LIMIT = 500
# Renewed while we live, so it need not outlast a line; a longer one would only delay what a
# killed process leaves behind.
LEASE = timedelta(minutes=2)
RENEWAL = LEASE / 3
SHORTEST_WAIT = timedelta(seconds=30)
LONGEST_UNKNOWN = timedelta(minutes=1)
LONGEST_HOLD = timedelta(seconds=2)  # a line that would wait for longer goes back
LOOK = timedelta(seconds=0.5)  # how often to look for new deliveries while others are being sent
# Too many requests, or nobody behind the gateway: what holds for one holds for the next.
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
BUSY = (429, 502, 503, 504)

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
    """One delivery's outcome; `hold` is how long its channel is then to be left alone.

    `is_of_channel`: it says something of how the channel fares.
    """

    delivery: Delivery
    outcome: Outcome
    hold: timedelta = AT_ONCE
    is_of_channel: bool = True


@dataclass(frozen=True, slots=True)
class _Sender:
    """All that a send needs beside the delivery."""

    tables: Mapping[str, ChannelTable]
    now: Clock
    post: Post
    kinds: Sequence[EntryPoint] | None
    folder: Path
    throttle: Throttle


def drain(
    store: "Store",
    channels: Iterable[ChannelTable],
    now: Clock,
    owner: str,
    *,
    folder: Path = Path(),
    post: Post = transports.post,
    kinds: Sequence[EntryPoint] | None = None,
    throttle: Throttle | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Drained:
    """Send every delivery that is due; return when none is that may be sent now.

    Once `is_stopping`, what is being sent is sent to its end, for LONGEST_SEND at most, and all
    else goes back. `channels`
    are those of watch.toml in `folder`; `owner` names this process in its claims. `throttle`
    remembers from one drain to the next which channels are to be left alone. `kinds` stands in
    for the installed kinds of channel. StoreError where the store fails, once what was being
    sent is settled as far as may be.
    """
    tables = {table.id: table for table in channels}
    sender = _Sender(tables, now, post, kinds, folder, throttle or Throttle(now))
    stopped_at: float | None = None
    # Each drain borrows under a name of its own: what one before it left behind is not its.
    lines = _Lines(sender)
    desk = _Desk(store, sender, lines, f"{owner} {now().isoformat()}", now())
    while True:
        if is_stopping() or desk.failure:
            desk.give_back(lines.leave())
            stopped_at = stopped_at or time.monotonic()
            if time.monotonic() - stopped_at > LONGEST_SEND:  # a plug-in that hangs
                break
        else:
            desk.borrow()
        lines.begin()
        if not lines.are_busy:
            break
        ended = lines.ended()
        desk.heed(ended)
        if not is_stopping():  # the next ones are under way while these are written down
            lines.begin()
        desk.settle(ended)
    desk.settle(())
    if desk.failure:
        raise desk.failure
    return Drained(desk.tally["sent"], desk.tally["retried"], desk.tally["dead"])


@dataclass(slots=True)
class _Desk:
    """The store's side of a drain; `failure` is the store's own, which ends the drain.

    `unsettled` are results that could not be written down when they came.
    """

    store: "Store"
    sender: _Sender
    lines: "_Lines"
    borrower: str
    renewed_at: datetime
    tally: Counter[str] = field(default_factory=Counter)
    unsettled: list[_Result] = field(default_factory=list)
    failure: StoreError | None = None

    def borrow(self) -> None:
        """Fill the lines, and keep what is in them ours."""
        now = self.sender.now()
        held = self.sender.throttle.held(LONGEST_HOLD)
        try:
            if not AT_ONCE <= now - self.renewed_at < RENEWAL:
                self.store.renew_deliveries(self.borrower, now + LEASE)
                self.renewed_at = now
            claimed = self.store.claim_deliveries(now, self.borrower, LEASE, LINE, held)
            self.lines.join(claimed)
            self._heed_others({delivery.channel for delivery in claimed}, now)
        except StoreError as error:
            self.failure = error

    def heed(self, results: Iterable[_Result]) -> None:
        """Leave channels alone for as long as they ask; what would wait for long goes back."""
        for result in results:
            channel = result.delivery.channel
            self._hold(channel, result.hold)
            if result.outcome.verdict is Verdict.GONE:
                self.give_back(self.lines.leave(channel))

    def settle(self, results: Iterable[_Result]) -> None:
        """Write down what came of some sends, and of those that could not be written before."""
        results, self.unsettled = [*self.unsettled, *results], []
        for result in results:
            try:
                became = _settle(self.store, result, self.sender.now())
                self.tally[became] += 1
                _note(result, became)
            except StoreError as error:
                self.failure = error
                self.unsettled.append(result)

    def give_back(self, deliveries: Sequence[Delivery]) -> None:
        """What was not begun is due as it was before."""
        if not deliveries:
            return
        try:
            self.store.release_deliveries(deliveries)
        except StoreError as error:  # then its lease runs out
            self.failure = error

    def _heed_others(self, channels: Iterable[str], now: datetime) -> None:
        """A pace counts from the last send of anybody, of a process before this one too."""
        paces = {c: pace for c in channels if (pace := _pace(self.sender, c)) > AT_ONCE}
        if not paces:
            return
        for channel, at in self.store.last_attempts(list(paces)).items():
            if at <= now:
                self._hold(channel, paces[channel] - (now - at))

    def _hold(self, channel: str, pause: timedelta) -> None:
        self.sender.throttle.hold(channel, pause)
        if pause > LONGEST_HOLD:
            self.give_back(self.lines.leave(channel))


@dataclass(frozen=True, slots=True)
class _Lines:
    """What is lent to us: a line of deliveries for each channel, of which one is being sent."""

    sender: _Sender
    waiting: dict[str, deque[Delivery]] = field(default_factory=lambda: defaultdict(deque))
    sending: dict[str, Future[_Result]] = field(default_factory=dict)

    @property
    def are_busy(self) -> bool:
        """Whether anything is lent to us."""
        return bool(self.sending) or any(self.waiting.values())

    def join(self, deliveries: Iterable[Delivery]) -> None:
        """Put deliveries at the ends of their lines."""
        for delivery in deliveries:
            self.waiting[delivery.channel].append(delivery)

    def leave(self, channel: str | None = None) -> list[Delivery]:
        """Take everything not yet begun out of one line, or of all."""
        lines = [self.waiting[channel]] if channel is not None else list(self.waiting.values())
        left = [delivery for line in lines for delivery in line]
        for line in lines:
            line.clear()
        return left

    def begin(self) -> None:
        """Send the first of each line whose channel is free."""
        for channel, line in self.waiting.items():
            if line and channel not in self.sending and not self.sender.throttle.left(channel):
                self.sending[channel] = _sent(self.sender, line.popleft())

    def ended(self) -> list[_Result]:
        """What has come to its end by now, after a short wait where nothing has."""
        idle = [c for c, line in self.waiting.items() if line and c not in self.sending]
        shortest = min([LOOK, *map(self.sender.throttle.left, idle)])
        if not self.sending:
            self.sender.throttle.sleep(shortest)
        wait(self.sending.values(), shortest.total_seconds(), FIRST_COMPLETED)
        ended = [channel for channel, future in self.sending.items() if future.done()]
        return [self.sending.pop(channel).result() for channel in ended]


def _sent(sender: _Sender, delivery: Delivery) -> Future[_Result]:
    """Sent in a thread of its own, for which no end of the process waits: a plug-in may hang."""
    result: Future[_Result] = Future()

    def send() -> None:
        try:
            result.set_result(_send(sender, delivery))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            result.set_exception(error)

    Thread(target=send, daemon=True).start()
    return result


def _send(sender: _Sender, delivery: Delivery) -> _Result:
    """One delivery to its end; never raises, since a lost result would stop the drain."""
    table = sender.tables.get(delivery.channel)
    if table is None:  # perhaps a typing error, or an edit that this process has yet to read
        gone = f"there is no channel '{delivery.channel}' in watch.toml"
        return _Result(delivery, Outcome(Verdict.RETRY, gone), is_of_channel=False)
    pace = _pace(sender, table.id)
    try:
        result = _converse(sender, table, delivery, pace)
    except OutsideError as error:
        hold = _hold(delivery, None, sender.now())
        result = _Result(delivery, Outcome(Verdict.RETRY, _words(str(error))), hold)
    except TocsinError as error:
        result = _Result(delivery, Outcome(Verdict.RETRY, _words(str(error))))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in's defect is its own
        result = _Result(delivery, Outcome(Verdict.RETRY, _defect(table, error)))
    return replace(result, hold=max(result.hold, pace))


def _converse(sender: _Sender, table: ChannelTable, delivery: Delivery, pace: timedelta) -> _Result:
    """Render and send; once more in plain form where the receiver refuses the first one."""
    channel = registry.open_channel(table, sender.kinds, sender.folder)
    result = _exchange(sender, channel, table, delivery, plain=False)
    if result.outcome.verdict is not Verdict.SIMPLIFY:
        return result
    refusal = result.outcome.reason
    words = "delivery %s goes out in plain form: %s"
    _log.error(words, delivery.delivery_id, refusal, extra=_about(delivery))
    sender.throttle.sleep(min(pace, LONGEST_HOLD))
    result = _exchange(sender, channel, table, delivery, plain=True)
    outcome = result.outcome
    if outcome.verdict is Verdict.SIMPLIFY:
        outcome = Outcome(Verdict.DEAD, f"{outcome.reason}, even in the plainest form")
    elif outcome.verdict is Verdict.DELIVERED:
        outcome = replace(outcome, reason=f"in plain form: {refusal}")
    return replace(result, outcome=outcome)


def _exchange(
    sender: _Sender, channel: Channel, table: ChannelTable, delivery: Delivery, *, plain: bool
) -> _Result:
    request: Request = channel.request(
        delivery.facts, delivery.delivery_id, sender.now(), plain=plain
    )
    networks = parse_networks(table.allow)
    reply = sender.post(request.url, request.body, request.headers, networks)
    now = sender.now()
    judged = channel.judge(reply, now)
    outcome = replace(judged, verdict=Verdict(judged.verdict), reason=_words(judged.reason))
    is_busy = outcome.after is not None or reply.status in BUSY
    if outcome.verdict is Verdict.RETRY and is_busy:
        return _Result(delivery, outcome, _hold(delivery, outcome.after, now))
    return _Result(delivery, outcome)


def _settle(store: "Store", result: _Result, now: datetime) -> str:
    """Write the outcome down; "" where another process holds the claim by now."""
    delivery, outcome = result.delivery, result.outcome
    if outcome.verdict is Verdict.DELIVERED:
        return "sent" if store.mark_delivered(delivery, now, outcome.reason) else ""
    health = ChannelHealth.FAILING if result.is_of_channel else None
    if outcome.verdict is Verdict.GONE:
        health = ChannelHealth.DISABLED
        words = "channel %s is switched off: %s"
        _log.error(words, delivery.channel, outcome.reason, extra=_about(delivery))
    if outcome.verdict in (Verdict.DEAD, Verdict.GONE):
        return "dead" if store.mark_dead(delivery, now, outcome.reason, health) else ""
    delay = _delay(delivery, now)
    if delay is None:
        reason = f"{outcome.reason}; given up after {delivery.attempts} attempts"
        return "dead" if store.mark_dead(delivery, now, reason, health) else ""
    if not result.is_of_channel:  # a process that knows the channel is not to wait for us
        delay = min(delay, LONGEST_UNKNOWN)
    due_at = now + _wait(delay, outcome.after)
    return "retried" if store.reschedule(delivery, due_at, outcome.reason, now, health) else ""


def _note(result: _Result, became: str) -> None:
    if became:
        words = f"{became}: {result.outcome.reason}" if result.outcome.reason else became
        _log.info("delivery %s", words, extra=_about(result.delivery))


def _about(delivery: Delivery) -> dict[str, str]:
    return {"delivery": delivery.delivery_id, "channel": delivery.channel}


def _pace(sender: _Sender, channel: str) -> timedelta:
    """The least time between two messages; none where the kind does not load, as sending says."""
    table = sender.tables.get(channel)
    if table is None:
        return AT_ONCE
    try:
        kind = registry.kind_of(table, sender.kinds)
        return max(registry.traits_of(kind).pace, AT_ONCE)
    except Exception:  # noqa: BLE001 - a plug-in's defect is its own
        return AT_ONCE


def _delay(delivery: Delivery, now: datetime) -> timedelta | None:
    """The wait until its next attempt; None where this was the last."""
    age = now - (delivery.queued_at or delivery.created_at)
    return retry_delay(delivery.delivery_id, delivery.attempts, age)


def _hold(delivery: Delivery, asked: timedelta | None, now: datetime) -> timedelta:
    """How long a channel is left alone that was busy, or did not answer."""
    return _wait(min(_delay(delivery, now) or SHORTEST_WAIT, SHORTEST_WAIT), asked)


def _wait(scheduled: timedelta, asked: timedelta | None) -> timedelta:
    """A receiver that says when to come again is believed, within reason, and not hammered."""
    if asked is None:
        return scheduled
    return max(min(asked, SCHEDULE[-1]), min(scheduled, SHORTEST_WAIT))


def _words(reason: str) -> str:
    """A reason, a stranger's too, as a row can hold it: neither NUL nor half a surrogate pair."""
    return clean(reason, REASON_LIMIT)


def _defect(table: ChannelTable, error: BaseException) -> str:
    """Where it broke, without the error's own words: they may quote a secret."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    reason = f"defect in the channel kind '{table.kind}': {type(error).__name__} at {place}"
    _log.error("channel %s: %s", table.id, reason)
    return reason
