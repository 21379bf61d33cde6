"""What still fires is told again to receivers that forget, and nothing else is."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import registry
from alerts.api import Endpoint, Outcome, Reply, Request, Traits, Verdict
from alerts.facts import again, build_facts
from alerts.outbox import drain
from alerts.refresh import BATCH, LAST_WORD, episodes, refresh, standing
from alerts.testing import Answer, Receiver
from alerts.testing.alertmanager import FakeAlertmanager
from forecast.alert import Delivery, Notice, NoticeKind, Route, Rule, RuleState, State, Transition
from forecast.clock import format_instant
from forecast.question import Question
from forecast.store import Store
from forecast.store.notices import Told
from tests.alerts.alertmanager_process import ABSENT, PROGRAM, Alertmanager
from tests.alerts.outbox_samples import MakeChannel, Time

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KINDS = [
    EntryPoint("alertmanager-api", "alerts.channels.alertmanager:AlertmanagerApi", registry.GROUP),
    EntryPoint("alertmanager", "alerts.channels.alertmanager:AlertmanagerWebhook", registry.GROUP),
    EntryPoint("broken", f"{__name__}:Broken", registry.GROUP),
]


@dataclass(frozen=True)
class Broken:
    """A stranger's channel that forgets, and has a defect."""

    traits = Traits(refresh=MINUTE)
    endpoint: Endpoint

    def request(
        self, facts: Any, delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        raise KeyError(self.endpoint.url)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        return Outcome(Verdict.DELIVERED)


def facts_of(kind: str, subject: str, episode: int, at: datetime) -> dict[str, Any]:
    end = NOW + timedelta(days=9)
    question = Question(subject, f"Will {subject} happen?", "usa-ven", "strike", NOW, end)
    states = (State.PENDING, State.FIRING)
    told = Transition("r", subject, at, *states, "threshold_crossed", "", episode, 0.4)
    rule = Rule("r", 0.4, 0.3)
    firing = build_facts(question, rule, told, None) | {"kind": "firing"}
    return firing if kind == "firing" else again(firing, kind, at, since=at)


def told(
    kind: str,
    subject: str = "q",
    *,
    at: datetime = NOW,
    channel: str = "am",
    episode: int = 1,
    status: str = "delivered",
) -> Told:
    """A notice, and what became of it: "waiting", "withheld", or the status of its delivery."""
    notice = Notice(
        f"{channel} {subject} {episode} {kind} {at}",
        channel,
        "r",
        subject,
        episode,
        NoticeKind(kind),
        "warning",
        Route.NOW,
        at,
        facts_of(kind, subject, episode, at),
        status=status if status in ("waiting", "withheld") else "formed",
    )
    is_formed = notice.status == "formed"
    return Told(notice, status if is_formed else "", at if status == "delivered" else None)


def state(
    subject: str = "q", episode: int = 1, now: State = State.FIRING, **more: Any
) -> RuleState:
    return RuleState("r", subject, now, 0, episode, **more)


def kinds_of(rows: list[Told], *states: RuleState, now: datetime = NOW) -> list[str]:
    return [facts["kind"] for facts in standing(rows, states or [state()], now).get("am", [])]


# What stands


def test_what_was_told_and_fires_stands_with_its_newest_words() -> None:
    rows = [told("firing", at=NOW - 9 * MINUTE), told("reminder", at=NOW)]
    (facts,) = standing(rows, [state()], NOW)["am"]
    assert (facts["kind"], facts["at"]) == ("reminder", format_instant(NOW))
    assert facts["since"] == format_instant(NOW - 9 * MINUTE), "when it began to fire"


@pytest.mark.parametrize("status", ["waiting", "withheld", "due", "sending", "dead"])
def test_what_was_not_delivered_is_left_to_the_outbox(status: str) -> None:
    assert kinds_of([told("firing", status=status)]) == []
    assert kinds_of([told("firing"), told("reminder", status=status)]) == ["firing"]


@pytest.mark.parametrize("status", ["waiting", "withheld", "due", "sending", "dead"])
def test_what_has_ended_no_longer_stands_though_its_end_was_not_told(status: str) -> None:
    over = state(now=State.OK)
    assert kinds_of([told("firing"), told("resolved", status=status)], over) == []
    assert kinds_of([told("firing")], over) == [], "nobody was to be told of the end"


def test_a_rule_that_recovers_still_fires() -> None:
    assert kinds_of([told("firing")], state(now=State.RECOVERING)) == ["firing"]


def test_an_end_is_told_again_for_five_minutes_after_its_delivery() -> None:
    rows = [told("firing", at=NOW - 9 * MINUTE), told("resolved", at=NOW)]
    over = state(now=State.OK)
    last = NOW + LAST_WORD
    assert kinds_of(rows, over, now=last - timedelta(seconds=1)) == ["resolved"]
    assert kinds_of(rows, over, now=last) == []
    (facts,) = standing(rows, [over], NOW)["am"]
    assert facts["since"] == format_instant(NOW - 9 * MINUTE)


def test_only_the_newest_episode_that_was_told_counts() -> None:
    first = [told("firing"), told("resolved")]
    second = told("firing", episode=2)
    assert kinds_of([*first, second], state(episode=2)) == ["firing"]
    waiting = told("firing", episode=2, status="due")
    assert kinds_of([*first, waiting], state(episode=2)) == ["resolved"]


def test_every_channel_has_what_was_told_there() -> None:
    rows = [told("firing"), told("firing", "other", channel="desk")]
    found = standing(rows, [state(), state("other")], NOW)
    assert {name: len(facts) for name, facts in found.items()} == {"am": 1, "desk": 1}


def test_the_episodes_to_look_at_are_those_that_fire_or_ended_of_late() -> None:
    day = timedelta(days=1)
    states = [
        state("fires", 3),
        state("recovers", 2, State.RECOVERING),
        state("ended", 1, State.OK, since=NOW - day / 2),
        state("ended long ago", 1, State.OK, since=NOW - 2 * day),
        state("never fired", 0, State.PENDING, since=NOW),
    ]
    expected = [("r", "fires", 3), ("r", "recovers", 2), ("r", "ended", 1)]
    assert episodes(states, NOW) == expected


KIND = st.sampled_from(["firing", "reminder", "acknowledged", "resolved", "outcome"])
STATUS = st.sampled_from(["waiting", "withheld", "due", "sending", "dead", "delivered"])

NOTICES = st.builds(
    lambda kind, number, status: told(kind, episode=number, status=status),
    KIND,
    st.integers(1, 3),
    STATUS,
)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(NOTICES),
    st.integers(0, 3),
    st.sampled_from(State),
)
def test_whatever_became_of_the_notices_only_a_delivered_firing_of_what_fires_stands(
    rows: list[Told], episode: int, now: State
) -> None:
    (found,) = standing(rows, [state(episode=episode, now=now)], NOW).values() or [[]]
    assert len(found) <= 1
    delivered = [one for one in rows if one.delivery_status == "delivered"]
    begun = [one.notice.episode for one in delivered if one.notice.kind == "firing"]
    for facts in found:
        assert facts["episode"] == max(begun)
        is_over = facts["kind"] == "resolved"
        assert is_over or (facts["episode"] == episode and now in (State.FIRING, State.RECOVERING))
        ends = {one.notice.episode for one in rows if one.notice.kind == "resolved"}
        assert is_over == (max(begun) in ends)


# The refresh itself


def replies(*statuses: int) -> tuple[list[bytes], Callable[..., Reply]]:
    bodies: list[bytes] = []
    left = list(statuses)

    def post(url: str, body: bytes, *_: object) -> Reply:
        bodies.append(body)
        return Reply(left.pop(0) if left else 200)

    return bodies, post


def test_many_alerts_go_in_several_messages_that_all_say_until_when(channel: MakeChannel) -> None:
    rows = [told("firing", f"q{n}") for n in range(BATCH + 4)]
    states = [state(f"q{n}") for n in range(BATCH + 4)]
    table = channel("am", "alertmanager-api", "http://127.0.0.1:9/")
    bodies, post = replies()
    assert refresh(rows, states, [table], NOW, post=post, kinds=KINDS) == []
    alerts = [alert for body in bodies for alert in json.loads(body)]
    assert [len(json.loads(body)) for body in bodies] == [BATCH, 4]
    assert len({alert["labels"]["question"] for alert in alerts}) == BATCH + 4
    assert {alert["endsAt"] for alert in alerts} == {format_instant(NOW + 5 * MINUTE)}


def test_a_channel_that_does_not_forget_is_told_nothing(channel: MakeChannel) -> None:
    bodies, post = replies()
    rows = [told("firing", channel="desk"), told("firing", channel="gone")]
    tables = [
        channel("desk", "alertmanager", "http://127.0.0.1:9/"),
        channel("am", "alertmanager-api", "http://127.0.0.1:9/"),
    ]
    assert refresh(rows, [state()], tables, NOW, post=post, kinds=KINDS) == []
    assert bodies == [], "nothing stands on the one that forgets"


def test_every_trouble_is_a_line_without_a_secret_and_stops_no_other(
    channel: MakeChannel, tmp_path: Path
) -> None:
    names = ["typo", "broken", "lost", "shut", "inside", "am"]
    kinds = ["alertmanger", "broken", *["alertmanager-api"] * 4]
    urls = ["http://127.0.0.1:9/CANARY"] * 4 + ["http://169.254.169.254/CANARY"]
    fake = FakeAlertmanager(lambda: NOW)
    rows = [told("firing", channel=name) for name in names]
    with Receiver(services={"/api": fake, "/shut": lambda _: Answer(401, body=b"CANARY")}) as ours:
        urls[3:4] = [ours.url("/shut")]
        tables = [channel(*row) for row in zip(names, kinds, [*urls, ours.url("")], strict=True)]
        (tmp_path / "lost.secret").unlink()
        problems = refresh(rows, [state()], tables, NOW, kinds=KINDS)
    assert len(fake.firing()) == 1, "the last one was told"
    by_channel = {line.split()[1]: line for line in problems}
    assert sorted(by_channel) == sorted(names[:-1])
    assert "there is no kind of channel 'alertmanger'" in by_channel["typo"]
    assert "defect in the channel kind 'broken': KeyError" in by_channel["broken"]
    assert "it does not take the channel's secret" in by_channel["shut"]
    assert "169.254.169.254 is never dialled" in by_channel["inside"]
    assert "CANARY" not in " ".join(problems)


def test_after_a_failure_the_rest_of_a_channel_waits_for_the_next_refresh(
    channel: MakeChannel,
) -> None:
    rows = [told("firing", f"q{n}") for n in range(2 * BATCH)]
    states = [state(f"q{n}") for n in range(2 * BATCH)]
    table = channel("am", "alertmanager-api", "http://127.0.0.1:9/")
    bodies, post = replies(503)
    lines = refresh(rows, states, [table], NOW, post=post, kinds=KINDS)
    assert lines == ["channel am was not refreshed: the receiver answered 503"]
    assert len(bodies) == 1


# With a store, an outbox and an Alertmanager


class Desk:
    """A store with one episode, told to an Alertmanager through the outbox."""

    def __init__(self, store: Store, time: Time, table: Any) -> None:
        self.store, self.time, self.table = store, time, table
        self.state: RuleState | None = None

    def tell(self, kind: str, now: State) -> None:
        at = self.time.now
        one = told(kind, at=at, status="waiting").notice
        before, self.state = self.state, state(now=now, since=at)
        self.store.record(states=[(before, self.state)], to_tell=[one], recorded_at=at)
        delivery = Delivery(one.notice_id, "am", kind, at, at, one.facts, queued_at=at)
        self.store.alerts.form([(delivery, [one.notice_id])], [], at)

    def send(self) -> None:
        drain(self.store, [self.table], self.time, "me", kinds=KINDS)

    def refresh(self) -> list[str]:
        states = self.store.alerts.states()
        rows = self.store.alerts.notices_of(episodes(states, self.time.now))
        return refresh(rows, states, [self.table], self.time.now, kinds=KINDS)


def test_what_fires_stands_over_hours_and_a_restart_until_it_ends(
    store: Store, channel: MakeChannel, time: Time
) -> None:
    fake = FakeAlertmanager(time)
    with Receiver(services={"/api/v2/alerts": fake}) as receiver:
        desk = Desk(store, time, channel("am", "alertmanager-api", receiver.url("")))
        began = time.now
        desk.tell("firing", State.FIRING)
        assert desk.refresh() == []
        assert fake.alerts() == [], "the outbox tells it first"
        desk.send()
        for minute in range(1, 61):
            time.pass_by(MINUTE)
            assert desk.refresh() == []
            assert len(fake.firing()) == 1, f"minute {minute}"
            if minute == 30:
                fake.forget()
        (alert,) = fake.firing()
        assert alert.starts_at == began
        ended = time.now
        desk.tell("resolved", State.OK)
        assert desk.refresh() == []
        desk.send()
        assert fake.firing() == []
        fake.forget()
        time.pass_by(MINUTE)
        desk.refresh()
        (alert,) = fake.alerts()
        assert (alert.starts_at, alert.ends_at) == (began, ended), "told again, and as an end"
        fake.forget()
        time.pass_by(LAST_WORD)
        desk.refresh()
        assert fake.alerts() == []
    assert fake.refused == []


def test_what_ended_while_the_alertmanager_was_away_does_not_come_back(
    store: Store, channel: MakeChannel, time: Time
) -> None:
    """The end waits in the outbox for half an hour; until then what fires no longer stands."""
    fake = FakeAlertmanager(time)
    with Receiver(services={"/api/v2/alerts": fake}, script=[Answer(), *[Answer(503)] * 2]) as ours:
        desk = Desk(store, time, channel("am", "alertmanager-api", ours.url("")))
        desk.tell("firing", State.FIRING)
        desk.send()
        time.pass_by(MINUTE)
        assert len(desk.refresh()) == 1
        desk.tell("resolved", State.OK)
        desk.send()
        time.pass_by(MINUTE)
        assert desk.refresh() == []
        assert fake.alerts() == []


@pytest.mark.skipif(PROGRAM is None, reason=ABSENT)
def test_a_real_alertmanager_that_restarts_hears_of_what_fires(
    outbox: Store, channel: MakeChannel, time: Time, tmp_path: Path
) -> None:
    server = Alertmanager(tmp_path, "http://127.0.0.1:9/")
    desk = Desk(outbox, time, channel("am", "alertmanager-api", server.url))
    with server.running():
        desk.tell("firing", State.FIRING)
        desk.send()
        (first,) = server.firing()
    assert len(desk.refresh()) == 1, "it is down"
    with server.running():
        assert server.firing() == []
        assert desk.refresh() == []
        (again_there,) = server.firing()
        assert again_there["fingerprint"] == first["fingerprint"]
        assert again_there["startsAt"] == first["startsAt"]
        desk.tell("resolved", State.OK)
        desk.send()
        assert desk.refresh() == []
        assert server.firing() == []
