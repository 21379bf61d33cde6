"""How channels fare: their pace, when they fail, are switched off, and what is sent again."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count

import pytest

from alerts.api import Reply
from alerts.outbox import LINE, Drained
from alerts.testing import Answer, Receiver
from forecast.alert import ChannelHealth, ChannelState
from forecast.errors import OutsideError, StoreError
from forecast.store import Store, open_store
from tests.alerts.outbox_samples import SECRET, MakeChannel, Time, drain, only, put

MINUTE = timedelta(minutes=1)
REFUSED = "no connection to the receiver: Connection refused"


class Line:
    """A receiver that notes when it was written to; while it is down it answers nothing."""

    def __init__(self, time: Time) -> None:
        self.time, self.is_down, self.at = time, False, list[datetime]()

    def __call__(self, *_: object) -> Reply:
        self.at.append(self.time.now)
        if self.is_down:
            raise OutsideError(REFUSED)
        return Reply(200, {}, b"ok")

    def gaps(self) -> list[timedelta]:
        return [after - before for before, after in zip(self.at, self.at[1:], strict=False)]


def health(store: Store) -> tuple[ChannelHealth, datetime, str]:
    (state,) = store.alerts.channel_states().values()
    return state.health, state.since, state.reason


# Pace


def test_slack_gets_a_message_a_second_in_order_and_none_is_dropped(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    line = Line(time)
    put(outbox, time.now, *(f"desk/{n:03}" for n in range(40)))
    tables = [channel("desk", "slack", "http://x.example/")]
    assert drain(outbox, tables, time, post=line) == Drained(sent=40)
    assert min(line.gaps()) >= timedelta(seconds=1)
    assert sum(line.gaps(), timedelta()) < timedelta(seconds=40)
    sent = sorted(outbox.deliveries(), key=lambda d: d.delivered_at or time.now)
    assert [d.delivery_id for d in sent] == [f"msg_desk_{n:03}" for n in range(40)]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_pace_holds_from_one_drain_to_the_next_and_over_a_restart(
    outbox: Store, channel: MakeChannel, time: Time, is_restarted: bool
) -> None:
    line, tables = Line(time), [channel("desk", "slack", "http://x.example/")]
    for n in range(3):
        put(outbox, time.now, f"desk/{n}")
        throttle = time.new_throttle() if is_restarted else time.throttle
        assert drain(outbox, tables, time, post=line, throttle=throttle) == Drained(sent=1)
        time.pass_by(timedelta(seconds=0.1))
    assert min(line.gaps()) >= timedelta(seconds=1)


def test_a_channel_without_a_pace_waits_for_nothing(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    line = Line(time)
    put(outbox, time.now, "siem/1", "siem/2")
    drain(outbox, [channel("siem", "webhook", "http://x.example/")], time, post=line)
    assert line.gaps() == [timedelta(0)]


def test_a_pace_of_minutes_holds_up_neither_the_drain_nor_what_it_lends(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    line, tables = Line(time), [channel("slow", "slow", "http://x.example/")]
    put(outbox, time.now, "slow/1", "slow/2")
    assert drain(outbox, tables, time, post=line) == Drained(sent=1)
    (waiting,) = outbox.deliveries(status="due")
    assert (waiting.attempts, drain(outbox, tables, time, post=line)) == (0, Drained())
    start, restarted = time.now, time.new_throttle()
    assert drain(outbox, tables, time, post=line, throttle=restarted) == Drained()
    assert time.now == start, "nobody sat there and waited"
    time.pass_by(timedelta(seconds=90))
    assert drain(outbox, tables, time, post=line) == Drained(sent=1)


def test_the_plain_form_keeps_the_pace_too(outbox: Store, channel: MakeChannel, time: Time) -> None:
    at = []

    def post(*_: object) -> Reply:
        at.append(time.now)
        return Reply(200, {}, b"ok") if len(at) > 1 else Reply(400, {}, b"invalid_blocks")

    put(outbox, time.now, "desk/1")
    drain(outbox, [channel("desk", "slack", "http://x.example/")], time, post=post)
    assert at[1] - at[0] == timedelta(seconds=1)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_clock_that_is_set_back_stops_no_channel(
    outbox: Store, channel: MakeChannel, time: Time, is_restarted: bool
) -> None:
    line, tables = Line(time), [channel("desk", "slack", "http://x.example/")]
    put(outbox, time.now, "desk/1")
    drain(outbox, tables, time, post=line)
    time.pass_by(-timedelta(hours=1))
    back = time.now
    put(outbox, time.now, "desk/2")
    throttle = time.new_throttle() if is_restarted else time.throttle
    assert drain(outbox, tables, time, post=line, throttle=throttle).sent == 1
    assert time.now == back


# Health


def test_a_channel_fails_from_the_first_failure_after_a_success_and_works_again(
    store: Store, channel: MakeChannel, time: Time
) -> None:
    line, tables = Line(time), [channel("siem", "webhook", "http://x.example/")]
    put(store, time.now, "siem/1")
    drain(store, tables, time, post=line)
    assert store.alerts.channel_states() == {}, "nothing but good is known of it"
    time.pass_by(MINUTE)
    line.is_down, since = True, time.now
    put(store, time.now, "siem/2")
    for _ in range(3):
        drain(store, tables, time, post=line)
        assert health(store) == (ChannelHealth.FAILING, since, REFUSED), "one row, the first"
        time.now = max(d.due_at for d in store.deliveries())
    line.is_down = False
    drain(store, tables, time, post=line)
    assert health(store) == (ChannelHealth.WORKS, time.now, "")


def test_a_delivery_that_another_process_has_by_now_says_nothing_of_the_channel(
    store: Store, time: Time
) -> None:
    put(store, time.now, "siem/1")
    (frozen,) = store.claim_deliveries(time.now, "frozen", MINUTE, 1)
    store.claim_deliveries(time.now + MINUTE, "other", MINUTE, 1)
    assert not store.reschedule(frozen, time.now, "slow", time.now)
    assert store.alerts.channel_states() == {}


@pytest.mark.parametrize(
    ("kind", "answer", "reason"),
    [
        ("webhook", Answer(410), "410"),
        ("slack", Answer(404, body=b"no_active_hooks"), "Slack answered 404 no_active_hooks"),
    ],
)
def test_a_channel_that_is_gone_is_switched_off_at_the_first_attempt(
    outbox: Store, channel: MakeChannel, time: Time, kind: str, answer: Answer, reason: str
) -> None:
    """Matrix 10 and 14: no further attempts, one row with the reason, all else waits."""
    with Receiver(SECRET, script=[answer], clock=time) as receiver:
        url = receiver.slack_url if kind == "slack" else receiver.webhook_url
        tables = [channel("gone", kind, url), channel("siem", "webhook", receiver.webhook_url)]
        put(outbox, time.now, *(f"gone/{n}" for n in range(LINE + 2)))
        assert drain(outbox, tables, time) == Drained(dead=1)
        assert len(receiver.received) == 1
        state, since, said = health(outbox)
        assert (state, since) == (ChannelHealth.DISABLED, time.now)
        assert reason in said
        time.pass_by(timedelta(days=3))
        assert outbox.next_due(time.now) is None
        put(outbox, time.now, "siem/1")
        assert drain(outbox, tables, time, throttle=time.new_throttle()) == Drained(sent=1)
        on = ChannelState("gone", ChannelHealth.WORKS, time.now, author="ada")
        outbox.alerts.add_channel_state(on, time.now)
        assert drain(outbox, tables, time) == Drained(sent=LINE + 1), "nothing was lost"


def test_a_late_success_does_not_switch_a_channel_on(store: Store, time: Time) -> None:
    off = ChannelState("siem", ChannelHealth.DISABLED, time.now, "410")
    put(store, time.now, "siem/1", "siem/2")
    first, second = store.claim_deliveries(time.now, "a", MINUTE, 2)
    store.alerts.add_channel_state(off, time.now)
    assert store.mark_delivered(first, time.now)
    assert store.reschedule(second, time.now, "500", time.now)
    assert store.alerts.channel_states() == {"siem": off}


# What is given up, and sent again


def test_a_receiver_that_is_down_for_80_hours_and_what_is_sent_again_after(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """Matrix 8: ten attempts, dead, failing since the first, and a replay that begins anew."""
    line, tables = Line(time), [channel("siem", "webhook", "http://x.example/")]
    put(outbox, time.now, "siem/1")
    line.is_down, start = True, time.now
    while (waiting := only(outbox)).status == "due":
        time.now = waiting.due_at
        drain(outbox, tables, time, post=line)
    assert len(line.at) == 10
    assert timedelta(hours=60) < line.at[-1] - start < timedelta(hours=91)
    assert only(outbox).status == "dead"
    assert only(outbox).last_error == f"{REFUSED}; given up after 10 attempts"
    assert health(outbox) == (ChannelHealth.FAILING, start, REFUSED)
    time.pass_by(MINUTE)
    outbox.replay(["msg_siem_1"], time.now)
    drain(outbox, tables, time, post=line)
    again = only(outbox)
    assert (again.status, again.attempts) == ("due", 1), "its schedule begins anew"
    assert timedelta(seconds=4) <= again.due_at - time.now <= timedelta(seconds=6)
    line.is_down = False
    time.now = again.due_at
    assert drain(outbox, tables, time, post=line) == Drained(sent=1)
    assert health(outbox)[0] is ChannelHealth.WORKS
    outcomes = [a.outcome for a in outbox.attempts("msg_siem_1")]
    assert outcomes == ["due"] * 9 + ["dead", "due", "delivered"], "nothing is forgotten"


def test_an_old_message_that_is_sent_again_has_the_time_of_its_schedule_too(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """A dozen quick tries, as a busy receiver asks for them, do not use it up."""
    old = time.now - timedelta(days=30)
    (message,) = put(outbox, old, "siem/1")
    (lent,) = outbox.claim_deliveries(old, "me", MINUTE, 1)
    outbox.mark_dead(lent, old, "given up")
    outbox.replay([message.delivery_id], time.now)
    tables = [channel("siem", "webhook", "http://x.example/")]
    for _ in range(12):
        drain(outbox, tables, time, post=lambda *_: Reply(429, {"retry-after": "1"}, b""))
        time.now = only(outbox).due_at
    assert (only(outbox).status, only(outbox).attempts) == ("due", 12)


def test_what_a_locked_store_could_not_take_is_written_when_it_can(
    outbox: Store, sqlite_url: str, channel: MakeChannel, time: Time
) -> None:
    """The lock comes with the answer and goes after the first try to write that down."""
    other = sqlite3.connect(
        sqlite_url.removeprefix("sqlite:///"), check_same_thread=False, isolation_level=None
    )
    posts, looks = list[datetime](), count(1)

    def post(*_: object) -> Reply:
        other.execute("BEGIN IMMEDIATE")
        posts.append(time.now)
        return Reply(200, {}, b"ok")

    def is_stopping() -> bool:
        if posts and next(looks) == 2:
            other.rollback()
        return False

    put(outbox, time.now, "siem/1")
    tables = [channel("siem", "webhook", "http://x.example/")]
    with (
        closing(other),
        open_store(sqlite_url, busy_timeout=0.05) as hasty,
        pytest.raises(StoreError, match="locked"),
    ):
        drain(hasty, tables, time, post=post, is_stopping=is_stopping)
    assert only(outbox).status == "delivered"
    assert len(posts) == 1
