"""Several notices as one message: the facts of a group and of a digest, kept small."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from alerts.facts import SCHEMA, Facts
from forecast.alert import Notice, NoticeKind
from forecast.clock import format_instant

GROUP, DIGEST = "group", "digest"
MOST_MEMBERS = 100
MOST_BYTES = 48_000  # a receiver may refuse bodies above 64 kB
SEVERITIES = ("info", "warning", "page")
# (characters of a title, of a detail): the first that keeps all members within MOST_BYTES
_SIZES = ((120, 240), (100, 80), (80, 0), (40, 0), (16, 0))
_ALSO = (
    "number",
    "since",
    "acknowledged",
    "outcome",
    "cause",
    "channel",
)  # where a notice has them
_NEWS = (NoticeKind.FIRING, NoticeKind.REMINDER, NoticeKind.OUTCOME)


def group_facts(kind: str, notices: Sequence[Notice], now: datetime) -> Facts:
    """The facts of a message of kind `group` or `digest` that tells all of these, in order.

    Its severity is the highest of what rings; of ends and acknowledgements alone it is theirs.
    """
    for title, detail in _SIZES:
        members = [member(notice, title, detail) for notice in notices]
        if len(json.dumps(members)) <= MOST_BYTES:
            break
    ringing = [n for n in notices if n.kind in _NEWS] or notices
    return {
        "schema": SCHEMA,
        "kind": kind,
        "at": format_instant(now),
        "severity": max((n.severity for n in ringing), key=_weight),
        "link": "",
        "members": members,
    }


def fit_in_one(notices: Sequence[Notice]) -> bool:
    """Whether a message holds them all within MOST_BYTES: ids and links are never cut."""
    title, detail = _SIZES[-1]
    return len(json.dumps([member(notice, title, detail) for notice in notices])) <= MOST_BYTES


def member(notice: Notice, title: int = _SIZES[0][0], detail: int = _SIZES[0][1]) -> Facts:
    """One of them in a few words: `title` and `detail` are the most characters of each."""
    facts = notice.facts
    rule = facts.get("rule") or {}
    subject = facts.get("subject") or _question_of(facts)
    also: dict[str, Any] = {name: facts[name] for name in _ALSO if facts.get(name)}
    return also | {
        "kind": notice.kind.value,
        "subject": subject | {"title": _cut(subject.get("title", ""), title)},
        "probability": facts.get("probability"),
        "previous": facts.get("previous"),
        "severity": notice.severity,
        "rule": {"id": notice.rule_id, "kind": rule.get("kind", "threshold")},
        "episode": notice.episode,
        "reason": facts.get("reason", ""),
        "detail": _cut(facts.get("detail", ""), detail),
        "at": facts.get("at", format_instant(notice.created_at)),
        "link": facts.get("link", ""),
        "notice_id": notice.notice_id,
    }


def _cut(words: str, limit: int) -> str:
    """At most `limit` characters of words that are clean already."""
    if len(words) <= limit:
        return words
    return words[: limit - 1].rstrip() + "…" if limit else ""


def _question_of(facts: Facts) -> Facts:
    """The subject in facts from before other things than questions had rules."""
    question = facts.get("question") or {}
    return {"kind": "question", "id": question.get("id", ""), "title": question.get("title", "")}


def _weight(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1
