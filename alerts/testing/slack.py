"""What Slack refuses."""

from collections.abc import Mapping
from typing import Any


def slack_complaint(payload: Mapping[str, Any]) -> str | None:
    """The word with which Slack refuses a message, or None where it takes it.

    https://docs.slack.dev/reference/block-kit/blocks
    """
    blocks = payload.get("blocks", [])
    if not payload.get("text") and not blocks:
        return "no_text"
    if len(payload.get("attachments", [])) > 100:
        return "too_many_attachments"
    if len(blocks) > 50 or not all(_is_good_block(block) for block in blocks):
        return "invalid_blocks"
    return None


def _is_good_block(block: Mapping[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "header":
        return _is_good_text(block["text"], ("plain_text",), 150)
    if kind == "section":
        return _is_good_text(block["text"], ("plain_text", "mrkdwn"), 3000)
    if kind == "context":
        elements = block["elements"]
        good = (_is_good_text(e, ("plain_text", "mrkdwn"), 3000) for e in elements)
        return 1 <= len(elements) <= 10 and all(good)
    return kind == "divider"


def _is_good_text(text: Mapping[str, Any], kinds: tuple[str, ...], limit: int) -> bool:
    units = len(text["text"].encode("utf-16-le")) // 2
    if "emoji" in text and text["type"] != "plain_text":
        return False
    return text["type"] in kinds and 1 <= units <= limit
