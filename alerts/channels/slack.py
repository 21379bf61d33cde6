"""Slack incoming webhooks: Block Kit messages within every limit that Slack refuses past.

Slack does not cut a text that is too long, it rejects the message, and so the biggest news
would be the one that is lost. Lengths are counted in UTF-16 units after escaping, which is
the strictest reading of the limits. All blocks together have a limit too, which is not
documented; messages were refused from 11,300 characters on.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    https://docs.slack.dev/reference/block-kit/blocks/section-block
    https://docs.slack.dev/messaging/formatting-message-text#escaping
    https://github.com/slackapi/bolt-js/issues/2867
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from alerts import message
from alerts.api import Endpoint, Outcome, Reply, Request, Traits, Verdict
from alerts.retry import retry_after

HEADER_LIMIT = 150
SECTION_LIMIT = 3000
CONTEXT_LIMIT = 10
NUMBER_LIMIT = 1000
WHY_LIMIT = 2000
SMALL_LIMIT = 300
LINES_LIMIT = 5000  # of all members of a group
FALLBACK_LIMIT = 3000
PLAIN_LIMIT = 1000
LINK_LIMIT = 1500

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
        "msg_blocks_too_long",
        "no_text",
        "too_many_attachments",
    }
)

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_FORMATTING = re.compile(r"[*_~`]|:[\w+-]+:")


@dataclass(frozen=True, slots=True)
class Slack:
    """A channel in Slack. Its URL is its only credential."""

    traits: ClassVar[Traits] = Traits(pace=timedelta(seconds=1))

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
            return Outcome(Verdict.GONE, f"Slack answered {reply.status} {said}")
        if reply.status == 410:
            return Outcome(Verdict.GONE, "Slack answered 410: the webhook is gone")
        if said in MALFORMED:
            return Outcome(Verdict.SIMPLIFY, f"Slack answered {reply.status} {said}")
        if reply.status == 200:
            return Outcome(Verdict.RETRY, "Slack answered 200, but not with 'ok'")
        wait = retry_after(reply.headers, now)
        return Outcome(Verdict.RETRY, f"Slack answered {reply.status}", wait)


def block_payload(facts: Mapping[str, Any], delivery_id: str) -> dict[str, Any]:
    """Block Kit: what, how likely, why, by when, and the small print; of several, a line each.

    Words that come from outside stand in `plain_text`, which Slack does not interpret.
    """
    known = dict(facts)
    small = [*message.small_print(known), f"id {delivery_id[-8:]}"][:CONTEXT_LIMIT]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(message.headline(known), HEADER_LIMIT)},
        *(_group_blocks(known) if message.is_list(known) else _alert_blocks(known)),
        {"type": "context", "elements": [_plain(line, SMALL_LIMIT) for line in small]},
    ]
    return {
        "text": escape(_fallback(known, FALLBACK_LIMIT)),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def plain_payload(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The least that can be refused."""
    return {"text": escape(_fallback(dict(facts), PLAIN_LIMIT))}


def _alert_blocks(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """How likely, why, and by when with the link."""
    why = " ".join(line for line in (message.why_line(facts), message.crowd_line(facts)) if line)
    blocks = []
    if number := message.number_line(facts):
        blocks.append({"type": "section", "text": _bold(number, NUMBER_LIMIT)})
    if why:
        blocks.append({"type": "section", "text": _plain(why, WHY_LIMIT)})
    if when := _deadline_and_link(facts):
        blocks.append({"type": "section", "text": _markdown(when)})
    return blocks


def _group_blocks(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """The members' lines, numbered, then a link for each number; of a report its summary first."""
    lines = message.member_lines(facts)
    numbered = [fit(_tidy(f"{n}. {line}"), SMALL_LIMIT) for n, line in enumerate(lines, 1)]
    shown = message.fit_lines(numbered, LINES_LIMIT, _size)
    blocks = [
        {"type": "section", "text": _plain("\n".join(part), SECTION_LIMIT)}
        for part in _sections(shown)
    ]
    if "members" not in facts:
        blocks.insert(
            0, {"type": "section", "text": _bold(message.number_line(facts), NUMBER_LIMIT)}
        )
    if links := _numbered_links([member["link"] for member in message.members(facts)]):
        blocks.append({"type": "section", "text": _markdown(f"Open {links}")})
    return blocks


def _numbered_links(urls: list[str]) -> str:
    """A link for each URL by its number, as many as have room."""
    kept = ""
    for number, url in enumerate(urls, 1):
        longer = f"{kept} <{_href(url)}|{number}>" if _is_link(url) else kept
        if units(longer) > LINK_LIMIT:
            break
        kept = longer
    return kept.strip()


def _sections(lines: list[str]) -> list[list[str]]:
    """Lines in as few sections as hold them, in order."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if sum(_size(each) + 1 for each in [*parts[-1], line]) > SECTION_LIMIT:
            parts.append([])
        parts[-1].append(line)
    return [part for part in parts if part]


def _size(line: str) -> int:
    """Units of a line as it is sent: JSON doubles quotes, and all blocks are counted together."""
    return units(json.dumps(escape(line), ensure_ascii=False)) - len('""')


def _fallback(facts: dict[str, Any], limit: int) -> str:
    """The whole message as one text; of several, as many lines as have room."""
    if not message.is_list(facts):
        return fit(message.text(facts), limit)
    lines = [fit(line, SMALL_LIMIT) for line in message.text(facts).split("\n")]
    return fit("\n".join(message.fit_lines(lines, limit, _size)), limit)


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
    return {"type": "plain_text", "text": fit(_tidy(text), limit) or " ", "emoji": False}


def _markdown(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _bold(text: str, limit: int) -> dict[str, Any]:
    """Bold, unless a name in it would be read as formatting."""
    if _FORMATTING.search(text):
        return _plain(text, limit)
    return _markdown(f"*{escape(fit(_tidy(text), limit))}*")


def _tidy(text: str) -> str:
    """Without control characters, of which each is six characters in JSON."""
    return _CONTROL.sub(" ", text)


def _deadline_and_link(facts: dict[str, Any]) -> str:
    parts = [escape(message.deadline_line(facts))]
    if _is_link(facts["link"]):
        parts.append(f"<{_href(facts['link'])}|Open the forecast>")
    return " · ".join(part for part in parts if part)


def _is_link(url: str) -> bool:
    """Whether it can stand in a link: one ends at the first of these, and the rest is read."""
    if not url.startswith(("https://", "http://")) or units(_href(url)) > LINK_LIMIT:
        return False
    return url.isprintable() and not set(url) & set("<>| ")


def _href(url: str) -> str:
    return url.replace("&", "&amp;")
