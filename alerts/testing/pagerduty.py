"""PagerDuty on loopback: Events API v2 with its limits, and its alerts as they open and close."""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from alerts.testing.receiver import Answer, Received

MOST_BYTES = 512 * 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
_TOP = {
    "routing_key": str,
    "event_action": str,
    "dedup_key": str,
    "payload": dict,
    "images": list,
    "links": list,
    "client": str,
    "client_url": str,
}
_PAYLOAD = {
    "summary": str,
    "source": str,
    "severity": str,
    "timestamp": str,
    "component": str,
    "group": str,
    "class": str,
    "custom_details": dict,
}


@dataclass
class PagedAlert:
    """An alert in PagerDuty: "triggered", "acknowledged" or "resolved", and its triggers so far."""

    dedup_key: str
    status: str = "triggered"
    payloads: list[Mapping[str, Any]] = field(default_factory=list)


class FakePagerDuty:
    """A service of PagerDuty for `Receiver(services={"/v2/enqueue": ...})`.

    `alerts` are all that were opened, in that order; `dropped` the (action, dedup_key) of
    events that found no open alert; `refused` the errors of events that broke the format.

    https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/02-Trigger-Events.md
    """

    def __init__(self, routing_key: str) -> None:
        self._routing_key = routing_key
        self._lock = threading.Lock()
        self.alerts: list[PagedAlert] = []
        self.dropped: list[tuple[str, str]] = []
        self.refused: list[list[str]] = []

    def __call__(self, received: Received) -> Answer:
        """Take an event as `POST /v2/enqueue` does."""
        errors = list(event_complaints(received.body))
        with self._lock:
            if errors:
                self.refused.append(errors)
                return _answer(400, {"status": "invalid event", "errors": errors})
            event = received.json()
            if event["routing_key"] != self._routing_key:
                self.refused.append(["Invalid routing key"])
                return Answer(400, body=b"Invalid routing key")
            key = event.get("dedup_key") or f"generated-{len(self.alerts)}"
            self._apply(event["event_action"], key, event.get("payload", {}))
        return _answer(202, {"status": "success", "dedup_key": key})

    def open_alerts(self) -> list[PagedAlert]:
        """Those not resolved."""
        return [alert for alert in self.alerts if alert.status != "resolved"]

    def _apply(self, action: str, key: str, payload: Mapping[str, Any]) -> None:
        found = next((alert for alert in self.open_alerts() if alert.dedup_key == key), None)
        if action == "trigger":
            if found is None:
                found = PagedAlert(key)
                self.alerts.append(found)
            found.payloads.append(payload)
        elif found is None:
            self.dropped.append((action, key))
        else:
            found.status = "acknowledged" if action == "acknowledge" else "resolved"


def event_complaints(body: bytes) -> Iterator[str]:
    """What PagerDuty would refuse an event for."""
    if len(body) > MOST_BYTES:
        yield "Event is larger than 512 KB"
        return
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        yield "Event object is not JSON"
        return
    yield from _of_fields(event, _TOP, "event")
    key = str(event.get("routing_key", ""))
    if len(key) != 32:
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    if not (key.isascii() and key.isalnum()):
        yield "'routing_key' cannot contain non-alphanumeric characters."
    if event.get("event_action") not in ACTIONS:
        yield f"'event_action' is none of {ACTIONS}"
    if len(str(event.get("dedup_key", ""))) > 255:
        yield "'dedup_key' is longer than 255 characters"
    if event.get("event_action") == "trigger":
        yield from _of_payload(event.get("payload"))
    elif not event.get("dedup_key"):
        yield "'dedup_key' is missing or blank"
    yield from _of_attachments(event)


def _of_payload(payload: object) -> Iterator[str]:
    if not isinstance(payload, dict):
        yield "'payload' is missing or blank"
        return
    yield from _of_fields(payload, _PAYLOAD, "payload")
    for name in ("summary", "source", "severity"):
        if not payload.get(name):
            yield f"'payload.{name}' is missing or blank"
    # "1024 characters" of what is not said: UTF-16 units are the most that it can mean.
    if len(str(payload.get("summary", "")).encode("utf-16-le")) // 2 > 1024:
        yield "'payload.summary' is longer than 1024 characters"
    if payload.get("severity") not in SEVERITIES:
        yield f"'payload.severity' is none of {SEVERITIES}"
    try:
        datetime.fromisoformat(str(payload.get("timestamp", "2025-01-01T00:00:00Z")))
    except ValueError:
        yield "'payload.timestamp' is not a time in ISO 8601"


def _of_attachments(event: Mapping[str, Any]) -> Iterator[str]:
    for link in event.get("links", []):
        if not _is_url(link.get("href"), ("http", "https")):
            yield "'links.href' is no URL"
    for image in event.get("images", []):
        if not _is_url(image.get("src"), ("https",)):
            yield "'images.src' is no https URL"


def _of_fields(found: Mapping[str, Any], known: Mapping[str, type], where: str) -> Iterator[str]:
    for name, value in found.items():
        if name not in known:
            yield f"'{name}' is no field of the {where}"
        elif not isinstance(value, known[name]):
            yield f"'{name}' is no {known[name].__name__}"


def _is_url(text: object, schemes: tuple[str, ...]) -> bool:
    if not isinstance(text, str) or " " in text:
        return False
    parts = urlsplit(text)
    return parts.scheme in schemes and bool(parts.netloc)


def _answer(status: int, payload: Mapping[str, Any]) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(payload).encode())
