"""Webhooks: a CloudEvent that is signed by the standard, and the verdicts of replies."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as ReferenceVerifier

from alerts.api import Endpoint, Reply, Verdict
from alerts.channels.webhook import Webhook, event
from alerts.testing import check_channel, sample_facts
from forecast.clock import parse_instant, utc_now
from forecast.errors import ConfigError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
WEBHOOK = Webhook(Endpoint("siem", "https://siem.example/CANARY", SECRET))
SAMPLES = sample_facts()
# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/cloudevents.json
REQUIRED = ("id", "source", "specversion", "type")


def test_it_passes_the_conformance_checks() -> None:
    check_channel(WEBHOOK)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_reference_library_accepts_every_message(name: str) -> None:
    request = WEBHOOK.request(SAMPLES[name], "msg_1", utc_now())
    assert ReferenceVerifier(SECRET).verify(request.body, dict(request.headers)) == json.loads(
        request.body
    )
    assert len(request.body) < 20_000, "Standard Webhooks asks for less than 20 kB"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_body_is_a_cloudevent_and_a_standard_webhook(name: str) -> None:
    body = json.loads(WEBHOOK.request(SAMPLES[name], "msg_1", NOW).body)
    assert all(isinstance(body[key], str) and body[key] for key in REQUIRED)
    assert all(key.isascii() and key.isalnum() and key.islower() for key in body)
    assert body["specversion"] == "1.0"
    assert body["time"] == body["timestamp"] == SAMPLES[name]["at"]
    parse_instant(body["time"])
    assert body["data"] == json.loads(json.dumps(SAMPLES[name]))


def test_the_type_names_the_kind_and_the_subject_the_question() -> None:
    types = {name: event(facts, "msg_1")["type"] for name, facts in SAMPLES.items()}
    assert types["firing"] == "tocsin.alert.firing"
    assert types["resolved"] == "tocsin.alert.resolved"
    assert types["test"] == "tocsin.alert.test"
    assert event(SAMPLES["firing"], "msg_1")["subject"] == "questions/us-strike"
    odd = dict(SAMPLES["firing"]) | {"question": {"id": "a b/ü"}}
    assert event(odd, "msg_1")["subject"] == "questions/a%20b%2F%C3%BC"


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
        (410, Verdict.DEAD),
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
