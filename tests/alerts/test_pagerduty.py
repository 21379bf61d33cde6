"""PagerDuty: every event is within its limits, and its alerts open and close as episodes do."""

import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import registry
from alerts.api import Endpoint, Reply, Verdict
from alerts.channels.pagerduty import BACK_OFF, ENQUEUE, PagerDuty, dedup_key, severity
from alerts.facts import again, test_facts
from alerts.outbox import Drained, drain
from alerts.testing import Answer, Received, Receiver, check_channel, sample_facts
from alerts.testing.pagerduty import FakePagerDuty, event_complaints
from forecast.alert import Delivery
from forecast.alert_tables import ChannelTable
from forecast.errors import ConfigError
from forecast.store import Store
from tests.alerts.outbox_samples import MakeChannel, Time, only

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
KEY = "CANARY" + "0" * 26
PD = PagerDuty(Endpoint("oncall", "", KEY))
SAMPLES = sample_facts()
KINDS = [EntryPoint("pagerduty", "alerts.channels.pagerduty:PagerDuty", registry.GROUP)]
nasty = st.text(st.characters(), max_size=40).flatmap(
    lambda text: st.sampled_from([text, text * 100, f"<{text}>\u202e\x00\ud800"])
)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(json.dumps(SAMPLES[name]))
    return facts | changes


def sent(facts: dict[str, Any], *, plain: bool = False) -> dict[str, Any]:
    request = PD.request(facts, "msg_1", NOW, plain=plain)
    assert list(event_complaints(request.body)) == []
    told: dict[str, Any] = json.loads(request.body)
    return told


def test_it_passes_the_conformance_checks() -> None:
    check_channel(PD)


def test_it_needs_no_url_but_takes_one() -> None:
    assert PD.request(SAMPLES["firing"], "m", NOW).url == ENQUEUE
    europe = PagerDuty(Endpoint("oncall", "https://events.eu.pagerduty.com/v2/enqueue", KEY))
    assert "events.eu" in europe.request(SAMPLES["firing"], "m", NOW).url
    table = ChannelTable(id="oncall", kind="pagerduty")
    assert isinstance(registry.open_channel(table, KINDS), PagerDuty)


@pytest.mark.parametrize("secret", [None, "", KEY[:-1], KEY + "0", "ü" * 32, "a-" * 16])
def test_a_routing_key_that_cannot_be_one_is_an_error_that_does_not_show_it(
    secret: str | None,
) -> None:
    channel = PagerDuty(Endpoint("oncall", "", secret))
    with pytest.raises(ConfigError, match="32 letters and digits") as caught:
        channel.request(SAMPLES["firing"], "m", NOW)
    assert "CANARY" not in str(caught.value)
    assert "CANARY" not in repr(PD)
    assert "CANARY" not in repr(PD.request(SAMPLES["firing"], "m", NOW))


# What is sent


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("plain", [False, True])
def test_every_message_is_an_event_that_pagerduty_takes(name: str, plain: bool) -> None:
    assert sent(SAMPLES[name], plain=plain)["routing_key"] == KEY


@settings(deadline=None, max_examples=50)
@given(nasty, nasty, nasty, nasty, nasty)
def test_whatever_the_words_the_event_is_within_the_limits(
    title: str, rule: str, subject: str, detail: str, link: str
) -> None:
    facts = sample("closed", kind="firing", detail=detail, link=link, severity=rule)
    facts["question"]["title"] = facts["subject"]["title"] = title
    facts["subject"]["id"] = subject
    facts["rule"]["id"] = rule
    facts["crowd"][0]["source"] = facts["contributions"][0]["meaning"] = title
    group = sample("group")
    group["members"][0] |= {"detail": detail, "link": link}
    group["members"][0]["subject"]["title"] = title
    for told in (facts, group):
        for plain in (False, True):
            sent(told, plain=plain)


def test_an_alert_says_what_how_likely_and_where() -> None:
    told = sent(sample("firing"))
    assert told["event_action"] == "trigger"
    payload = told["payload"]
    assert payload["summary"] == (
        "FIRING · Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
    )
    assert payload["source"] == "tocsin.example"
    assert payload["timestamp"] == "2025-11-17T10:00:00Z"
    assert (payload["component"], payload["class"]) == ("us-strike", "threshold")
    assert payload["custom_details"]["probability"] == 0.43
    assert "43 % (30–56 %) as of 17 Nov 09:59 UTC" in payload["custom_details"]["message"]
    link = "https://tocsin.example/questions/us-strike?a=1&b=2"
    assert told["client_url"] == link
    assert told["links"] == [{"href": link, "text": "Open in Tocsin"}]


def test_what_ends_or_acknowledges_is_only_a_key() -> None:
    assert set(sent(sample("resolved"))) == {"routing_key", "event_action", "dedup_key"}
    assert sent(sample("resolved"))["event_action"] == "resolve"
    assert sent(sample("acknowledged"))["event_action"] == "acknowledge"


@pytest.mark.parametrize(
    ("name", "word"),
    [("page", "critical"), ("warning", "warning"), ("info", "info"), ("odd", "warning")],
)
def test_severities_are_pagerdutys(name: str, word: str) -> None:
    assert severity(sample("firing", severity=name)) == word


def test_a_digest_wakes_nobody_and_a_group_is_as_bad_as_what_fires_in_it() -> None:
    group = sample("group")
    assert [one["severity"] for one in group["members"]] == ["warning", "warning", "page"]
    assert severity(group) == "critical"
    assert severity(group | {"kind": "digest"}) == "info"
    group["members"][2]["kind"] = "resolved"
    assert severity(group) == "warning"
    group["members"][0]["kind"] = "resolved"
    assert severity(group) == "info"


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    odd = ("https://x/\u00fc", "https://x/\t", "https://x/" + "y" * 2000, "https://x:0/")
    for link in ("", "javascript:alert(1)", "https://x/ y", "https://[x/", "/questions/a", *odd):
        told = sent(sample("firing", link=link))
        assert "links" not in told
        assert told["payload"]["source"] == "tocsin"


# The key


def test_all_that_is_told_of_an_episode_has_one_key_and_the_next_episode_another() -> None:
    of_one = {dedup_key(sample(name), name) for name in ("firing", "reminder", "acknowledged")}
    assert of_one == {dedup_key(sample("resolved"), "x"), dedup_key(sample("old"), "x")} & of_one
    assert len(of_one) == 1
    others = [
        sample("firing", episode=8),
        sample("firing", subject={"kind": "unit", "id": "us-strike", "title": ""}),
        sample("stale"),
        sample("outcome"),
    ]
    keys = {dedup_key(facts, "x") for facts in others}
    assert len(keys) == 4
    assert not keys & of_one


def test_messages_about_many_have_a_key_each_and_trials_one_together() -> None:
    group = sample("group")
    assert dedup_key(group, "msg_1") != dedup_key(group, "msg_2")
    assert dedup_key(test_facts("a", NOW), "msg_1") == dedup_key(test_facts("a", NOW), "msg_2")


# Answers


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (202, b'{"status": "success"}', Verdict.DELIVERED),
        (200, b"ok", Verdict.RETRY),
        (302, b"", Verdict.RETRY),
        (400, b'{"status":"invalid event","errors":["\'summary\' is missing"]}', Verdict.SIMPLIFY),
        (
            400,
            b'{"errors":["Length of \'routing_key\' is incorrect (should be 32 characters)"]}',
            Verdict.GONE,
        ),
        (400, b"Invalid routing key", Verdict.GONE),
        (400, b'{"message":"Invalid routing key"}', Verdict.GONE),
        (400, b'{"errors":["too long"],"event":{"routing_key":"k"}}', Verdict.SIMPLIFY),
        (400, b'cannot read {"routing_key": "k", "payload": ', Verdict.SIMPLIFY),
        (403, b"", Verdict.RETRY),
        (404, b"", Verdict.RETRY),
        (410, b"", Verdict.GONE),
        (413, b"", Verdict.SIMPLIFY),
        (429, b"", Verdict.RETRY),
        (500, b"", Verdict.RETRY),
        (503, b"\xff", Verdict.RETRY),
    ],
)
def test_every_answer_has_its_verdict(status: int, body: bytes, verdict: Verdict) -> None:
    said = body.replace(b"{", b'{"also":"CANARY",', 1) if body[:1] == b"{" else body + b" CANARY"
    outcome = PD.judge(Reply(status, {}, said), NOW)
    assert outcome.verdict is verdict
    assert "CANARY" not in outcome.reason


def test_a_busy_pagerduty_is_left_alone_for_minutes_or_for_as_long_as_it_says() -> None:
    assert PD.judge(Reply(429), NOW).after == BACK_OFF == timedelta(minutes=3)
    assert PD.judge(Reply(429, {"retry-after": "30"}), NOW).after == timedelta(seconds=30)


# Through the outbox, to a service that holds to the specification


def put(store: Store, at: datetime, number: int, facts: dict[str, Any]) -> None:
    delivery = Delivery(f"msg_{number}", "oncall", facts["kind"], at, at, facts)
    store.record(deliveries=[delivery], recorded_at=at)


def test_an_alert_opens_is_acknowledged_and_closes_and_the_next_episode_opens_another(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    service, firing = FakePagerDuty(KEY), sample("firing")
    note = {"author": "ada", "note": "on it", "at": time.now}
    told = [
        (firing, ["triggered"]),
        (again(firing, "reminder", time.now, number=1), ["triggered"]),
        (again(firing, "acknowledged", time.now, acknowledged=note), ["acknowledged"]),
        (sample("resolved"), ["resolved"]),
        (sample("firing", episode=8), ["resolved", "triggered"]),
    ]
    with Receiver(services={"/v2/enqueue": service}) as receiver:
        tables = [channel("oncall", "pagerduty", receiver.url("/v2/enqueue"), KEY)]
        for number, (facts, statuses) in enumerate(told):
            put(outbox, time.now, number, facts)
            assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(sent=1)
            assert [alert.status for alert in service.alerts] == statuses
    assert [len(alert.payloads) for alert in service.alerts] == [2, 1]
    assert (service.dropped, service.refused) == ([], [])


def test_a_refused_routing_key_is_the_end_at_once_and_shows_nowhere(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    service = FakePagerDuty("f" * 32)
    with Receiver(services={"/v2/enqueue": service}) as receiver:
        tables = [channel("oncall", "pagerduty", receiver.url("/v2/enqueue"), KEY)]
        put(outbox, time.now, 1, sample("firing"))
        assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(dead=1)
    assert service.refused == [["Invalid routing key"]]
    assert only(outbox).last_error.startswith("PagerDuty answered 400: it refuses the routing key")
    assert "CANARY" not in repr(only(outbox))


def test_a_refused_event_goes_once_more_with_the_required_fields(
    outbox: Store, channel: MakeChannel, time: Time
) -> None:
    service, script = FakePagerDuty(KEY), [Answer(400, body=b"invalid event")]
    with Receiver(services={"/v2/enqueue": service}, script=script) as receiver:
        tables = [channel("oncall", "pagerduty", receiver.url("/v2/enqueue"), KEY)]
        put(outbox, time.now, 1, sample("firing"))
        assert drain(outbox, tables, time, "me", kinds=KINDS) == Drained(sent=1)
    (alert,) = service.open_alerts()
    assert set(alert.payloads[0]) == {"summary", "source", "severity"}


# The service that holds to the specification


def taken(service: FakePagerDuty, **event: Any) -> int:
    body = json.dumps({"routing_key": KEY, "dedup_key": "k", **event}).encode()
    return service(Received("/v2/enqueue", {}, body)).status


PAYLOAD = {"summary": "s", "source": "h", "severity": "info"}


def test_what_finds_no_open_alert_is_dropped() -> None:
    service = FakePagerDuty(KEY)
    assert taken(service, event_action="resolve") == 202
    assert taken(service, event_action="trigger", payload=PAYLOAD) == 202
    assert taken(service, event_action="resolve") == 202
    assert taken(service, event_action="acknowledge") == 202
    assert service.dropped == [("resolve", "k"), ("acknowledge", "k")]
    assert service.open_alerts() == []


@pytest.mark.parametrize(
    "broken",
    [
        {"event_action": "open"},
        {"dedup_key": "k" * 256},
        {"routing_key": "short"},
        {"routing_key": "-" * 32},
        {"payload": None},
        {"payload": PAYLOAD | {"summary": ""}},
        {"payload": PAYLOAD | {"summary": "s" * 1025}},
        {"payload": PAYLOAD | {"summary": "𝄞" * 513}},
        {"payload": PAYLOAD | {"severity": "page"}},
        {"payload": PAYLOAD | {"source": ""}},
        {"payload": PAYLOAD | {"timestamp": "soon"}},
        {"payload": PAYLOAD | {"custom_details": "text"}},
        {"payload": PAYLOAD | {"p": 0.4}},
        {"payload": PAYLOAD | {"custom_details": {"x": "x" * 600_000}}},
        {"links": [{"text": "no href"}]},
        {"images": [{"src": "http://x.example/a.png"}]},
        {"more": 1},
        {"event_action": "resolve", "dedup_key": ""},
    ],
)
def test_the_service_refuses_what_breaks_a_limit(broken: dict[str, Any]) -> None:
    service = FakePagerDuty(KEY)
    assert taken(service, **{"event_action": "trigger", "payload": PAYLOAD, **broken}) == 400
    assert service.alerts == []
