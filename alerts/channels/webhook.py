"""Signed webhooks: a CloudEvents 1.0 body under Standard Webhooks 1.0.0 headers.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from alerts.api import Endpoint, Outcome, Reply, Request, Verdict
from alerts.retry import retry_after
from alerts.signing import parse_secrets, sign
from forecast.errors import ConfigError

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
TYPE_PREFIX = "tocsin.alert."
SOURCE = "/tocsin"  # of what has no page of its own

# RFC 3986, of the web, in ASCII; anything else would make the event no CloudEvent.
_CHARACTER = r"(?:[\w.~:/@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_WEB = re.compile(
    r"https?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    rf"(?:/{_CHARACTER}*)?(?:\?(?:{_CHARACTER}|\?)*)?(?:#(?:{_CHARACTER}|\?)*)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver of signed events. Its secret may be several: "whsec_new whsec_old"."""

    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The signed event. It has one form, so `plain` changes nothing."""
        at = f"channels.{self.endpoint.channel}.secret"
        if self.endpoint.secret is None:
            raise ConfigError("a webhook needs a secret (whsec_...) to sign with", at=at)
        secrets = parse_secrets(self.endpoint.secret, at)
        body = json.dumps(event(facts, delivery_id), ensure_ascii=False, allow_nan=False).encode()
        headers = {"content-type": CONTENT_TYPE, **sign(secrets, delivery_id, now, body)}
        return Request(self.endpoint.url, headers, body)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """2xx is delivered, 410 closes the channel; all else, a redirect too, is tried again."""
        if 200 <= reply.status < 300:
            return Outcome(Verdict.DELIVERED)
        if reply.status == 410:
            return Outcome(Verdict.GONE, "the receiver says that it is gone (410)")
        if 300 <= reply.status < 400:
            return Outcome(Verdict.RETRY, f"redirects are not followed ({reply.status})")
        wait = retry_after(reply.headers, now)
        return Outcome(Verdict.RETRY, f"the receiver answered {reply.status}", wait)


def event(facts: Mapping[str, Any], delivery_id: str) -> dict[str, Any]:
    """The facts as a CloudEvent that is a Standard Webhooks payload too (`timestamp`)."""
    envelope = {
        "specversion": "1.0",
        "id": delivery_id,
        "source": facts["link"] if _WEB.fullmatch(facts["link"]) else SOURCE,
        "type": TYPE_PREFIX + facts["kind"],
        "time": facts["at"],
        "timestamp": facts["at"],
        "datacontenttype": "application/json",
        "data": dict(facts),
    }
    if subject := facts.get("subject") or _question(facts):
        envelope["subject"] = f"{subject['kind']}s/{quote(subject['id'], safe='')}"
    return envelope


def _question(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The subject of facts from before other things than questions had rules."""
    question = facts.get("question")
    return {"kind": "question", "id": question["id"]} if question else None
