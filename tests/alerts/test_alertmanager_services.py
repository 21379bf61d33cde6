"""Alertmanager through the outbox: a strict receiver, a strict fake, and the real one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.address import parse_networks
from alerts.api import Endpoint, Reply
from alerts.channels import http
from alerts.channels.alertmanager import AlertmanagerApi, annotations, fingerprint, labels
from alerts.outbox import Drained, drain
from alerts.testing import Answer, Received, Receiver
from alerts.testing.alertmanager import FakeAlertmanager
from forecast.clock import format_instant, parse_instant
from forecast.store import Store
from tests.alerts.alertmanager_process import ABSENT, PROGRAM, Alertmanager, until
from tests.alerts.alertmanager_samples import (
    API,
    KINDS,
    NOW,
    SAMPLES,
    Hook,
    body_of,
    episode,
    pushed,
    put,
    sample,
)
from tests.alerts.outbox_samples import MakeChannel, Time

needs_alertmanager = pytest.mark.skipif(PROGRAM is None, reason=ABSENT)

# Through the outbox


def test_an_episode_reaches_the_webhook_and_keeps_its_fingerprint(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    hook = Hook("token")
    told = episode(time.now, time.now + timedelta(minutes=5), time.now + timedelta(minutes=9))
    with Receiver(services={"/hook": hook}) as receiver:
        tables = [channel("desk", "alertmanager", receiver.url("/hook"), "token")]
        for number, facts in enumerate(told):
            put(outbox, time.now, "desk", number, facts)
            assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(sent=1)
            time.pass_by(timedelta(minutes=5))
        assert receiver.received[0].headers["x-tocsin-delivery"] == "msg_desk_0"
    assert [body["status"] for body in hook.bodies] == ["firing", "firing", "resolved"]
    assert len({body["alerts"][0]["fingerprint"] for body in hook.bodies}) == 1
    assert len({body["groupKey"] for body in hook.bodies}) == 1


def test_a_receiver_that_wants_another_token_is_tried_again_and_a_picky_one_gets_few_words(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    hook = Hook("token")
    with Receiver(services={"/hook": hook}, script=[Answer(413)]) as receiver:
        picky = channel("picky", "alertmanager", receiver.url("/hook"), "token")
        put(outbox, time.now, "picky", 1, SAMPLES["firing"])
        assert drain(outbox, [picky], time, "me", kinds=KINDS) == Drained(sent=1)
        shut = channel("shut", "alertmanager", receiver.url("/hook"), "other")
        put(outbox, time.now, "shut", 1, SAMPLES["firing"])
        assert drain(outbox, [shut], time, "me", kinds=KINDS) == Drained(retried=1)
    (told,) = hook.bodies
    assert list(told["alerts"][0]["annotations"]) == ["summary"]


def fake_stands(fake: FakeAlertmanager) -> list[tuple[dict[str, str], datetime]]:
    return [(dict(alert.labels), alert.starts_at) for alert in fake.firing()]


def test_an_episode_opens_stays_and_ends_in_a_strict_alertmanager(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    fake, began = FakeAlertmanager(time), time.now
    told = episode(began, began + timedelta(minutes=2), began + timedelta(minutes=4))
    stands = [(labels(told[0]), began)]
    with Receiver(services={"/api/v2/alerts": fake}) as receiver:
        tables = [channel("am", "alertmanager-api", receiver.url(""))]
        for number, (facts, expected) in enumerate(zip(told, [stands, stands, []], strict=True)):
            put(outbox, time.now, "am", number, facts)
            assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(sent=1)
            assert fake_stands(fake) == expected
            time.pass_by(timedelta(minutes=2))
    (alert,) = fake.alerts()
    assert (alert.starts_at, alert.ends_at) == (began, began + timedelta(minutes=4))
    assert fake.refused == []


def test_what_nobody_tells_again_ends_in_an_alertmanager_by_itself(time: Time) -> None:
    fake = FakeAlertmanager(time)
    firing = sample("firing", at=format_instant(time.now))
    assert fake(Received("", {}, API.request(firing, "m", time.now).body)).status == 200
    time.pass_by(timedelta(minutes=5) - timedelta(seconds=1))
    assert fake.firing()
    time.pass_by(timedelta(seconds=1))
    assert not fake.firing()


def test_an_alert_that_says_how_long_it_stands_ends_then() -> None:
    until_then = sample("firing", stands_until="2025-11-17T10:05:00Z")
    assert pushed(until_then)[0]["endsAt"] == "2025-11-17T10:05:00Z"
    assert "endsAt" not in pushed(sample("firing"))[0]


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("plain", [False, True])
def test_an_alertmanager_takes_every_message(name: str, plain: bool) -> None:
    fake = FakeAlertmanager(lambda: NOW)
    request = API.request(SAMPLES[name], "m", NOW, plain=plain)
    assert fake(Received("", {}, request.body)).status == 200
    known = [dict(alert.labels) for alert in fake.alerts()]
    assert known == [alert["labels"] for alert in pushed(SAMPLES[name])]


BROKEN: list[tuple[str, int]] = [
    ('{"labels": {"a": "b"}}', 422),
    ("[1]", 422),
    ("nonsense", 422),
    ('[{"annotations": {}}]', 422),
    ('[{"labels": {"a": 1}}]', 422),
    ('[{"labels": {"a": "b"}, "startsAt": "2025-11-17"}]', 422),
    ('[{"labels": {"a": "b"}, "startsAt": "2025-11-17T10:00:00"}]', 422),
    ('[{"labels": {"a": "b"}, "generatorURL": "not a uri"}]', 422),
    ('[{"labels": {"a": "b"}, "generatorURL": ""}]', 422),
    ('[{"labels": {"a": "b"}, "status": "firing"}]', 422),
    ('[{"labels": {"9": "b"}}]', 400),
    ('[{"labels": {"a": ""}}]', 400),
    ('[{"labels": {"a": "b"}, "annotations": {"a-b": ""}}]', 400),
    (
        '[{"labels": {"a": "b"}, "startsAt": "2025-11-17T10:00:00Z",'
        ' "endsAt": "2025-11-17T09:00:00Z"}]',
        400,
    ),
]


@pytest.mark.parametrize(("body", "status"), BROKEN)
def test_the_strict_alertmanager_refuses_what_breaks_the_format(body: str, status: int) -> None:
    fake = FakeAlertmanager(lambda: NOW)
    assert fake(Received("", {}, body.encode())).status == status
    assert not fake.alerts()


def test_it_takes_the_valid_alerts_of_a_body_that_it_refuses() -> None:
    fake = FakeAlertmanager(lambda: NOW)
    body = b'[{"labels": {"a": "b"}}, {"labels": {"9": "b"}}]'
    assert fake(Received("", {}, body)).status == 400
    assert [dict(alert.labels) for alert in fake.alerts()] == [{"a": "b"}]


# A real Alertmanager


@contextmanager
def real(folder: Path) -> Iterator[tuple[Alertmanager, Hook]]:
    hook = Hook()
    with Receiver(services={"/hook": hook}) as receiver:
        server = Alertmanager(folder, receiver.url("/hook"))
        with server.running():
            yield server, hook


@needs_alertmanager
def test_an_episode_opens_and_ends_in_a_real_alertmanager_that_says_the_same_of_it(
    tmp_path: Path, outbox: Store, channel: MakeChannel, time: Time
) -> None:
    """Its own webhook body agrees with ours in every field that both know."""
    began = time.now - timedelta(minutes=9)
    told = episode(began, began + timedelta(minutes=2), began + timedelta(minutes=8))
    with real(tmp_path) as (server, hook):
        tables = [channel("am", "alertmanager-api", server.url)]
        put(outbox, time.now, "am", 1, told[0])
        assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(sent=1)
        (alert,) = server.firing()
        assert alert["labels"] == labels(told[0])
        assert alert["annotations"] == annotations(told[0])
        assert alert["fingerprint"] == fingerprint(labels(told[0]))
        assert parse_instant(alert["startsAt"]) == began
        until(lambda: len(hook.bodies) == 1)
        for number, facts in enumerate(told[1:], 2):
            put(outbox, time.now, "am", number, facts)
        assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(sent=2)
        assert server.firing() == []
        until(lambda: len(hook.bodies) == 2)
    for theirs, facts in zip(hook.bodies, (told[0], told[2]), strict=True):
        ours = body_of(facts)
        assert set(theirs) <= set(ours)
        assert comparable(theirs) == comparable(ours)


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on who sends it."""
    (alert,) = body["alerts"]
    times = {name: parse_instant(alert[name]) for name in ("startsAt", "endsAt")}
    names = ("status", "version", "truncatedAlerts", "commonLabels", "commonAnnotations")
    return {name: body[name] for name in names} | {"alert": alert | times}


@needs_alertmanager
def test_a_real_alertmanager_takes_every_message(tmp_path: Path, channel: MakeChannel) -> None:
    with real(tmp_path) as (server, _):
        api = AlertmanagerApi(Endpoint("am", server.url))
        for name, facts in SAMPLES.items():
            for plain in (False, True):
                assert push(api, facts, plain).status == 200, name
        for body, status in BROKEN:
            if status == 400:
                assert post(api, body.encode()).status == 400, body


def push(api: AlertmanagerApi, facts: dict[str, Any], plain: bool = False) -> Reply:
    return post(api, api.request(facts, "m", NOW, plain=plain).body)


def post(api: AlertmanagerApi, body: bytes) -> Reply:
    request = api.request(SAMPLES["firing"], "m", NOW)
    return http.post(request.url, body, request.headers, parse_networks(["127.0.0.0/8"]))


@needs_alertmanager
def test_the_strict_alertmanager_merges_as_the_real_one_does(tmp_path: Path, time: Time) -> None:
    """Starts of what stands, after each of a row of pushes about one alert."""
    ago = [format_instant(time.now - timedelta(minutes=n)) for n in range(10)]
    later = format_instant(time.now + timedelta(minutes=20))
    soon = format_instant(time.now + timedelta(minutes=2))
    row: list[dict[str, Any]] = [
        sample("firing", at=ago[5]),
        sample("firing", at=ago[4], stands_until=soon),
        sample("firing", at=ago[3]),
        sample("firing", at=ago[5], stands_until=later),
        sample("firing", at=ago[4]),
        sample("resolved", at=ago[2]),
        sample("resolved", at=ago[2]),
        sample("firing", at=ago[1]),
        sample("resolved", at=ago[0]),
    ]
    fake, seen = FakeAlertmanager(), []
    with real(tmp_path) as (server, _):
        api = AlertmanagerApi(Endpoint("am", server.url))
        for facts in row:
            assert push(api, facts).status == 200
            assert fake(Received("", {}, api.request(facts, "m", NOW).body)).status == 200
            theirs = [parse_instant(alert["startsAt"]) for alert in server.firing()]
            assert theirs == [alert.starts_at for alert in fake.firing()], facts["at"]
            seen.append(len(theirs))
            if theirs:
                (alert,) = fake.firing()
                ends = parse_instant(server.firing()[0]["endsAt"])
                assert abs(ends - alert.ends_at) < timedelta(seconds=30)
    assert seen == [1, 1, 1, 1, 1, 0, 0, 1, 0]
