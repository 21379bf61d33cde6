"""`tocsin alerts deliveries | replay | enable`: what became of messages, and second chances."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.testing import Receiver, sample_facts
from forecast.alert import ChannelHealth, ChannelState, Delivery
from forecast.clock import parse_instant, utc_now
from forecast.errors import UsageError
from forecast.store import Store
from jobs.app import App
from jobs.deliveries import enable, history, letters, replay, replay_dead
from jobs.notify import form_due
from tests.jobs.desk import SECRET, Desk, make_desk
from tests.jobs.notice_desk import app_on, deliver, fires

NOW = parse_instant("2025-11-17T10:00Z")
HOUR = timedelta(hours=1)
MESSAGE = Delivery("msg_ab12", "desk", "firing", NOW, NOW, sample_facts()["firing"])
DEAD = replace(MESSAGE, status="dead", last_error="the receiver answered 410", attempts=1)


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return app_on(store, tmp_path)


def record(app: App, *deliveries: Delivery) -> None:
    app.store.record(deliveries=deliveries, recorded_at=NOW)


def turn(app: App, channel: str, health: ChannelHealth, at: datetime = NOW) -> None:
    app.store.alerts.add_channel_state(ChannelState(channel, health, at, "410"), at)


def statuses(app: App) -> dict[str, str]:
    return {d.delivery_id: d.status for d in app.store.deliveries()}


# What there is


def test_a_message_is_listed_with_what_it_says_and_when_it_is_tried_next(app: App) -> None:
    later = replace(MESSAGE, delivery_id="msg_2", created_at=NOW + HOUR, due_at=NOW + 2 * HOUR)
    record(app, DEAD, later)
    newest, oldest = letters(app)
    assert (newest.delivery, newest.next_attempt) == (later, NOW + 2 * HOUR)
    assert newest.says.startswith("FIRING")
    assert "Any US strike" in newest.says
    assert (oldest.delivery, oldest.next_attempt) == (DEAD, None)
    assert [one.delivery for one in letters(app, status="dead")] == [DEAD]
    assert [one.delivery for one in letters(app, limit=1)] == [later]
    assert letters(app, channel="pager") == []


def test_what_waits_for_a_channel_that_is_off_has_no_next_attempt(app: App) -> None:
    record(app, MESSAGE)
    turn(app, "desk", ChannelHealth.DISABLED)
    (letter,) = letters(app)
    assert letter.next_attempt is None
    turn(app, "desk", ChannelHealth.FAILING)
    (letter,) = letters(app)
    assert letter.next_attempt == NOW


def test_facts_of_another_version_are_listed_by_their_kind(app: App) -> None:
    record(app, replace(MESSAGE, facts={"kind": "firing", "schema": 99}))
    assert [letter.says for letter in letters(app)] == ["firing"]


def test_the_history_of_a_message_has_its_attempts_and_its_notices(app: App) -> None:
    fires(app)
    (formed,) = form_due(app, NOW)
    deliver(app, dead=True)
    found = history(app, formed.delivery_id[:9])
    assert [(a.attempt, a.outcome, a.error) for a in found.attempts] == [(1, "dead", "410")]
    assert [(t.notice.rule_id, t.notice.subject) for t in found.told] == [("likely", "q")]


def test_of_an_id_so_much_is_needed_that_it_fits_one(app: App) -> None:
    record(app, MESSAGE, replace(MESSAGE, delivery_id="msg_ab13"))
    with pytest.raises(UsageError, match="several deliveries begin with 'msg_ab1'"):
        history(app, "msg_ab1")
    assert history(app, "msg_ab13").letter.delivery.delivery_id == "msg_ab13"
    for nothing in ("msg_x", ""):
        with pytest.raises(UsageError, match=f"there is no delivery '{nothing}'"):
            history(app, nothing)


# Second chances


def test_what_was_given_up_is_sent_again_by_the_beginning_of_its_id(app: App) -> None:
    record(app, DEAD, replace(DEAD, delivery_id="msg_cd"))
    assert [d.delivery_id for d in replay(app, ["msg_c", "msg_cd"], NOW + HOUR)] == ["msg_cd"]
    assert statuses(app) == {"msg_ab12": "dead", "msg_cd": "due"}
    assert app.store.next_due(NOW + HOUR) == NOW + HOUR


@pytest.mark.parametrize(
    ("status", "words"),
    [("due", "still to be sent"), ("sending", "being sent"), ("delivered", "delivered")],
)
def test_what_is_not_dead_is_not_sent_again(app: App, status: str, words: str) -> None:
    record(app, replace(MESSAGE, status=status), replace(DEAD, delivery_id="msg_cd"))
    with pytest.raises(UsageError, match=f"delivery msg_ab12 is {words}; only what was given up"):
        replay(app, ["msg_cd", "msg_ab"], NOW)
    assert statuses(app)["msg_cd"] == "dead", "all or none"


def test_all_that_was_given_up_or_of_one_channel_or_lately(app: App) -> None:
    record(
        app,
        DEAD,
        replace(DEAD, delivery_id="msg_p", channel="pager"),
        replace(DEAD, delivery_id="msg_late", created_at=NOW + HOUR),
        replace(MESSAGE, delivery_id="msg_ok", status="delivered"),
    )

    def again(**which: Any) -> list[str]:
        return [d.delivery_id for d in replay_dead(app, NOW + HOUR, **which)]

    assert again(since=NOW + HOUR, channel="pager") == []
    assert again(since=NOW + HOUR) == ["msg_late"]
    assert again(channel="pager") == ["msg_p"]
    assert again() == ["msg_ab12"]
    assert again() == []
    with pytest.raises(UsageError, match="there is no channel 'pagr'; did you mean 'pager'"):
        again(channel="pagr")


def test_a_channel_is_switched_on_by_somebody_and_what_waited_goes_out(app: App) -> None:
    record(app, MESSAGE, replace(DEAD, delivery_id="msg_d"))
    turn(app, "desk", ChannelHealth.DISABLED)
    assert app.store.next_due(NOW + HOUR) is None
    done = enable(app, "desk", "ada", NOW + HOUR)
    assert (done.waiting, done.dead) == (1, 1)
    state = app.store.alerts.channel_states()["desk"]
    assert (state.health, state.since, state.author) == (ChannelHealth.WORKS, NOW + HOUR, "ada")
    assert app.store.next_due(NOW + HOUR) == NOW + HOUR


@pytest.mark.parametrize("health", [None, ChannelHealth.FAILING, ChannelHealth.WORKS])
def test_a_channel_that_is_not_off_cannot_be_switched_on(
    app: App, health: ChannelHealth | None
) -> None:
    if health is not None:
        turn(app, "desk", health)
    with pytest.raises(UsageError, match="the channel 'desk' is not switched off"):
        enable(app, "desk", "ada", NOW)
    with pytest.raises(UsageError, match="there is no channel 'dusk'; did you mean 'desk'"):
        enable(app, "dusk", "ada", NOW)


# As people type them


def calm_desk(folder: Path, url: str) -> Desk:
    """A desk whose own rules ring at nothing."""
    desk = make_desk(folder, url=url)
    desk.rewrite('fire_at = "2%"', 'fire_at = "99%"')
    return desk


def answer(desk: Desk, *arguments: str) -> Any:
    result = desk.run("alerts", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    body = json.loads(result.stdout)
    assert body.pop("schema_version") == 1
    return body


def said(desk: Desk, *arguments: str) -> str:
    result = desk.run("alerts", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_a_desk_whose_channel_was_gone_mends_it_switches_it_on_and_sends_again(
    tmp_path: Path,
) -> None:
    with Receiver(SECRET) as receiver:
        desk = calm_desk(tmp_path, receiver.webhook_url)
        with desk.store() as store:
            rows = [replace(MESSAGE, delivery_id=f"msg_{n}0123456789ab") for n in range(2)]
            store.record(deliveries=rows, recorded_at=NOW)
            (gone,) = store.claim_deliveries(NOW, "me", HOUR, 1)
            assert store.mark_dead(gone, NOW, "410", ChannelHealth.DISABLED)
        waiting, dead = answer(desk, "deliveries")["deliveries"]
        assert (dead["status"], dead["channel_health"], dead["attempts"]) == ("dead", "disabled", 1)
        assert (waiting["status"], waiting["next_attempt"]) == ("due", None)
        assert waiting["notice_ids"] == [waiting["id"]]
        assert "msg_00123456" in said(desk, "deliveries", "--status", "dead")
        one = answer(desk, "deliveries", "--attempts", "msg_0")["delivery"]
        assert [a["outcome"] for a in one["attempts_made"]] == ["dead"]
        assert "when its channel is switched on" in said(desk, "deliveries", "--attempts", "msg_1")
        assert "desk is switched off" in said(desk, "replay", "msg_0")
        assert "desk is switched off; `tocsin alerts enable desk`" in said(desk, "test", "desk")
        assert len(receiver.received) == 1
    assert answer(desk, "enable", "desk")["author"] == "ada"
    assert answer(desk, "replay", "--dead") == {"replayed": []}
    with desk.store() as store:
        assert len(store.claim_deliveries(utc_now(), "me", HOUR, 9)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("replay",), "replay takes ids, or --dead"),
        (("replay", "msg_1", "--dead"), "replay takes ids, or --dead"),
        (("replay", "msg_1", "--since", "2025-11-17"), "--channel and --since go with --dead"),
        (("enable", "desk"), "the channel 'desk' is not switched off"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = make_desk(tmp_path).run("alerts", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
