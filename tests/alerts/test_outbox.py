"""The outbox against the real store and real receivers: nothing lost, nothing blocked."""

import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook as ReferenceVerifier

from alerts.api import Reply
from alerts.outbox import LEASE, LINE, LONGEST_HOLD, Drained
from alerts.retry import SCHEDULE
from alerts.testing import Answer, Receiver
from forecast.alert import Delivery
from forecast.errors import OutsideError
from forecast.store import Store, open_store
from tests.alerts.outbox_samples import (
    OTHER_SECRET,
    SECRET,
    MakeChannel,
    Time,
    drain,
    only,
    put,
)


def test_what_is_due_is_sent_signed_and_marked(
    store: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(SECRET) as receiver:
        tables = [
            channel("desk", "slack", receiver.slack_url),
            channel("siem", "webhook", receiver.webhook_url),
        ]
        put(store, time.now, "desk/1", "siem/1")
        assert drain(store, tables, time) == Drained(sent=2)
        assert drain(store, tables, time) == Drained()
    assert sorted(r.path for r in receiver.received) == ["/slack", "/webhook"]
    assert [r.problem for r in receiver.received] == ["", ""]
    assert [d.status for d in store.deliveries()] == ["delivered", "delivered"]
    (hook,) = (r for r in receiver.received if r.path == "/webhook")
    assert ReferenceVerifier(SECRET).verify(hook.body, dict(hook.headers))
    assert hook.headers["webhook-id"] == hook.json()["id"] == "msg_siem_1"


def test_what_is_not_yet_due_waits(outbox: Store, channel: MakeChannel, time: Time) -> None:
    put(outbox, time.now + timedelta(seconds=1), "desk/1")
    table = channel("desk", "slack", "http://127.0.0.1:9/")
    assert drain(outbox, [table], time) == Drained()
    assert only(outbox).status == "due"


def test_after_three_failures_it_is_delivered_once_at_the_scheduled_times(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    script = [Answer(500, body=b"rollup_error")] * 3
    with Receiver(script=script) as receiver:
        tables = [channel("desk", "slack", receiver.slack_url)]
        put(outbox, time.now, "desk/1")
        for attempt in range(1, 4):
            assert drain(outbox, tables, time) == Drained(retried=1)
            waits = only(outbox).due_at - time.now
            assert 0.8 * SCHEDULE[attempt] <= waits <= 1.2 * SCHEDULE[attempt]
            time.pass_by(waits - timedelta(seconds=1))
            assert drain(outbox, tables, time) == Drained(), "not before"
            time.pass_by(timedelta(seconds=1))
        assert only(outbox).last_error == "Slack answered 500"
        assert drain(outbox, tables, time) == Drained(sent=1)
        assert drain(outbox, tables, time) == Drained()
    assert len(receiver.received) == 4
    assert [a.outcome for a in outbox.attempts("msg_desk_1")] == ["due"] * 3 + ["delivered"]


def test_retries_keep_the_id_and_get_a_new_timestamp(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(SECRET, script=[Answer(503)], clock=time) as receiver:
        tables = [channel("siem", "webhook", receiver.webhook_url)]
        put(outbox, time.now, "siem/1")
        drain(outbox, tables, time)
        time.pass_by(timedelta(minutes=1))
        drain(outbox, tables, time)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    seconds = [int(r.headers["webhook-timestamp"]) for r in (first, second)]
    assert seconds[1] - seconds[0] == 60
    assert (first.problem, second.problem) == ("", "")


def test_a_receiver_that_is_down_for_days_gets_ten_attempts_and_then_the_row_is_dead(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    posts = []

    def post(*_: object) -> Reply:
        posts.append(time.now)
        raise OutsideError("no connection to the receiver: Connection refused")

    tables = [channel("desk", "slack", "http://127.0.0.1:9/")]
    put(outbox, time.now, "desk/1")
    start = time.now
    while (waiting := only(outbox)).status == "due":
        time.now = waiting.due_at
        drain(outbox, tables, time, post=post)
    assert len(posts) == 10
    assert timedelta(hours=60) < posts[-1] - start < timedelta(hours=91)
    assert only(outbox).status == "dead"
    assert only(outbox).last_error == (
        "no connection to the receiver: Connection refused; given up after 10 attempts"
    )


def test_a_receiver_that_is_gone_ends_it_at_once(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(SECRET, script=[Answer(410)]) as receiver:
        tables = [channel("siem", "webhook", receiver.webhook_url)]
        put(outbox, time.now, "siem/1")
        assert drain(outbox, tables, time) == Drained(dead=1)
    assert only(outbox).last_error == "the receiver says that it is gone (410)"


def test_a_closed_slack_channel_gets_no_further_attempts(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(script=[Answer(404, body=b"no_active_hooks")]) as receiver:
        tables = [channel("desk", "slack", receiver.slack_url)]
        put(outbox, time.now, "desk/1")
        assert drain(outbox, tables, time) == Drained(dead=1)
    assert only(outbox).last_error == "Slack answered 404 no_active_hooks"


@pytest.mark.parametrize("status", [200, 400])
def test_a_message_that_slack_refuses_goes_out_once_more_in_plain_form(
    outbox: Store, channel: MakeChannel, time: Time, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver(script=[Answer(status, body=b"invalid_blocks")]) as receiver:
        tables = [channel("desk", "slack", receiver.slack_url)]
        put(outbox, time.now, "desk/1")
        assert drain(outbox, tables, time) == Drained(sent=1)
    rich, plain = (r.json() for r in receiver.received)
    assert "blocks" in rich
    assert list(plain) == ["text"]
    (attempt,) = outbox.attempts("msg_desk_1")
    assert attempt.outcome == "delivered"
    assert attempt.error == f"in plain form: Slack answered {status} invalid_blocks"
    assert outbox.alerts.channel_states() == {}, "it works"
    assert "msg_desk_1 goes out in plain form: Slack answered" in caplog.text


def test_a_message_that_slack_refuses_even_in_plain_form_is_dead(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(script=[Answer(400, body=b"invalid_payload")] * 3) as receiver:
        tables = [channel("desk", "slack", receiver.slack_url)]
        put(outbox, time.now, "desk/1")
        assert drain(outbox, tables, time) == Drained(dead=1)
    assert len(receiver.received) == 2
    assert only(outbox).last_error.endswith("even in the plainest form")


@pytest.mark.parametrize(
    ("busy", "wait"),
    [
        (Answer(429, {"retry-after": "600"}), timedelta(minutes=10)),
        (Answer(429, {"retry-after": "1000000000"}), timedelta(hours=1)),
        (Answer(429, {"retry-after": "-1"}), None),
        (Answer(429, {"retry-after": "soon"}), None),
        (Answer(429), None),
        (Answer(503), None),
    ],
)
def test_a_busy_receiver_is_left_alone_and_the_others_are_not(
    outbox: Store, channel: MakeChannel, time: Time, busy: Answer, wait: timedelta | None
) -> None:
    with Receiver(SECRET, script=[busy], clock=time) as siem, Receiver() as slack:
        tables = [
            channel("siem", "webhook", siem.webhook_url),
            channel("desk", "slack", slack.slack_url),
        ]
        names = [f"siem/{n:02}" for n in range(LINE + 3)]
        put(outbox, time.now, *names, "desk/1")
        assert drain(outbox, tables, time) == Drained(1, 1)
        first, *others = outbox.deliveries(channel="siem")
        wait = wait or first.due_at - time.now
        assert first.due_at == time.now + wait >= time.now + 0.8 * SCHEDULE[1]
        assert {(d.status, d.attempts, d.last_error) for d in others} == {("due", 0, "")}
        put(outbox, time.now, "siem/99", "desk/2")
        time.pass_by(wait - 1.1 * LONGEST_HOLD)
        assert drain(outbox, tables, time) == Drained(sent=1), "the desk's"
        assert len(siem.received) == 1, "nobody knocks again while asked to wait"
        time.pass_by(1.1 * LONGEST_HOLD)
        assert drain(outbox, tables, time) == Drained(sent=LINE + 4)


def test_waiting_behind_others_uses_up_none_of_the_attempts(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """A minute of 429s must not bury what waits in line."""
    busy = Answer(429, {"retry-after": "1"})
    with Receiver(SECRET, script=[busy] * 15, clock=time) as receiver:
        tables = [channel("siem", "webhook", receiver.webhook_url)]
        put(outbox, time.now, *(f"siem/{n}" for n in range(5)))
        for _ in range(40):
            time.pass_by(timedelta(minutes=10))
            drain(outbox, tables, time)
    assert {d.status for d in outbox.deliveries()} == {"delivered"}


def test_a_plug_in_that_asks_for_years_is_not_taken_for_a_broken_clock(
    outbox: Store, time: Time, channel: MakeChannel
) -> None:
    tables = [channel("patient", "patient", "https://x.example/")]
    put(outbox, time.now, "patient/1")

    def post(*_: object) -> Reply:
        return Reply(200, {}, b"ok")

    assert drain(outbox, tables, time, post=post) == Drained(retried=1)
    assert only(outbox).due_at == time.now + timedelta(days=1)


def test_one_bad_delivery_never_stops_the_others(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver() as receiver:
        tables = [
            channel("desk", "slack", receiver.slack_url),
            channel("faulty", "faulty", "https://x.example/CANARY"),
            channel("typo", "slak", receiver.slack_url),
            channel("unsigned", "webhook", receiver.webhook_url, "whsec_CANARY"),
            channel("inside", "slack", "http://169.254.169.254/CANARY"),
            channel("lost", "slack", receiver.slack_url),
        ]
        Path(str(tables[-1].url).removeprefix("file:")).unlink()
        names = ["gone", *(table.id for table in tables)]
        put(outbox, time.now, *(f"{name}/1" for name in names))
        poison = Delivery("msg_poison", "desk", "firing", time.now, time.now, {"kind": "firing"})
        outbox.record(deliveries=[poison], recorded_at=time.now)
        assert drain(outbox, tables, time) == Drained(1, 7)
    rows = {d.delivery_id.removeprefix("msg_"): d for d in outbox.deliveries()}
    assert rows["desk_1"].status == "delivered"
    assert (rows["gone_1"].status, rows["gone_1"].last_error) == (
        "due",
        "there is no channel 'gone' in watch.toml",
    )
    assert "gone" not in outbox.alerts.channel_states()
    errors = {name: row.last_error for name, row in rows.items()}
    assert (
        "defect in the channel kind 'faulty': KeyError at outbox_samples.py" in errors["faulty_1"]
    )
    assert "defect in the channel kind 'slack': KeyError at message.py" in errors["poison"]
    assert "did you mean 'slack'" in errors["typo_1"]
    assert "signing secret is not base64" in errors["unsigned_1"]
    assert "169.254.169.254 is never dialled" in errors["inside_1"]
    assert "cannot be read" in errors["lost_1"]
    assert "CANARY" not in json.dumps(errors)


def test_a_channel_that_wants_to_exit_does_not_take_the_drain_with_it(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    tables = [channel("faulty", "faulty", "https://x.example/CANARY")]
    put(outbox, time.now, "faulty/1", facts="resolved")
    assert drain(outbox, tables, time) == Drained(retried=1)
    assert "SystemExit at outbox_samples.py" in only(outbox).last_error


def test_no_secret_is_in_any_row_or_log(
    outbox: Store, channel: MakeChannel, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [Answer(s, body=b"Cannot POST /CANARY") for s in (404, 302, 500, 429, 410)]
    with Receiver(script=answers) as receiver:
        tables = [channel(f"c{n}", "slack", receiver.url("/CANARY")) for n in range(5)]
        put(outbox, time.now, *(f"{table.id}/1" for table in tables), "c9/1")
        drain(outbox, tables, time)
    time.pass_by(timedelta(hours=1))
    drain(outbox, tables, time)
    rows = outbox.deliveries()
    assert all(d.last_error for d in rows)
    assert "CANARY" not in repr(rows) + caplog.text
    assert "CANARY" not in repr([outbox.attempts(d.delivery_id) for d in rows])
    assert len(outbox.alerts.channel_states()) == 5
    assert "CANARY" not in repr(outbox.alerts.channel_states())


def test_after_a_restart_the_row_is_still_there_and_goes_out(
    sqlite_url: str, channel: MakeChannel, time: Time
) -> None:
    """The process dies after its claim and before its mark; the lease runs out; another sends."""
    with open_store(sqlite_url) as before:
        put(before, time.now, "siem/1")
        assert len(before.claim_deliveries(time.now, "dead", LEASE, LINE)) == 1
    with open_store(sqlite_url) as after, Receiver(SECRET, clock=time) as receiver:
        tables = [channel("siem", "webhook", receiver.webhook_url)]
        assert drain(after, tables, time) == Drained(), "still lent"
        time.pass_by(LEASE)
        assert drain(after, tables, time) == Drained(sent=1)
    assert [r.headers["webhook-id"] for r in receiver.received] == ["msg_siem_1"]


@pytest.mark.parametrize("reply", [Reply(500), Reply(410), Reply(200, {}, b"ok")])
def test_a_sender_that_slept_past_its_lease_is_not_counted(
    outbox: Store, channel: MakeChannel, time: Time, reply: Reply
) -> None:
    put(outbox, time.now, "desk/1")

    def post(*_: object) -> Reply:
        again: list[Delivery] = []
        while not again:  # we are not asleep, and might renew our lease
            time.pass_by(LEASE)  # and meanwhile another process takes the row over
            again = outbox.claim_deliveries(time.now, "other", LEASE, 1)
        assert outbox.mark_delivered(again[0], time.now)
        return reply

    tables = [channel("desk", "slack", "http://127.0.0.1:9/")]
    assert drain(outbox, tables, time, post=post) == Drained()
    assert only(outbox).status == "delivered"


def test_during_a_key_rotation_old_and_new_receivers_accept(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    with Receiver(SECRET) as old, Receiver(OTHER_SECRET) as new:
        both = f"{OTHER_SECRET} {SECRET}"
        tables = [
            channel("old", "webhook", old.webhook_url, both),
            channel("new", "webhook", new.webhook_url, both),
        ]
        put(outbox, time.now, "old/1", "new/1")
        assert drain(outbox, tables, time) == Drained(sent=2)


@pytest.mark.parametrize("odd", [b"half a pair", b"no reason", b"no verdict", b"nothing"])
def test_whatever_a_strangers_channel_makes_of_a_reply_the_rest_is_written_down(
    store: Store, channel: MakeChannel, time: Time, odd: bytes
) -> None:
    tables = [channel("odd", "odd", "http://x.example/"), channel("desk", "slack", "http://y/")]
    put(store, time.now, "odd/1", "desk/1")

    def post(url: str, *_: object) -> Reply:
        return Reply(200, {}, odd if "x.example" in url else b"ok")

    assert drain(store, tables, time, post=post) == Drained(sent=1, retried=1)
    found = {d.channel: (d.status, d.attempts) for d in store.deliveries()}
    assert found == {"odd": ("due", 1), "desk": ("delivered", 1)}


def test_a_channel_that_this_process_does_not_know_is_looked_at_again_within_a_minute(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """Another process, with another watch.toml, may know it."""
    put(outbox, time.now, "desk/1")
    for _ in range(5):
        drain(outbox, [], time)
        due = outbox.next_due(time.now)
        assert due is not None
        assert due - time.now <= timedelta(minutes=1)
        time.now = due
