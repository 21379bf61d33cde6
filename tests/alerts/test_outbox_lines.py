"""The lines of the outbox: who waits for whom, and for how long."""

import threading
from datetime import timedelta

import pytest

from alerts.api import Reply
from alerts.channels import http
from alerts.outbox import LEASE, LINE, Drained, drain
from alerts.retry import JITTER, SCHEDULE
from alerts.testing import Receiver
from forecast.errors import OutsideError
from forecast.store import Store
from forecast.store.outbox import LONGEST_LEASE, LONGEST_WAIT
from tests.alerts.outbox_samples import KINDS, SECRET, MakeChannel, Time, put


def test_a_receiver_that_hangs_delays_no_other_channel(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """The slow one hangs until the quick one, which comes after it, has been served."""
    served = threading.Event()
    posts = []

    def post(url: str, *_: object) -> Reply:
        posts.append(url)
        if url.endswith("/quick"):
            served.set()
            return Reply(200, {}, b"ok")
        assert served.wait(10), "the quick one had to wait"
        raise OutsideError("no full answer within 20 s")

    tables = [channel(name, "slack", f"http://x.example/{name}") for name in ("slow", "quick")]
    put(outbox, time.now, "slow/1", "slow/2")
    put(outbox, time.now + timedelta(seconds=1), "quick/1")
    time.pass_by(timedelta(seconds=1))
    assert drain(outbox, tables, time, "me", post=post, kinds=KINDS) == Drained(1, 2)
    assert sorted(posts) == ["http://x.example/quick", "http://x.example/slow"], "one knock each"
    assert "defect" not in repr(outbox.deliveries())


@pytest.mark.parametrize("is_late", [False, True])
def test_a_slow_channel_with_a_long_line_delays_no_other(
    outbox: Store, channel: MakeChannel, time: Time, is_late: bool
) -> None:
    """The quick one comes after all the slow ones; late: when the first of them is sent."""
    served = threading.Event()

    def post(url: str, *_: object) -> Reply:
        if url.endswith("/quick"):
            served.set()
        else:
            if is_late and not outbox.deliveries(channel="quick"):
                put(outbox, time.now, "quick/1")
            assert served.wait(10), "the quick one had to wait"
        return Reply(200, {}, b"ok")

    tables = [channel(name, "slack", f"http://x.example/{name}") for name in ("slow", "quick")]
    put(outbox, time.now, *(f"slow/{n:02}" for n in range(20)))
    time.pass_by(timedelta(seconds=1))
    if not is_late:
        put(outbox, time.now, "quick/1")
    assert drain(outbox, tables, time, "me", post=post, kinds=KINDS) == Drained(sent=21)


def test_more_channels_than_ever_hang_and_delay_no_other(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    served = threading.Event()

    def post(url: str, *_: object) -> Reply:
        if url.endswith("/quick"):
            served.set()
        assert served.wait(10), "the quick one had to wait"
        return Reply(200, {}, b"ok")

    names = [*(f"slow{n}" for n in range(20)), "quick"]
    tables = [channel(name, "slack", f"http://x.example/{name}") for name in names]
    put(outbox, time.now, *(f"{name}/1" for name in names))
    assert drain(outbox, tables, time, "me", post=post, kinds=KINDS) == Drained(sent=21)


def test_what_is_lent_is_sent_before_it_stops_and_no_more_is_borrowed(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    posts: list[str] = []

    def post(url: str, *_: object) -> Reply:
        posts.append(url)
        return Reply(200, {}, b"ok")

    tables = [channel("desk", "slack", "http://x.example/desk")]
    put(outbox, time.now, *(f"desk/{n:02}" for n in range(LINE + 3)))
    done = drain(
        outbox, tables, time, "me", post=post, kinds=KINDS, is_stopping=lambda: bool(posts)
    )
    assert done.sent == LINE == len(posts)


def test_a_channel_that_paused_is_tried_again_within_one_long_drain(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """A pause ends with its time, not with the drain, which another channel may keep going."""
    served = threading.Event()

    def post(url: str, *_: object) -> Reply:
        if url.endswith("/slow"):
            assert served.wait(10), "nobody came back"
        elif not outbox.attempts("msg_desk_1"):
            return Reply(429, {"retry-after": "0"}, b"")
        else:
            served.set()
        return Reply(200, {}, b"ok")

    tables = [channel(name, "slack", f"http://x.example/{name}") for name in ("slow", "desk")]
    put(outbox, time.now, "slow/1", "desk/1")

    def passing() -> bool:
        time.pass_by(timedelta(minutes=1))
        return False

    done = drain(outbox, tables, time, "me", post=post, kinds=KINDS, is_stopping=passing)
    assert done.sent == 2


def test_messages_of_one_channel_arrive_in_their_order(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(SECRET) as receiver:
        tables = [channel("siem", "webhook", receiver.webhook_url)]
        for number in range(25):
            put(outbox, time.now + timedelta(milliseconds=number), f"siem/{number:02}")
        time.pass_by(timedelta(seconds=1))
        assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(sent=25)
    ids = [r.headers["webhook-id"] for r in receiver.received]
    assert ids == sorted(ids)


def test_the_lease_is_longer_than_the_slowest_line() -> None:
    """Each may be sent twice, as it is and in plain form."""
    assert timedelta(seconds=2 * LINE * http.DEADLINE_SECONDS) < LEASE


def test_the_store_takes_none_of_our_waits_and_leases_for_those_of_a_broken_clock() -> None:
    assert max(SCHEDULE) * (1 + JITTER) <= LONGEST_WAIT
    assert 2 * LEASE <= LONGEST_LEASE
