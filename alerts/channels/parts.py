"""What channels for machines take from facts (`alerts.facts`): members, subject, link."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

type Facts = Mapping[str, Any]

MANY = ("group", "digest")
SUBJECTS = ("question", "unit", "channel", "source")
LONGEST_LINK = 2000
_NOT_IN_A_URI = frozenset(' "<>\\^`{|}')


def members(facts: Facts) -> Sequence[Facts]:
    """What a message tells: the members of a group or digest, or itself."""
    found: Sequence[Facts] = facts["members"] if facts["kind"] in MANY else (facts,)
    return found


def subject(facts: Facts) -> tuple[str, str]:
    """What a rule stands on, and its id; an earlier version's facts have a question only."""
    found = facts.get("subject") or facts["question"] | {"kind": "question"}
    return found["kind"] if found["kind"] in SUBJECTS else "subject", found["id"]


def is_whole(facts: Facts) -> bool:
    """Whether these are all the facts of a message, and not the few of a group's member."""
    return "question" in facts or facts["kind"] in (*MANY, "test")


def web_link(facts: Facts) -> str:
    """The link, where it is a web address that a strict parser takes, or ""."""
    link: str = facts.get("link") or ""
    if len(link) > LONGEST_LINK or not (link.isascii() and link.isprintable()):
        return ""
    if _NOT_IN_A_URI & set(link):
        return ""
    try:
        parts = urlsplit(link)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return ""
    return link if is_address else ""
