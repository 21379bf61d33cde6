"""Alertmanager, both ways: its webhook body to any receiver of it, and alerts pushed to its API.

An alert is known by its labels, which hold only what never changes while it fires; numbers
and words are annotations. Of several members about one alert only the newest is told.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
https://prometheus.io/docs/alerting/latest/alerts_api/
https://github.com/prometheus/alertmanager/blob/main/notify/webhook/webhook.go
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from alerts import message
from alerts.api import Endpoint, Outcome, Reply, Request, Traits, Verdict
from alerts.channels.parts import MANY, Facts, members, subject, web_link
from alerts.facts import clean
from alerts.retry import retry_after
from forecast.errors import ConfigError

API_PATH = "/api/v2/alerts"
NO_TIME = "0001-01-01T00:00:00Z"  # Go's zero time, with which the webhook says "still firing"
ROOM = 100_000
VALUE_LIMIT = 300
DESCRIPTION_LIMIT = 2000
REFUSED = (400, 413, 422)

_FNV_OFFSET, _FNV_PRIME, _SEPARATOR = 0xCBF29CE484222325, 0x100000001B3, b"\xff"
_REASONS = {
    "resolved": "all alerts resolved",
    "reminder": "repeat interval elapsed",
    "acknowledged": "repeat interval elapsed",
}


@dataclass(frozen=True, slots=True)
class AlertmanagerWebhook:
    """A receiver of Alertmanager's webhook, version 4. Its secret, if any, goes as a token."""

    traits: ClassVar[Traits] = Traits(takes_reports=False)
    endpoint: Endpoint

    def request(
        self, facts: Facts, delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The body as Alertmanager would send it; `plain` with the shortest annotations."""
        body = _fitted(lambda brief: webhook_body(facts, self.endpoint.channel, brief), plain)
        headers = _headers(self.endpoint) | {"x-tocsin-delivery": delivery_id}
        return Request(self.endpoint.url, headers, body)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """2xx is delivered; who refuses the body is sent a plain one, once."""
        return _judge(reply, now)


@dataclass(frozen=True, slots=True)
class AlertmanagerApi:
    """An Alertmanager, by its base URL. It forgets what is not told again: hence `refresh`."""

    traits: ClassVar[Traits] = Traits(refresh=timedelta(minutes=1), takes_reports=False)
    endpoint: Endpoint

    def request(
        self, facts: Facts, delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The alerts as its API takes them; `plain` is labels and a summary."""
        base = self.endpoint.url.rstrip("/").removesuffix(API_PATH)
        body = _fitted(lambda brief: pushed_alerts(facts, brief=brief, plain=plain), plain)
        return Request(base + API_PATH, _headers(self.endpoint), body)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """2xx is delivered. On a 400 it took the alerts that are valid, and names the others."""
        return _judge(reply, now)


def webhook_body(facts: Facts, receiver: str, brief: bool = False) -> dict[str, Any]:
    """The webhook's body, version 4. What its alerts have in common makes the group."""
    alerts = [_hooked(one, brief) for one in newest(facts)]
    firing = [alert for alert in alerts if alert["status"] == "firing"]
    common = _common([alert["labels"] for alert in alerts])
    return {
        "receiver": receiver,
        "status": "firing" if firing else "resolved",
        "alerts": alerts,
        "groupLabels": common,
        "commonLabels": common,
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": web_link(facts),
        "version": "4",
        "groupKey": f"{{}}:{{{', '.join(f'{k}={_quoted(v)}' for k, v in common.items())}}}",
        "truncatedAlerts": 0,
        "notification_reason": _reason(facts, bool(firing)),
    }


def pushed_alerts(
    facts: Facts, *, brief: bool = False, plain: bool = False
) -> list[dict[str, Any]]:
    """The alerts for `POST /api/v2/alerts`.

    One that fires has no end, and Alertmanager ends it after its `resolve_timeout` unless it is
    told again; with `stands_until` in its facts, as `alerts.refresh` has it, it ends then.
    `plain` leaves out what a validator could dislike: the start, which becomes the time of
    arrival, and the link.
    """
    return [_pushed(one, brief, plain) for one in newest(facts)]


def newest(facts: Facts) -> list[Facts]:
    """The members of a message, or itself, with only the newest of each alert.

    Alertmanager has one state for each set of labels. Where an alert fires and ends in one
    message, a receiver that opens a ticket for all that fires would never close it.
    """
    return list({fingerprint(labels(one)): one for one in members(facts)}.values())


def labels(facts: Facts) -> dict[str, str]:
    """Which alert it is, sorted by name; nothing in it changes while a rule fires.

    Alertmanager drops labels without a value, and so do we, that fingerprints agree.
    """
    if facts["kind"] == "test":
        named = {"alertname": "tocsin-test", "channel": facts["channel"]}
    else:
        what, subject_id = subject(facts)
        rule = facts["rule"]
        named = {
            "alertname": rule["id"],
            "rule_kind": rule.get("kind", "threshold"),
            what: subject_id,
        }
    named |= {"job": "tocsin", "severity": facts["severity"]}
    cleaned = {name: clean(value, VALUE_LIMIT) for name, value in named.items()}
    return {name: value for name, value in sorted(cleaned.items()) if value}


def fingerprint(named: Mapping[str, str]) -> str:
    """The 16 hex digits by which Alertmanager knows a set of labels: FNV-1a of 64 bits.

    https://github.com/prometheus/common/blob/main/model/signature.go

    >>> fingerprint({})
    'cbf29ce484222325'
    """
    hashed = _FNV_OFFSET
    for name, value in sorted(named.items()):
        for byte in name.encode() + _SEPARATOR + value.encode() + _SEPARATOR:
            hashed = (hashed ^ byte) * _FNV_PRIME % 2**64
    return f"{hashed:016x}"


def annotations(facts: Facts, brief: bool = False) -> dict[str, str]:
    """What is said of an alert; `brief` only the headline."""
    summary = message.headline(dict(facts))
    if brief:
        return {"summary": clean(summary, VALUE_LIMIT // 3)}
    words = summary if facts["kind"] == "test" else facts["detail"]  # alone or among others
    said = {
        "summary": clean(summary, 2 * VALUE_LIMIT),
        "description": clean(words, DESCRIPTION_LIMIT),
        "probability": _number(facts.get("probability")),
        "interval": _interval(facts.get("interval")),
        "reason": clean(facts.get("reason") or "", VALUE_LIMIT),
        "episode": str(facts.get("episode", "")),
    }
    if acknowledged := facts.get("acknowledged"):
        said["acknowledged_by"] = clean(acknowledged["author"], VALUE_LIMIT)
        said["acknowledgement"] = clean(acknowledged.get("note") or "", 2 * VALUE_LIMIT)
    return {name: words for name, words in said.items() if words}


def _hooked(facts: Facts, brief: bool) -> dict[str, Any]:
    named = labels(facts)
    is_over = facts["kind"] == "resolved"
    return {
        "status": "resolved" if is_over else "firing",
        "labels": named,
        "annotations": annotations(facts, brief),
        "startsAt": _began(facts),
        "endsAt": facts["at"] if is_over else NO_TIME,
        "generatorURL": web_link(facts),
        "fingerprint": fingerprint(named),
    }


def _pushed(facts: Facts, brief: bool, plain: bool) -> dict[str, Any]:
    alert: dict[str, Any] = {"labels": labels(facts), "annotations": annotations(facts, brief)}
    if end := facts["at"] if facts["kind"] == "resolved" else facts.get("stands_until"):
        alert["endsAt"] = end
    if plain:
        return alert
    alert["startsAt"] = _began(facts)
    # The API takes only a URI here, and an empty text is none.
    return alert | ({"generatorURL": link} if (link := web_link(facts)) else {})


def _fitted(render: Callable[[bool], object], plain: bool) -> bytes:
    """The body with all its words where they fit, else with few; no alert is ever left out."""
    whole = _json(render(plain))
    return whole if plain or len(whole) <= ROOM else _json(render(True))


def _json(payload: object) -> bytes:
    return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()


def _judge(reply: Reply, now: datetime) -> Outcome:
    if 200 <= reply.status < 300:
        return Outcome(Verdict.DELIVERED)
    said = f"the receiver answered {reply.status}"
    if reply.status == 410:
        return Outcome(Verdict.GONE, "the receiver says that it is gone (410)")
    if reply.status in REFUSED:
        return Outcome(Verdict.SIMPLIFY, said)
    if 300 <= reply.status < 400:
        return Outcome(Verdict.RETRY, f"redirects are not followed ({reply.status})")
    if reply.status in (401, 403):
        return Outcome(Verdict.RETRY, f"{said}: it does not take the channel's secret")
    if reply.status in (404, 405):
        return Outcome(Verdict.RETRY, f"{said}: nothing there takes alerts; look at the url")
    return Outcome(Verdict.RETRY, said, retry_after(reply.headers, now))


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if endpoint.secret is None:
        return headers
    secret, at = endpoint.secret.strip(), f"channels.{endpoint.channel}"
    if not (secret.isascii() and secret.isprintable()):
        raise ConfigError("the secret cannot stand in a header", at=f"{at}.secret")
    match endpoint.options.get("auth", "bearer"):
        case "bearer":
            return headers | {"authorization": f"Bearer {secret}"}
        case "basic":
            encoded = base64.b64encode(secret.encode()).decode()
            return headers | {"authorization": f"Basic {encoded}"}
    raise ConfigError("auth is bearer or basic", at=f"{at}.options.auth")


def _began(facts: Facts) -> str:
    """When it began to fire, or, where the facts do not say, when this was told."""
    began: str = facts.get("since") or facts["at"]
    return began


def _reason(facts: Facts, is_firing: bool) -> str:
    if facts["kind"] in MANY:
        return "new alerts added" if is_firing else "all alerts resolved"
    return _REASONS.get(facts["kind"], "first notification")


def _common(many: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The items that all have."""
    if not many:
        return {}
    first, *others = many
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}


def _number(p: float | None) -> str:
    return "" if p is None else f"{p:.6g}"


def _interval(interval: Mapping[str, float] | None) -> str:
    """Both ends and its mass: "0.31 to 0.56 (90 %)"."""
    if not interval:
        return ""
    lower, upper = (_number(interval[end]) for end in ("lower", "upper"))
    return f"{lower} to {upper} ({100 * interval['mass']:.6g} %)"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
