"""PagerDuty, Events API v2: an episode of firing is an alert there, opened and closed by its key.

https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/01-Overview.md
https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/02-Trigger-Events.md
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from alerts import message
from alerts.api import Endpoint, Outcome, Reply, Request, Traits, Verdict
from alerts.channels.parts import MANY, Facts, is_whole, members, subject, web_link
from alerts.facts import clean
from alerts.retry import retry_after
from forecast.errors import ConfigError

ENQUEUE = "https://events.pagerduty.com/v2/enqueue"
KEY_LENGTH = 32
SUMMARY_LIMIT = 512  # of 1,024 characters, whatever PagerDuty counts as one
FIELD_LIMIT = 300
DETAIL_LIMIT = 2000
MOST_MEMBERS = 100
# "be sure to retry on a 429 response code, preferably with a backoff of a few minutes"
BACK_OFF = timedelta(minutes=3)
ACTIONS = {"resolved": "resolve", "acknowledged": "acknowledge"}
SEVERITIES = {"page": "critical", "warning": "warning", "info": "info"}
_RISING = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """A service of PagerDuty. Its secret is the integration's routing key."""

    traits: ClassVar[Traits] = Traits(is_grouped=False, needs_url=False, takes_reports=False)
    endpoint: Endpoint

    def request(
        self, facts: Facts, delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The event; `plain` with the required fields only."""
        payload = {"routing_key": self._routing_key(), **event(facts, delivery_id, plain=plain)}
        body = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
        url = self.endpoint.url or ENQUEUE
        return Request(url, {"content-type": "application/json"}, body)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """202 is delivered. A 400 is not to be repeated: it goes once more in plain form.

        Where the 400 is about the routing key, no event will be taken: the channel is closed
        until a person has put the key right.
        """
        said = f"PagerDuty answered {reply.status}"
        if reply.status == 202:
            return Outcome(Verdict.DELIVERED)
        if reply.status == 410:
            return Outcome(Verdict.GONE, said)
        if reply.status == 400 and _is_about_key(reply.body):
            return Outcome(Verdict.GONE, f"{said}: it refuses the routing key")
        if reply.status in (400, 413):
            return Outcome(Verdict.SIMPLIFY, said)
        if reply.status == 429:
            return Outcome(Verdict.RETRY, said, retry_after(reply.headers, now) or BACK_OFF)
        return Outcome(Verdict.RETRY, said, retry_after(reply.headers, now))

    def _routing_key(self) -> str:
        key = (self.endpoint.secret or "").strip()
        if len(key) != KEY_LENGTH or not (key.isascii() and key.isalnum()):
            at = f"channels.{self.endpoint.channel}.secret"
            words = f"a routing key has {KEY_LENGTH} letters and digits"
            raise ConfigError(f"PagerDuty needs the routing key as secret; {words}", at=at)
        return key


def event(facts: Facts, delivery_id: str, *, plain: bool = False) -> dict[str, Any]:
    """The event but for its routing key. Those that end or acknowledge need no payload."""
    action = ACTIONS.get(facts["kind"], "trigger")
    begun = {"event_action": action, "dedup_key": dedup_key(facts, delivery_id)}
    if action != "trigger":
        return begun
    if plain:
        return begun | {"payload": _required(facts)}
    link = web_link(facts)
    linked = {"client_url": link, "links": [{"href": link, "text": "Open in Tocsin"}]}
    return begun | {
        "payload": _required(facts) | _described(facts),
        "client": "Tocsin",
        **(linked if link else {}),
    }


def dedup_key(facts: Facts, delivery_id: str) -> str:
    """The key of an episode: all that is told of it meets in one alert, the next opens another.

    Messages about many things, which nothing ends, have a key of their own, and trials of a
    channel have one together.
    """
    if facts["kind"] in MANY:
        parts = ["message", delivery_id]
    elif facts["kind"] == "test":
        parts = ["test", facts["channel"]]
    else:
        parts = [facts["rule"]["id"], *subject(facts), facts["episode"]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def severity(facts: Facts) -> str:
    """PagerDuty's word. A digest is news and no emergency; a group is as bad as what fires."""
    if facts["kind"] == "digest":
        return "info"
    told = [one for one in members(facts) if one["kind"] != "resolved"]
    words = [SEVERITIES.get(one["severity"], "warning") for one in told]
    return max(words, key=_RISING.index, default="info")


def _required(facts: Facts) -> dict[str, Any]:
    return {
        "summary": clean(message.headline(dict(facts)), SUMMARY_LIMIT) or "Tocsin",
        "source": clean(_source(facts), FIELD_LIMIT) or "tocsin",
        "severity": severity(facts),
    }


def _described(facts: Facts) -> dict[str, Any]:
    what = {"timestamp": facts["at"], "custom_details": _details(facts)}
    if facts["kind"] in MANY or facts["kind"] == "test":
        return what | {"class": facts["kind"]}
    kind, subject_id = subject(facts)
    fields = {
        "component": subject_id,
        "group": kind,
        "class": facts["rule"].get("kind", "threshold"),
    }
    return what | {name: clean(words, FIELD_LIMIT) for name, words in fields.items()}


def _details(facts: Facts) -> dict[str, Any]:
    if facts["kind"] in MANY:
        lines = [clean(line, FIELD_LIMIT) for line in message.member_lines(dict(facts))]
        counts = Counter(one["kind"] for one in members(facts))
        return {"counts": dict(counts), "alerts": lines[:MOST_MEMBERS]}
    words = message.text(dict(facts)) if is_whole(facts) else facts["detail"]
    said = {
        "message": clean(words, DETAIL_LIMIT),
        "reason": clean(facts.get("detail") or "", DETAIL_LIMIT),
        "probability": facts.get("probability"),
        "interval": facts.get("interval"),
        "rule": clean(facts["rule"]["id"], FIELD_LIMIT) if "rule" in facts else None,
        "episode": facts.get("episode"),
        "reminder": facts.get("number"),
    }
    return {name: value for name, value in said.items() if value not in (None, "")}


def _source(facts: Facts) -> str:
    """Where it comes from: the host of the link, as PagerDuty prefers."""
    link = web_link(facts)
    return (urlsplit(link).hostname or "") if link else ""


def _is_about_key(body: bytes) -> bool:
    """Whether a refusal names the routing key.

    PagerDuty answers {"status": "invalid event", "errors": ["Length of 'routing_key' is
    incorrect (should be 32 characters)"]}, or the words "Invalid routing key".
    https://github.com/envato/pagerduty/issues/70
    https://github.com/robusta-dev/robusta/issues/571
    """
    try:
        said = json.loads(body)
    except ValueError:
        return body.lstrip().lower().startswith(b"invalid routing key")
    # only the complaint: what else it says may be our own event, which has a routing key
    found = [said.get("errors"), said.get("message")] if isinstance(said, dict) else [said]
    words = json.dumps(found).lower()
    return "routing_key" in words or "routing key" in words
