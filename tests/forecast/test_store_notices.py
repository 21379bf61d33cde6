"""Notices in the store: each is settled once, and what became of it can be told."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic import command
from sqlalchemy import Connection, text

from forecast.alert import (
    Acknowledgement,
    ChannelHealth,
    ChannelState,
    Delivery,
    Notice,
    NoticeKind,
    Route,
    RuleState,
    Selector,
    Silence,
    State,
)
from forecast.errors import ConflictError
from forecast.question import Question
from forecast.store import Store, open_store
from forecast.store.database import Database, parse_url
from forecast.store.migrate import migration_config
from forecast.store.notices import MOST_IDS, NEVER_TOLD
from tests.conftest import BACKENDS

NOW = datetime(2025, 11, 29, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a(name: str, kind: NoticeKind = NoticeKind.FIRING, **more: object) -> Notice:
    made = Notice(name, "desk", "r", "q", 1, kind, "warning", Route.NOW, NOW, {"p": 0.5})
    return replace(made, **more)  # type: ignore[arg-type]


def delivery(name: str, channel: str = "desk") -> Delivery:
    return Delivery(name, channel, "firing", NOW, NOW, {"p": 0.5}, queued_at=NOW)


def add(store: Store, *notices: Notice) -> None:
    store.record(to_tell=notices, recorded_at=NOW)


def send(store: Store, *, dead: bool = False) -> None:
    for one in store.claim_deliveries(NOW, "me", HOUR, 100):
        if dead:
            store.mark_dead(one, NOW + HOUR, "gone")
        else:
            store.mark_delivered(one, NOW + HOUR)


def test_what_waits_is_listed_in_the_order_of_recording_with_its_facts_or_light(
    store: Store,
) -> None:
    add(store, a("z"), a("b", created_at=NOW - HOUR))
    add(store, a("z", facts={"p": 0.9}), a("a"))
    waiting = store.alerts.waiting()
    assert [n.notice_id for n in waiting] == ["z", "b", "a"]
    assert waiting[0] == a("z")
    assert store.alerts.waiting(light=True)[0] == replace(a("z"), facts={})


def test_what_is_formed_or_withheld_waits_no_more_and_says_what_became_of_it(
    store: Store,
) -> None:
    add(store, a("one"), a("two", subject="q2"), a("three", subject="q3"))
    store.alerts.form([(delivery("d"), ["one", "two"])], [("three", "muted")], NOW + HOUR)
    assert store.alerts.waiting() == []
    assert [t.notice.notice_id for t in store.alerts.notices_in("d")] == ["one", "two"]
    (three,) = store.alerts.notices_of([("r", "q3", 1)])
    assert (three.notice.status, three.notice.reason) == ("withheld", "muted")
    assert (three.notice.settled_at, three.delivery_status) == (NOW + HOUR, "")
    assert store.alerts.undelivered() == {("desk", "r", "q"), ("desk", "r", "q2")}
    send(store)
    (one,) = store.alerts.notices_of([("r", "q", 1)], light=True)
    assert (one.delivery_status, one.delivered_at, one.notice.facts) == (
        "delivered",
        NOW + HOUR,
        {},
    )
    assert store.alerts.undelivered() == set()


@pytest.mark.parametrize("settled", ["formed", "withheld"])
def test_a_notice_is_settled_once_and_a_late_one_writes_nothing(store: Store, settled: str) -> None:
    add(store, a("one"), a("two", subject="q2"))
    if settled == "formed":
        store.alerts.form([(delivery("d"), ["one"])], [], NOW)
    else:
        store.alerts.form([], [("one", "muted")], NOW)
    with pytest.raises(ConflictError):
        store.alerts.form([(delivery("late"), ["two", "one"])], [], NOW)
    with pytest.raises(ConflictError):
        store.alerts.form([(delivery("late"), ["two"])], [("one", "late")], NOW)
    assert [n.notice_id for n in store.alerts.waiting()] == ["two"]
    assert "late" not in [d.delivery_id for d in store.deliveries()]


def test_of_many_that_form_the_same_at_once_one_does(store: Store, store_url: str) -> None:
    add(store, *(a(f"n{n}", subject=f"q{n}") for n in range(50)))
    ids = [n.notice_id for n in store.alerts.waiting()]

    def form(number: int) -> bool:
        with open_store(store_url) as mine:
            order = ids if number % 2 else ids[::-1]
            try:
                mine.alerts.form([(delivery(f"d{number}"), order)], [], NOW)
            except ConflictError:
                return False
            return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(form, range(6))) == [False] * 5 + [True]
    assert len(store.deliveries()) == 1


def test_more_than_one_statement_can_name_is_read_and_formed_in_parts(store: Store) -> None:
    count = 2 * MOST_IDS + 5
    add(store, *(a(f"n{n}", subject=f"q{n}") for n in range(count)))
    ids = [n.notice_id for n in store.alerts.waiting(light=True)]
    episodes = [("r", f"q{n}", 1) for n in range(count)]
    assert [t.notice.notice_id for t in store.alerts.notices_of(episodes[::-1])] == ids
    assert len(store.alerts.notices_named(ids)) == count
    store.alerts.form([(delivery("d"), ids)], [], NOW)
    assert len(store.alerts.notices_in("d")) == count
    assert store.alerts.states_of(["r"], [f"q{n}" for n in range(count)]) == []
    assert store.alerts.questions_among(f"q{n}" for n in range(count)) == {}


def test_open_episodes_are_the_last_of_each_that_no_end_was_recorded_of(store: Store) -> None:
    ended = NoticeKind.RESOLVED
    add(store, a("1"), a("2", ended), a("3", episode=2), a("4", channel="siem", episode=2))
    add(store, a("5", subject="q2"), a("6", ended, subject="q2"))
    add(store, a("7", rule_id="other"), a("8", NoticeKind.OUTCOME, subject="q3"))
    assert store.alerts.open_episodes(["r"]) == [("r", "q", 2)]
    assert store.alerts.open_episodes([]) == []


def test_ends_wait_again_only_where_their_own_firing_was_sent_after_all(store: Store) -> None:
    add(store, a("f"), a("f2", channel="siem"), a("e", NoticeKind.RESOLVED))
    add(store, a("e2", NoticeKind.RESOLVED, channel="siem"))
    add(store, a("m", NoticeKind.RESOLVED, episode=2))
    store.alerts.form([(delivery("d"), ["f"]), (delivery("d2", "siem"), ["f2"])], [], NOW)
    send(store, dead=True)
    store.alerts.form([], [("e", NEVER_TOLD), ("e2", NEVER_TOLD), ("m", "muted")], NOW)
    assert store.alerts.reopen_ends() == 0
    _replay(store, "d")
    assert store.alerts.reopen_ends() == 1
    (again,) = store.alerts.waiting()
    assert (again.notice_id, again.reason, again.settled_at) == ("e", "", None)


def _replay(store: Store, delivery_id: str) -> None:
    from forecast.store.alert_schema import delivery as table

    again = table.update().where(table.c.delivery_id == delivery_id).values(status="due")
    store._write(lambda connection: connection.execute(again))


def test_states_are_found_by_rule_and_subject(store: Store) -> None:
    old = RuleState("r", "q", State.PENDING)
    new, other = replace(old, state=State.FIRING), RuleState("other", "q")
    store.record(states=[(None, old), (None, other)], recorded_at=NOW)
    store.record(states=[(old, new)], recorded_at=NOW)
    assert store.alerts.states_of(["r"], ["q", "u"]) == [new]
    assert store.alerts.states_of(["r", "other"], ["u"]) == []


def test_questions_are_told_from_units(store: Store) -> None:
    question = Question("q", "Q?", "u", "strike", NOW, NOW + HOUR)
    newer = replace(question, title="Q!?")
    store.add_questions([question], NOW)
    store.add_questions([newer], NOW)
    assert store.alerts.questions_among(["q", "u"]) == {"q": newer}


# What people say


SILENCE = Silence("s-1", Selector(units=("u*",)), "ada", "drill", NOW, NOW + HOUR)


def test_of_a_silence_its_last_row_counts(store: Store) -> None:
    later = replace(SILENCE, silence_id="s-0", starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    for one in (SILENCE, later):
        store.alerts.add_silence(one, NOW)
    assert store.alerts.silences() == [SILENCE, later]
    assert store.alerts.silences(until=NOW + HOUR) == [later]
    ended = replace(SILENCE, ends_at=NOW)
    store.alerts.add_silence(ended, NOW)
    assert store.alerts.silences() == [ended, later]
    assert store.alerts.silences(until=NOW) == [later]


def test_the_first_acknowledgement_of_an_episode_brings_its_notices(store: Store) -> None:
    word = Acknowledgement("r", "q", 1, "ada", "on it", NOW)
    notice = a("ack", NoticeKind.ACKNOWLEDGED)
    assert store.alerts.acknowledge(word, [notice])
    assert not store.alerts.acknowledge(replace(word, author="bob"), [a("other")])
    assert store.alerts.waiting() == [notice]
    other = replace(word, episode=2)
    assert store.alerts.acknowledge(other)
    assert store.alerts.acknowledgements() == [word, other]
    assert store.alerts.acknowledgements([("r", "q", 2), ("r", "x", 1)]) == [other]
    assert store.alerts.acknowledgements([]) == []


def test_of_a_channel_its_last_state_counts(store: Store) -> None:
    failing = ChannelState("desk", ChannelHealth.FAILING, NOW, "503")
    works = replace(failing, health=ChannelHealth.WORKS, since=NOW + HOUR, reason="")
    for one in (failing, works, replace(failing, channel="siem")):
        store.alerts.add_channel_state(one, NOW)
    assert store.alerts.channel_states() == {
        "desk": works,
        "siem": replace(failing, channel="siem"),
    }


# The upgrade


OLD_FACTS = {
    "schema": 1,
    "kind": "firing",
    "question": {"id": "q", "title": "Q?"},
    "rule": {"id": "r", "fire_at": 0.4},
    "severity": "page",
    "episode": 3,
    "probability": 0.5,
}


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    server: str = request.getfixturevalue("postgres_server")
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE before_notices TEMPLATE template0")
    return server.format("before_notices")


def test_an_upgraded_store_knows_who_was_told_of_what(empty_url: str) -> None:
    old = Database(parse_url(empty_url), busy_timeout=1)
    old.write(lambda connection: command.upgrade(migration_config(connection), "0004"))
    for ident, kind, status in [
        ("msg_1", "firing", "delivered"),
        ("msg_2", "test", "delivered"),
        ("msg_3", "resolved", "due"),
    ]:
        old.write(_add_old, ident, kind, status)
    old.close()
    _check_upgraded(empty_url)


def _add_old(connection: Connection, ident: str, kind: str, status: str) -> None:
    at, facts = "2025-11-29T06:00:00.000000+00:00", json.dumps(OLD_FACTS | {"kind": kind})
    row: dict[str, object] = {
        "delivery_id": ident,
        "channel": "desk",
        "stream": "r/q",
        "kind": kind,
    }
    row |= {"facts": facts}
    row |= {"attempts": 1, "token": 1, "status": status, "last_error": "", "owner": ""}
    row |= dict.fromkeys(("created_at", "due_at", "delivered_at"), at)
    marks = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO delivery ({', '.join(row)}) VALUES ({marks})"), row)


def _check_upgraded(url: str) -> None:
    with open_store(url) as store:
        told = store.alerts.notices_of([("r", "q", 3)])
        assert [(t.notice.notice_id, t.notice.kind, t.delivery_status) for t in told] == [
            ("msg_1", NoticeKind.FIRING, "delivered"),
            ("msg_3", NoticeKind.RESOLVED, "due"),
        ]
        firing = told[0].notice
        assert (firing.channel, firing.severity, firing.route) == ("desk", "page", Route.NOW)
        assert (firing.status, firing.delivery_id, firing.created_at) == ("formed", "msg_1", NOW)
        assert firing.facts == OLD_FACTS
        assert store.alerts.waiting() == []
        assert store.alerts.undelivered() == {("desk", "r", "q")}
        add(store, a("new", NoticeKind.FIRING, episode=4))
        assert [n.notice_id for n in store.alerts.waiting()] == ["new"]
