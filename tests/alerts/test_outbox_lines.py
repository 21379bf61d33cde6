"""The lines of the outbox: who waits for whom, and for how long."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts import outbox as sender
from alerts.api import Reply
from alerts.channels import http
from alerts.outbox import LEASE, LINE, RENEWAL, Drained
from alerts.retry import JITTER, SCHEDULE
from alerts.testing import Receiver
from forecast.alert import Delivery
from forecast.errors import OutsideError
from forecast.store import Store
from forecast.store.outbox import LONGEST_LEASE, LONGEST_WAIT
from tests.alerts.outbox_samples import SECRET, MakeChannel, Time, drain, put


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
    assert drain(outbox, tables, time, post=post) == Drained(1, 1)
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
    assert drain(outbox, tables, time, post=post) == Drained(sent=21)


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
    assert drain(outbox, tables, time, post=post) == Drained(sent=21)


def test_what_is_being_sent_when_it_stops_is_sent_and_the_rest_goes_back(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    posts: list[str] = []

    def post(url: str, *_: object) -> Reply:
        posts.append(url)
        return Reply(200, {}, b"ok")

    tables = [channel("desk", "slack", "http://x.example/desk")]
    before = put(outbox, time.now, *(f"desk/{n:02}" for n in range(LINE + 3)))
    done = drain(outbox, tables, time, post=post, is_stopping=lambda: bool(posts))
    assert done == Drained(sent=1)
    assert len(posts) == 1
    back = outbox.deliveries(status="due")
    assert [replace(d, token=0) for d in back] == before[1:], "as if they never had been lent"
    assert drain(outbox, tables, time, "other", post=post).sent == LINE + 2, "at once"


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

    done = drain(outbox, tables, time, post=post, is_stopping=passing)
    assert done.sent == 2


def test_messages_of_one_channel_arrive_in_their_order(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(SECRET) as receiver:
        tables = [channel("siem", "webhook", receiver.webhook_url)]
        for number in range(25):
            put(outbox, time.now + timedelta(milliseconds=number), f"siem/{number:02}")
        time.pass_by(timedelta(seconds=1))
        assert drain(outbox, tables, time) == Drained(sent=25)
    ids = [r.headers["webhook-id"] for r in receiver.received]
    assert ids == sorted(ids)


def test_a_line_that_takes_longer_than_a_lease_stays_ours(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """At every look a quarter of a lease is over; the haste of another process gets it nothing."""
    looks = threading.Semaphore(0)
    taken: list[Delivery] = []

    def post(*_: object) -> Reply:
        for _look in range(3):
            assert looks.acquire(timeout=10)
        return Reply(200, {}, b"ok")

    def another_looks() -> bool:
        if outbox.deliveries(status="sending"):
            time.pass_by(LEASE / 4)
            taken.extend(outbox.claim_deliveries(time.now, "other", LEASE, LINE))
            looks.release()
        return False

    put(outbox, time.now, "siem/1", "siem/2")
    tables, start = [channel("siem", "webhook", "https://x.example/")], time.now
    done = drain(outbox, tables, time, post=post, is_stopping=another_looks)
    assert (done, taken) == (Drained(sent=2), [])
    assert time.now - start > LEASE


def test_one_send_fits_into_what_is_left_of_a_lease_when_it_is_renewed() -> None:
    """It may be sent twice, as it is and in plain form."""
    assert timedelta(seconds=2 * http.DEADLINE_SECONDS) <= LEASE - RENEWAL


def test_the_store_takes_none_of_our_waits_and_leases_for_those_of_a_broken_clock() -> None:
    assert max(SCHEDULE) * (1 + JITTER) <= LONGEST_WAIT
    assert 2 * LEASE <= LONGEST_LEASE


def test_a_stop_does_not_wait_for_a_channel_that_hangs(
    outbox: Store, channel: MakeChannel, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LONGEST_SEND", 0.0)
    hangs, is_let_go = threading.Event(), threading.Event()
    waited: list[bool] = []
    is_waited_for_at_exit: list[bool] = []

    def post(*_: object) -> Reply:
        hangs.set()
        is_waited_for_at_exit.append(not threading.current_thread().daemon)
        waited.append(is_let_go.wait(10))
        return Reply(200, {}, b"ok")

    put(outbox, time.now, "desk/1")
    tables = [channel("desk", "slack", "http://x.example/")]
    drained = drain(outbox, tables, time, post=post, is_stopping=hangs.is_set)
    assert (drained, waited, is_waited_for_at_exit) == (Drained(), [], [False])
    is_let_go.set()
    time.pass_by(LONGEST_LEASE)
    assert drain(outbox, tables, time, post=lambda *_: Reply(200, {}, b"ok")).sent == 1
