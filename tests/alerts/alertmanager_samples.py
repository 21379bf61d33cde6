"""What the tests of Alertmanager share: channels, a receiver of its webhook, and an episode."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import jsonschema

from alerts import registry
from alerts.api import Endpoint
from alerts.channels.alertmanager import AlertmanagerApi, AlertmanagerWebhook
from alerts.facts import again
from alerts.testing import Answer, Received, sample_facts
from forecast.alert import Delivery
from forecast.clock import format_instant
from forecast.store import Store

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
URL = "https://alerts.example/CANARY"
HOOK = AlertmanagerWebhook(Endpoint("desk", URL))
API = AlertmanagerApi(Endpoint("am", URL))
SAMPLES = sample_facts()
SCHEMA = json.loads(Path(__file__).with_name("alertmanager-webhook.schema.json").read_text())
VALID = jsonschema.Draft202012Validator(SCHEMA)
KINDS = [
    EntryPoint("alertmanager", "alerts.channels.alertmanager:AlertmanagerWebhook", registry.GROUP),
    EntryPoint("alertmanager-api", "alerts.channels.alertmanager:AlertmanagerApi", registry.GROUP),
]


def sample(name: str, **changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(json.dumps(SAMPLES[name]))
    return facts | changes


def body_of(facts: dict[str, Any], *, plain: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(HOOK.request(facts, "msg_1", NOW, plain=plain).body)
    return body


def pushed(facts: dict[str, Any], *, plain: bool = False) -> list[dict[str, Any]]:
    alerts: list[dict[str, Any]] = json.loads(API.request(facts, "m", NOW, plain=plain).body)
    return alerts


@dataclass
class Hook:
    """A receiver of the webhook that wants a token and a valid body."""

    token: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, received: Received) -> Answer:
        if self.token and received.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401)
        body = received.json()
        if not VALID.is_valid(body):
            return Answer(400)
        self.bodies.append(body)
        return Answer(200)


def put(store: Store, at: datetime, channel: str, number: int, facts: dict[str, Any]) -> None:
    delivery = Delivery(f"msg_{channel}_{number}", channel, facts["kind"], at, at, facts)
    store.record(deliveries=[delivery], recorded_at=at)


def episode(began: datetime, acknowledged: datetime, ended: datetime) -> list[dict[str, Any]]:
    """Fire, acknowledge, resolve."""
    firing = sample("firing", at=format_instant(began))
    note = {"author": "ada", "note": "on it", "at": acknowledged}
    resolved = sample("resolved", at=format_instant(ended), since=format_instant(began))
    return [firing, again(firing, "acknowledged", acknowledged, acknowledged=note), resolved]
