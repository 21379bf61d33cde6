"""What Slack refuses, and how it says so."""

import json
import re
from collections.abc import Mapping
from typing import Any

from alerts.testing.exchange import Answer

MOST_BLOCKS = 50
MOST_BLOCK_CHARACTERS = 11_000
MOST_TEXT_CHARACTERS = 40_000

# Beside what is documented, what client libraries and their users have seen.
# https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
SLACK_ERRORS = {
    "action_prohibited": 403,
    "channel_is_archived": 410,
    "channel_not_found": 404,
    "invalid_attachments": 400,
    "invalid_blocks": 400,
    "invalid_blocks_format": 400,
    "invalid_payload": 400,
    "invalid_token": 403,
    "msg_blocks_too_long": 400,
    "no_active_hooks": 404,
    "no_service": 404,
    "no_service_id": 404,
    "no_team": 404,
    "no_text": 400,
    "posting_to_general_channel_denied": 403,
    "rate_limited": 429,
    "rollup_error": 500,
    "team_disabled": 404,
    "too_many_attachments": 400,
    "user_not_found": 400,
}

# What stands between < and > is read by Slack: a link, a channel, a person, or all of them.
_LINK = re.compile(r"<https?://[^<>|\s]+\|[^<>|]+>")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")


def slack_answer(word: str, retry_after: int = 1) -> Answer:
    """How Slack says one of `SLACK_ERRORS`; `retry_after`, in seconds, goes with rate_limited."""
    status = SLACK_ERRORS[word]
    if word != "rate_limited":
        return Answer(status, body=word.encode())
    said = {"retry_after": retry_after, "ok": False, "error": word}
    return Answer(status, {"retry-after": str(retry_after)}, json.dumps(said).encode())


def slack_complaint(payload: Mapping[str, Any]) -> str | None:
    """The word with which Slack refuses a message, or None where it takes it.

    Stricter than Slack in two ways: a message without a fallback text has no_text, and text
    in which it would read more than a link (a ping, a stray `&`) is invalid_payload.

    https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks, text = payload.get("blocks", []), payload.get("text")
    if not isinstance(text, str) or not text.strip():
        return "no_text"
    if not _is_escaped(text) or _units(text) > MOST_TEXT_CHARACTERS:
        return "invalid_payload"
    if len(payload.get("attachments", [])) > 100:
        return "too_many_attachments"
    if len(blocks) > MOST_BLOCKS or not all(_is_good_block(block) for block in blocks):
        return "invalid_blocks"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        return "invalid_blocks"
    # Undocumented, and not quite known: https://github.com/slackapi/bolt-js/issues/2867
    if _units(json.dumps(blocks, ensure_ascii=False)) > MOST_BLOCK_CHARACTERS:
        return "msg_blocks_too_long"
    return None


def _is_good_block(block: Mapping[str, Any]) -> bool:
    if not 1 <= _units(block.get("block_id", "x")) <= 255:
        return False
    match block.get("type"):
        case "header":
            return _is_good_text(block.get("text"), ("plain_text",), 150)
        case "section":
            return _is_good_section(block)
        case "context":
            elements = block.get("elements", [])
            good = (_is_good_text(e, ("plain_text", "mrkdwn"), 3000) for e in elements)
            return 1 <= len(elements) <= 10 and all(good)
        case "divider":
            return True
    return False


def _is_good_section(block: Mapping[str, Any]) -> bool:
    """A section has a text, or up to ten fields, or both."""
    kinds = ("plain_text", "mrkdwn")
    text, fields = block.get("text"), block.get("fields")
    if text is None and fields is None:
        return False
    if text is not None and not _is_good_text(text, kinds, 3000):
        return False
    good = (_is_good_text(each, kinds, 2000) for each in fields or ())
    return fields is None or (1 <= len(fields) <= 10 and all(good))


def _is_good_text(text: Any, kinds: tuple[str, ...], limit: int) -> bool:
    if not isinstance(text, Mapping) or text.get("type") not in kinds:
        return False
    words, is_plain = text.get("text"), text["type"] == "plain_text"
    if not isinstance(words, str) or not 1 <= _units(words) <= limit:
        return False
    if is_plain:
        return "verbatim" not in text
    return "emoji" not in text and _is_escaped(words)


def _is_escaped(text: str) -> bool:
    """Whether Slack reads nothing in a text but links."""
    return not set(_ENTITY.sub("", _LINK.sub("", text))) & set("<>&")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
