"""Alertmanager's webhook body and API, as pure functions of facts, against its own formats."""

import base64
import json
import re
import tomllib
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import registry
from alerts.api import Endpoint, Reply, Verdict
from alerts.channels.alertmanager import (
    NO_TIME,
    ROOM,
    AlertmanagerApi,
    AlertmanagerWebhook,
    annotations,
    fingerprint,
    labels,
    webhook_body,
)
from alerts.testing import check_channel
from alerts.testing.alertmanager import schema_complaints
from alerts.testing.samples import several_facts
from forecast.alert_tables import ChannelTable, Subscription
from forecast.errors import ConfigError
from tests.alerts.alertmanager_samples import (
    API,
    HOOK,
    KINDS,
    NOW,
    SAMPLES,
    URL,
    VALID,
    body_of,
    pushed,
    sample,
)

ROOT = Path(__file__).resolve().parents[2]
nasty = st.text(st.characters(), max_size=40).flatmap(
    lambda text: st.sampled_from([text, text * 100, f"<{text}>\u202e\x00\ud800"])
)


def test_both_pass_the_conformance_checks() -> None:
    check_channel(HOOK)
    check_channel(API)


# The labels and the fingerprint


@pytest.mark.parametrize(
    ("named", "hashed"),
    [
        # Of model/signature_test.go in prometheus/common.
        ({}, 14695981039346656037),
        ({"name": "garland, briggs", "fear": "love is not enough"}, 5799056148416392346),
    ],
)
def test_fingerprints_are_those_of_prometheus(named: dict[str, str], hashed: int) -> None:
    assert fingerprint(named) == f"{hashed:016x}"


def test_an_alert_is_known_by_what_stays_the_same_until_it_ends() -> None:
    first = sample("firing")
    later = sample("resolved", probability=0.1, reason="cleared", detail="Over.", episode=8)
    later["question"]["title"] = later["subject"]["title"] = "Reworded?"
    assert labels(first) == labels(later)
    assert labels(first) == {
        "alertname": "strike-40",
        "job": "tocsin",
        "question": "us-strike",
        "rule_kind": "threshold",
        "severity": "warning",
    }


def test_labels_of_a_member_are_those_of_its_own_message() -> None:
    group = sample("group")
    assert labels(group["members"][0]) == labels(sample("firing"))
    assert labels(sample("old")) == labels(sample("firing")), "an earlier version's facts"


def test_a_label_without_a_value_is_none_as_alertmanager_has_it() -> None:
    assert "severity" not in labels(sample("firing", severity=""))
    assert "severity" not in labels(sample("firing", severity="\u202e\n"))


def test_units_and_channels_are_labels_of_their_own() -> None:
    assert labels(sample("stale"))["unit"] == "usa-ven"
    assert labels(sample("channel"))["channel"] == "siem"
    assert labels(sample("test"))["alertname"] == "tocsin-test"


def test_numbers_and_words_are_annotations() -> None:
    said = annotations(sample("acknowledged"))
    assert said["probability"] == "0.43"
    assert said["interval"] == "0.301 to 0.559 (90 %)"
    assert said["episode"] == "7"
    assert (said["acknowledged_by"], said["acknowledgement"]) == ("ada", "on it")
    assert said["summary"].endswith(
        "Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
    )
    assert "probability" not in annotations(sample("stale"))


# The webhook's body


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("plain", [False, True])
def test_every_message_is_a_valid_webhook_body(name: str, plain: bool) -> None:
    VALID.validate(body_of(SAMPLES[name], plain=plain))


def test_a_body_is_what_an_alertmanager_would_send() -> None:
    body = body_of(sample("firing"))
    described = body["alerts"][0]["annotations"].pop("description")
    assert described.startswith("The probability is 43 %.")
    said = {
        "summary": "FIRING · Any US strike on Venezuelan territory by Christmas (2025-12-25)?",
        "probability": "0.43",
        "interval": "0.301 to 0.559 (90 %)",
        "reason": "threshold_crossed",
        "episode": "7",
    }
    named = {
        "alertname": "strike-40",
        "job": "tocsin",
        "question": "us-strike",
        "rule_kind": "threshold",
        "severity": "warning",
    }
    assert body == {
        "receiver": "desk",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": named,
                "annotations": said,
                "startsAt": "2025-11-17T10:00:00Z",
                "endsAt": NO_TIME,
                "generatorURL": "https://tocsin.example/questions/us-strike?a=1&b=2",
                "fingerprint": "ca5f23befc81062c",
            }
        ],
        "groupLabels": named,
        "commonLabels": named,
        "commonAnnotations": said | {"description": described},
        "externalURL": "https://tocsin.example/questions/us-strike?a=1&b=2",
        "version": "4",
        "groupKey": '{}:{alertname="strike-40", job="tocsin", question="us-strike", '
        'rule_kind="threshold", severity="warning"}',
        "truncatedAlerts": 0,
        "notification_reason": "first notification",
    }


def test_an_alert_is_described_alike_alone_and_among_others() -> None:
    alone = body_of(sample("firing"))["alerts"][0]["annotations"]
    among = body_of(several_facts("group", [sample("firing"), sample("stale")]))["alerts"]
    assert among[0]["annotations"]["description"] == alone["description"]


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("firing", "firing", "first notification"),
        ("reminder", "firing", "repeat interval elapsed"),
        ("acknowledged", "firing", "repeat interval elapsed"),
        ("resolved", "resolved", "all alerts resolved"),
        ("outcome", "firing", "first notification"),
        ("test", "firing", "first notification"),
        ("group", "firing", "new alerts added"),
    ],
)
def test_every_kind_has_its_status_and_reason(name: str, status: str, reason: str) -> None:
    body = body_of(sample(name))
    assert (body["status"], body["notification_reason"]) == (status, reason)


def test_an_end_is_a_real_time_and_a_beginning_that_of_the_episode() -> None:
    (ended,) = body_of(sample("resolved", since="2025-11-16T08:00:00Z"))["alerts"]
    assert (ended["startsAt"], ended["endsAt"]) == ("2025-11-16T08:00:00Z", "2025-11-17T10:00:00Z")
    (reminded,) = body_of(sample("reminder"))["alerts"]
    assert (reminded["startsAt"], reminded["endsAt"]) == ("2025-11-17T10:00:00Z", NO_TIME)


def test_a_group_is_several_alerts_with_what_they_have_in_common() -> None:
    body = body_of(sample("group"))
    assert [alert["status"] for alert in body["alerts"]] == ["firing", "resolved", "firing"]
    common = {"alertname": "strike-40", "job": "tocsin", "rule_kind": "threshold"}
    assert body["commonLabels"] == body["groupLabels"] == common


def test_a_group_fires_while_one_of_it_does_whichever_comes_first() -> None:
    group = sample("group")
    group["members"].reverse()
    group["members"][0]["kind"] = "resolved"
    assert [alert["status"] for alert in body_of(group)["alerts"]] == [
        "resolved",
        "resolved",
        "firing",
    ]
    assert body_of(group)["status"] == "firing"


def test_the_plain_form_has_nothing_that_a_validator_could_dislike() -> None:
    (alert,) = pushed(sample("firing"), plain=True)
    assert set(alert) == {"labels", "annotations"}
    (ended,) = pushed(sample("resolved"), plain=True)
    assert set(ended) == {"labels", "annotations", "endsAt"}, "or it would fire"
    assert list(body_of(sample("firing"), plain=True)["commonAnnotations"]) == ["summary"]


def test_of_one_alert_that_comes_twice_in_a_message_the_newest_counts() -> None:
    group = sample("group")
    first = group["members"][0]
    group["members"] = [first, first | {"kind": "resolved"}]
    assert body_of(group)["status"] == "resolved"
    (alert,) = body_of(group)["alerts"]
    assert alert["status"] == "resolved"
    assert body_of(group)["notification_reason"] == "all alerts resolved"


def test_a_crowd_loses_words_and_no_alert() -> None:
    crowd = sample("group")
    crowd["members"] = [
        crowd["members"][0]
        | {"subject": {"kind": "question", "id": str(n), "title": "界" * 300}, "detail": "界" * 600}
        for n in range(100)
    ]
    assert len(json.dumps(webhook_body(crowd, "desk"), ensure_ascii=False).encode()) > ROOM
    for request in (HOOK.request(crowd, "m", NOW), API.request(crowd, "m", NOW)):
        assert len(request.body) < ROOM
        body = json.loads(request.body)
        alerts = body["alerts"] if isinstance(body, dict) else body
        assert len(alerts) == 100
        assert {tuple(alert["annotations"]) for alert in alerts} == {("summary",)}


@settings(deadline=None, max_examples=50)
@given(nasty, nasty, nasty, nasty, nasty)
def test_whatever_the_words_the_body_is_valid_and_small(
    title: str, rule: str, subject: str, detail: str, link: str
) -> None:
    facts = sample("closed", detail=detail, link=link)
    facts["question"]["title"] = facts["subject"]["title"] = title
    facts["subject"]["id"], facts["rule"]["id"] = subject, f"r{rule}"
    facts["crowd"][0]["source"] = facts["contributions"][0]["meaning"] = title
    group = sample("group")
    group["members"] = [facts, group["members"][0] | {"detail": detail, "link": link}]
    for told in (facts, group):
        body = HOOK.request(told, "m", NOW).body
        VALID.validate(json.loads(body))
        assert len(body) < 50_000
        assert list(schema_complaints(API.request(told, "m", NOW).body)) == []
        for alert in json.loads(body)["alerts"]:
            assert fingerprint(alert["labels"]) == alert["fingerprint"]


# Secrets and answers


def test_a_secret_goes_as_a_token_or_as_a_name_and_password() -> None:
    token = AlertmanagerWebhook(Endpoint("desk", URL, "CANARY"))
    assert token.request(SAMPLES["firing"], "m", NOW).headers["authorization"] == "Bearer CANARY"
    basic = AlertmanagerApi(Endpoint("am", URL, "ada:CANARY\n", {"auth": "basic"}))
    header = basic.request(SAMPLES["firing"], "m", NOW).headers["authorization"]
    assert base64.b64decode(header.removeprefix("Basic ")) == b"ada:CANARY"
    assert "authorization" not in HOOK.request(SAMPLES["firing"], "m", NOW).headers


@pytest.mark.parametrize(
    ("secret", "options", "complaint"),
    [
        ("CANARY\r\nx-evil: 1", {}, "cannot stand in a header"),
        ("CANARY\u00e9", {}, "cannot stand in a header"),
        ("CANARY", {"auth": "digest"}, "auth is bearer or basic"),
    ],
)
def test_a_secret_that_cannot_be_sent_is_an_error_that_does_not_show_it(
    secret: str, options: dict[str, str], complaint: str
) -> None:
    hook = AlertmanagerWebhook(Endpoint("desk", URL, secret, options))
    with pytest.raises(ConfigError, match=complaint) as caught:
        hook.request(SAMPLES["firing"], "m", NOW)
    assert "CANARY" not in str(caught.value)
    assert "CANARY" not in repr(hook)


@pytest.mark.parametrize(
    "url", ["http://am:9093", "http://am:9093/", "http://am:9093/api/v2/alerts"]
)
def test_the_api_is_found_from_the_base_url(url: str) -> None:
    request = AlertmanagerApi(Endpoint("am", url)).request(SAMPLES["firing"], "m", NOW)
    assert request.url == "http://am:9093/api/v2/alerts"


@pytest.mark.parametrize("channel", [HOOK, API])
@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (200, Verdict.DELIVERED, ""),
        (204, Verdict.DELIVERED, ""),
        (307, Verdict.RETRY, "redirects are not followed (307)"),
        (400, Verdict.SIMPLIFY, "the receiver answered 400"),
        (413, Verdict.SIMPLIFY, "the receiver answered 413"),
        (422, Verdict.SIMPLIFY, "the receiver answered 422"),
        (401, Verdict.RETRY, "it does not take the channel's secret"),
        (404, Verdict.RETRY, "nothing there takes alerts"),
        (410, Verdict.GONE, "gone (410)"),
        (429, Verdict.RETRY, "the receiver answered 429"),
        (500, Verdict.RETRY, "the receiver answered 500"),
    ],
)
def test_every_answer_has_its_verdict(
    channel: AlertmanagerWebhook | AlertmanagerApi, status: int, verdict: Verdict, reason: str
) -> None:
    outcome = channel.judge(Reply(status, {"retry-after": "30"}, b"CANARY"), NOW)
    assert outcome.verdict is verdict
    assert reason in outcome.reason
    assert "CANARY" not in outcome.reason
    if status in (429, 500):
        assert outcome.after == timedelta(seconds=30)


# The documentation


def test_the_channels_of_the_documentation_open(monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "channels-alertmanager-pagerduty.md"
    (example,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
    tables = tomllib.loads(example)
    for name in re.findall(r"env:(\w+)", example):
        monkeypatch.setenv(name, "https://x.example")
    monkeypatch.setenv("PAGERDUTY_KEY", "0" * 32)
    pagerduty = EntryPoint("pagerduty", "alerts.channels.pagerduty:PagerDuty", registry.GROUP)
    for table in tables["channels"]:
        opened = registry.open_channel(ChannelTable(**table), [*KINDS, pagerduty])
        assert opened.request(SAMPLES["firing"], "m", NOW).url.startswith("https://")
    Subscription(**tables["subscriptions"][0])
