"""Slack incoming webhooks: Block Kit messages within every limit that Slack refuses past.

Slack does not cut a text that is too long, it rejects the message, and so the biggest news
would be the one that is lost. Lengths are counted in UTF-16 units after escaping, which is
the strictest reading of the limits.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    https://docs.slack.dev/reference/block-kit/blocks/section-block
    https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts import message
from alerts.api import Endpoint, Outcome, Reply, Request, Verdict
from alerts.retry import retry_after

HEADER_LIMIT = 150
SECTION_LIMIT = 3000
CONTEXT_LIMIT = 10
SMALL_LIMIT = 300
FALLBACK_LIMIT = 3000
PLAIN_LIMIT = 1000
LINK_LIMIT = 2000

# The body of an error is one of these words. Observed ones beside those of the changelog:
# https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
CLOSED = frozenset(
    {
        "action_prohibited",
        "channel_is_archived",
        "channel_not_found",
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "posting_to_general_channel_denied",
        "team_disabled",
        "user_not_found",
    }
)
MALFORMED = frozenset(
    {
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "no_text",
        "too_many_attachments",
    }
)


@dataclass(frozen=True, slots=True)
class Slack:
    """A channel in Slack. Its URL is its only credential."""

    endpoint: Endpoint

    def request(
        self, facts: Mapping[str, Any], delivery_id: str, now: datetime, *, plain: bool = False
    ) -> Request:
        """The message in blocks, or `plain` as one short text."""
        payload = plain_payload(facts) if plain else block_payload(facts, delivery_id)
        body = json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
        return Request(self.endpoint.url, {"content-type": "application/json; charset=utf-8"}, body)

    def judge(self, reply: Reply, now: datetime) -> Outcome:
        """Only 200 with the body `ok` is delivered; Slack also answers 200 with an error."""
        said = reply.body.decode("utf-8", "replace").strip()
        if reply.status == 200 and said == "ok":
            return Outcome(Verdict.DELIVERED)
        if said in CLOSED:
            return Outcome(Verdict.DEAD, f"Slack answered {reply.status} {said}")
        if reply.status == 410:
            return Outcome(Verdict.DEAD, "Slack answered 410: the webhook is gone")
        if said in MALFORMED:
            return Outcome(Verdict.SIMPLIFY, f"Slack answered {reply.status} {said}")
        if reply.status == 200:
            return Outcome(Verdict.RETRY, "Slack answered 200, but not with 'ok'")
        wait = retry_after(reply.headers, now)
        return Outcome(Verdict.RETRY, f"Slack answered {reply.status}", wait)


def block_payload(facts: Mapping[str, Any], delivery_id: str) -> dict[str, Any]:
    """Block Kit: what, how likely, why, by when, and the small print.

    Words that come from outside stand in `plain_text`, which Slack does not interpret.
    """
    known = dict(facts)
    why = " ".join(line for line in (message.why_line(known), message.crowd_line(known)) if line)
    small = [*message.small_print(known), f"id {delivery_id[-8:]}"][:CONTEXT_LIMIT]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(message.headline(known), HEADER_LIMIT)},
        {"type": "section", "text": _markdown(f"*{escape(message.number_line(known))}*")},
    ]
    if why:
        blocks.append({"type": "section", "text": _plain(why, SECTION_LIMIT)})
    if when := _deadline_and_link(known):
        blocks.append({"type": "section", "text": _markdown(when)})
    blocks.append({"type": "context", "elements": [_plain(line, SMALL_LIMIT) for line in small]})
    return {
        "text": escape(fit(message.text(known), FALLBACK_LIMIT)),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def plain_payload(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The least that can be refused."""
    return {"text": escape(fit(message.text(dict(facts)), PLAIN_LIMIT))}


def escape(text: str) -> str:
    """Without this a question titled `<!channel>` would ring everybody's phone."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fit(text: str, limit: int) -> str:
    """`text`, cut so that its escaped form has at most `limit` UTF-16 units."""
    if units(escape(text)) <= limit:
        return text
    kept, room = [], limit - 1
    for ch in text:
        room -= units(escape(ch))
        if room < 0:
            break
        kept.append(ch)
    return "".join(kept).rstrip() + "…"


def units(text: str) -> int:
    """Length in UTF-16 units, as JavaScript and Java count it."""
    return len(text) + sum(ch > "\uffff" for ch in text)


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": fit(text, limit) or " ", "emoji": False}


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _deadline_and_link(facts: dict[str, Any]) -> str:
    parts = [escape(message.deadline_line(facts))]
    link = facts["link"]
    # A link ends at the first of these, and what follows would be read as text.
    if link and units(escape(link)) <= LINK_LIMIT and not any(ch in "<>| " for ch in link):
        parts.append(f"<{link.replace('&', '&amp;')}|Open the forecast>")
    return " · ".join(part for part in parts if part)
