"""Webhooks: a CloudEvent that is signed by the standard, and the verdicts of replies."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator, FormatChecker
from standardwebhooks import Webhook as ReferenceVerifier
from standardwebhooks import WebhookVerificationError

from alerts.address import parse_networks
from alerts.api import Endpoint, Reply, Request, Verdict
from alerts.channels.http import post
from alerts.channels.webhook import Webhook, event
from alerts.testing import Receiver, check_channel, sample_facts
from forecast.clock import parse_instant, utc_now
from forecast.errors import ConfigError
from tests.alerts.any_facts import any_facts

NEW_SECRET = "whsec_b29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
LOOPBACK = parse_networks(["127.0.0.0/8"])
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
WEBHOOK = Webhook(Endpoint("siem", "https://siem.example/CANARY", SECRET))
SAMPLES = sample_facts()
SCHEMA = json.loads((Path(__file__).parent / "cloudevents.schema.json").read_text())
CLOUDEVENTS = Draft7Validator(SCHEMA, format_checker=FormatChecker())


def test_it_passes_the_conformance_checks() -> None:
    check_channel(WEBHOOK)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_reference_library_accepts_every_message(name: str) -> None:
    request = WEBHOOK.request(SAMPLES[name], "msg_1", utc_now())
    assert ReferenceVerifier(SECRET).verify(request.body, dict(request.headers)) == json.loads(
        request.body
    )
    most = 64_000 if name == "crowded" else 20_000
    assert len(request.body) < most, "Standard Webhooks asks for less than 20 kB"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_body_is_a_cloudevent_and_a_standard_webhook(name: str) -> None:
    body = json.loads(WEBHOOK.request(SAMPLES[name], "msg_1", NOW).body)
    CLOUDEVENTS.validate(body)
    assert all(key.isascii() and key.isalnum() and key.islower() for key in body)
    assert body["specversion"] == "1.0"
    assert body["time"] == body["timestamp"] == SAMPLES[name]["at"]
    parse_instant(body["time"])
    assert body["data"] == json.loads(json.dumps(SAMPLES[name]))


@pytest.mark.parametrize(
    "change",
    [
        {"source": "a b"},
        {"source": ""},
        {"time": "17 November 2025"},
        {"subject": ""},
        {"id": 7},
        {"data": object},
    ],
)
def test_the_schema_refuses_what_is_no_cloudevent(change: dict[str, Any]) -> None:
    good = event(SAMPLES["firing"], "msg_1")
    assert CLOUDEVENTS.is_valid(good)
    assert not CLOUDEVENTS.is_valid(good | change)


@settings(deadline=None)
@given(any_facts)
def test_whatever_the_facts_the_event_is_a_cloudevent(facts: dict[str, Any]) -> None:
    body = event(facts, "msg_1")
    CLOUDEVENTS.validate(body)
    assert body["source"] in (facts["link"], "/tocsin")
    assert body["data"] == facts


def test_the_type_names_the_kind_and_the_subject_the_question() -> None:
    types = {name: event(facts, "msg_1")["type"] for name, facts in SAMPLES.items()}
    assert types["firing"] == "tocsin.alert.firing"
    assert types["resolved"] == "tocsin.alert.resolved"
    assert types["test"] == "tocsin.alert.test"
    assert event(SAMPLES["firing"], "msg_1")["subject"] == "questions/us-strike"
    odd = dict(SAMPLES["firing"]) | {"subject": {"kind": "question", "id": "a b/ü"}}
    assert event(odd, "msg_1")["subject"] == "questions/a%20b%2F%C3%BC"
    assert event(SAMPLES["old"], "msg_1")["subject"] == "questions/us-strike"
    assert event(SAMPLES["stale"], "msg_1")["subject"] == "units/usa-ven"
    assert event(SAMPLES["channel"], "msg_1")["subject"] == "channels/siem"
    for name in ("group", "digest", "test"):
        assert "subject" not in event(SAMPLES[name], "msg_1")


@pytest.mark.parametrize(
    ("link", "source"),
    [
        ("https://t.example/questions/a?b=1#c", "https://t.example/questions/a?b=1#c"),
        ("http://[::1]:8000/q", "http://[::1]:8000/q"),
        ("https://t.example/q%20a", "https://t.example/q%20a"),
        ("https://t.example/q a", "/tocsin"),
        ("https://t.example/q%2", "/tocsin"),
        ("https://t.example/ü", "/tocsin"),
        ("javascript:alert(1)", "/tocsin"),
        ("", "/tocsin"),
    ],
)
def test_the_source_is_the_page_where_that_is_a_uri(link: str, source: str) -> None:
    assert event(SAMPLES["firing"] | {"link": link}, "msg_1")["source"] == source


def test_the_content_type_is_that_of_a_structured_cloudevent() -> None:
    headers = WEBHOOK.request(SAMPLES["firing"], "msg_1", NOW).headers
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"


def test_a_retry_has_the_same_id_and_body_but_a_new_timestamp() -> None:
    first = WEBHOOK.request(SAMPLES["firing"], "msg_1", NOW)
    again = WEBHOOK.request(SAMPLES["firing"], "msg_1", NOW + timedelta(seconds=5))
    assert first.body == again.body
    assert first.headers["webhook-id"] == again.headers["webhook-id"] == "msg_1"
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 5
    assert first.headers["webhook-signature"] != again.headers["webhook-signature"]


@pytest.mark.parametrize("secret", [None, "CANARY", ""])
def test_a_missing_or_bad_secret_names_its_place(secret: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        Webhook(Endpoint("siem", "https://x.example/", secret)).request(SAMPLES["test"], "m", NOW)
    assert caught.value.at == "channels.siem.secret"
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (199, Verdict.RETRY),
        (301, Verdict.RETRY),
        (307, Verdict.RETRY),
        (400, Verdict.RETRY),
        (401, Verdict.RETRY),
        (404, Verdict.RETRY),
        (410, Verdict.GONE),
        (429, Verdict.RETRY),
        (500, Verdict.RETRY),
        (504, Verdict.RETRY),
    ],
)
def test_every_status_has_its_verdict(status: int, verdict: Verdict) -> None:
    assert WEBHOOK.judge(Reply(status, {}, b"whatever"), NOW).verdict is verdict


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_receiver_may_say_how_long_to_wait(status: int) -> None:
    assert WEBHOOK.judge(Reply(status, {"retry-after": "9"}), NOW).after == timedelta(seconds=9)


def test_a_redirect_says_that_it_is_not_followed() -> None:
    outcome = WEBHOOK.judge(Reply(307, {"location": "http://169.254.169.254/"}), NOW)
    assert outcome.reason == "redirects are not followed (307)"


def test_the_channel_does_not_show_its_secrets() -> None:
    assert "CANARY" not in repr(WEBHOOK)
    assert SECRET not in repr(WEBHOOK)


def signed(secret: str, now: datetime) -> Request:
    return Webhook(Endpoint("siem", "https://siem.example/", secret)).request(
        SAMPLES["firing"], "msg_1", now
    )


def is_accepted(secret: str, request: Request) -> bool:
    """Whether a receiver that knows only this secret takes a request, by the reference library."""
    try:
        ReferenceVerifier(secret).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return False
    return True


def test_row_20_a_key_is_rotated_while_messages_are_under_way() -> None:
    before, both, after = (
        signed(secrets, utc_now()) for secrets in (SECRET, f"{NEW_SECRET} {SECRET}", NEW_SECRET)
    )
    assert [is_accepted(SECRET, r) for r in (before, both, after)] == [True, True, False]
    assert [is_accepted(NEW_SECRET, r) for r in (before, both, after)] == [False, True, True]
    assert before.body == both.body == after.body
    assert both.headers["webhook-id"] == "msg_1"
    assert len(both.headers["webhook-signature"].split(" ")) == 2


def test_row_20_our_own_receiver_agrees_over_the_wire() -> None:
    for secret in (SECRET, NEW_SECRET):
        with Receiver(secret) as receiver:
            for secrets in (f"{NEW_SECRET} {SECRET}", NEW_SECRET):
                request = signed(secrets, utc_now())
                post(receiver.webhook_url, request.body, request.headers, LOOPBACK)
        refused = "no signature matches the body" if secret == SECRET else ""
        assert [r.problem for r in receiver.received] == ["", refused]


@pytest.mark.parametrize("name", ["nasty", "crowded"])
def test_row_21_a_title_of_any_kind_travels_signed_and_small(name: str) -> None:
    request = WEBHOOK.request(SAMPLES[name], "msg_1", utc_now())
    body = ReferenceVerifier(SECRET).verify(request.body, dict(request.headers))
    assert len(request.body) < 64_000
    assert body["data"] == SAMPLES[name]
    assert "\x00" not in request.body.decode()
    assert "\u202e" not in request.body.decode()


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("whsec_" + base64.b64encode(b"CANARY").decode(), "has 6 bytes; it needs 24 to 64"),
        ("whsec_CANARY*KYqrTwjUPD8ILPZIo2LaLaSw", "is not base64"),
        ("whsec_CANARYrTwjUPD8ILPZIo2LaLa", "is not base64"),
        (base64.b64encode(b"CANARY" * 5).decode(), "does not begin with whsec_"),
    ],
)
def test_row_55_a_secret_that_is_too_short_or_malformed_is_refused_with_its_reason(
    secret: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        signed(secret, NOW)
    assert caught.value.at == "channels.siem.secret"
    assert secret.removeprefix("whsec_") not in str(caught.value)
