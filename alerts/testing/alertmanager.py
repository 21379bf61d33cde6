"""Alertmanager on loopback: `POST /api/v2/alerts` with its checks, and what then stands."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from alerts.testing.receiver import Answer, Received
from forecast.clock import Clock, utc_now

RESOLVE_TIMEOUT = timedelta(minutes=5)
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_URI = re.compile(r"[a-z][a-z0-9+.-]*://[!#$%&'()*+,./0-9:;=?@A-Z_a-z~\[\]-]+")
_FIELDS = ("labels", "annotations", "startsAt", "endsAt", "generatorURL")


@dataclass(frozen=True, slots=True)
class StandingAlert:
    """An alert that an Alertmanager knows. `is_timeout`: nobody said when it ends."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    is_timeout: bool


class FakeAlertmanager:
    """An Alertmanager for `Receiver(services={"/api/v2/alerts": ...})`.

    It takes what its OpenAPI and its own checks take, merges alerts of the same labels as it
    does, and what is not told again ends by itself. As the real one, it takes the valid alerts
    of a body that it refuses for others.

    https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
    https://github.com/prometheus/alertmanager/blob/main/api/v2/api.go
    """

    def __init__(
        self, clock: Clock = utc_now, *, resolve_timeout: timedelta = RESOLVE_TIMEOUT
    ) -> None:
        self._clock = clock
        self._resolve_timeout = resolve_timeout
        self._lock = threading.Lock()
        self._alerts: dict[tuple[tuple[str, str], ...], StandingAlert] = {}
        self.refused: list[list[str]] = []

    def __call__(self, received: Received) -> Answer:
        """Take alerts as `POST /api/v2/alerts` does."""
        errors = list(schema_complaints(received.body))
        with self._lock:
            if errors:
                return self._refuse(422, errors)
            for posted in received.json():
                alert = self._read(posted)
                if complaint := _validate(alert):
                    errors.append(complaint)
                else:
                    self._put(alert)
            return self._refuse(400, errors) if errors else Answer(200, body=b"")

    def alerts(self) -> list[StandingAlert]:
        """All alerts that it knows."""
        with self._lock:
            return list(self._alerts.values())

    def firing(self) -> list[StandingAlert]:
        """Those that have not ended by now."""
        now = self._clock()
        return [alert for alert in self.alerts() if alert.ends_at > now]

    def forget(self) -> None:
        """Restart: it keeps alerts in memory only."""
        with self._lock:
            self._alerts.clear()

    def _refuse(self, status: int, errors: list[str]) -> Answer:
        self.refused.append(errors)
        return Answer(status, body=json.dumps("; ".join(errors)).encode())

    def _read(self, posted: Mapping[str, Any]) -> StandingAlert:
        now = self._clock()
        starts, ends = (_instant(posted.get(name)) for name in ("startsAt", "endsAt"))
        return StandingAlert(
            {name: value for name, value in posted["labels"].items() if value},
            posted.get("annotations", {}),
            starts or ends or now,
            ends or now + self._resolve_timeout,
            ends is None,
        )

    def _put(self, new: StandingAlert) -> None:
        """As provider/mem and types.Alert.Merge have it: one activity goes on, or begins anew."""
        key = tuple(sorted(new.labels.items()))
        old = self._alerts.get(key)
        if old is not None and _overlap(old, new):
            new = _merge(old, new, self._clock())
        self._alerts[key] = new


def _overlap(old: StandingAlert, new: StandingAlert) -> bool:
    return old.starts_at < new.ends_at < old.ends_at or old.starts_at < new.starts_at < old.ends_at


def _merge(old: StandingAlert, new: StandingAlert, now: datetime) -> StandingAlert:
    began = min(old.starts_at, new.starts_at)
    is_later = old.ends_at > new.ends_at
    if new.ends_at <= now:
        keeps = old.ends_at <= now and is_later
    else:
        keeps = is_later and not old.is_timeout
    return replace(new, starts_at=began, ends_at=old.ends_at if keeps else new.ends_at)


def _validate(alert: StandingAlert) -> str:
    """What `Alert.Validate` says."""
    if alert.ends_at < alert.starts_at:
        return "start time must be before end time"
    if not alert.labels:
        return "at least one label pair required"
    for name in (*alert.labels, *alert.annotations):
        if not _LABEL_NAME.fullmatch(name):
            return f"invalid name {name!r}"
    return ""


def schema_complaints(body: bytes) -> Iterator[str]:
    """What the OpenAPI document does not allow; it is stricter in that it knows all fields."""
    try:
        alerts = json.loads(body)
    except ValueError:
        alerts = None
    if not isinstance(alerts, list):
        yield "the body is no JSON array"
        return
    for alert in alerts:
        if not isinstance(alert, dict):
            yield "an alert is no object"
            continue
        yield from _of_alert(alert)


def _of_alert(alert: Mapping[str, Any]) -> Iterator[str]:
    if "labels" not in alert:
        yield "labels are required"
    for name, value in alert.items():
        if name not in _FIELDS:
            yield f"{name} is no field of an alert"
        elif name in ("labels", "annotations"):
            if not _is_label_set(value):
                yield f"{name} must be text by name"
        elif name == "generatorURL":
            if not _is_uri(value):
                yield "generatorURL must be of type uri"
        elif not (isinstance(value, str) and _RFC3339.fullmatch(value)):
            yield f"{name} must be of type date-time"


def _is_label_set(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_uri(value: object) -> bool:
    if not (isinstance(value, str) and _URI.fullmatch(value)):
        return False
    try:
        return bool(urlsplit(value).netloc)
    except ValueError:
        return False


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.upper()) if text else None
