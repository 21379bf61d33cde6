"""What an alert knows: facts as JSON values, which travel in the outbox and are rendered when sent.

Everything that a sentence needs is in them. They are small (under 20 kB) whatever the
question's text. Durations are in seconds; a number that is not finite is null.
"""

import hashlib
import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerts.readings import Baseline
from forecast.alert import Rule, RuleKind, Transition
from forecast.clock import format_instant
from forecast.estimate import Contribution, Estimate, Move
from forecast.evidence import CrowdForecast
from forecast.likelihood import likelihood_words
from forecast.question import Question

SCHEMA = 1
TITLE_LIMIT = 300
TEXT_LIMIT = 600
TOP_CONTRIBUTIONS = 5
TOP_CROWD = 3

Facts = dict[str, Any]

_LOOKED_AT = 4  # times as many characters as are kept: a title may be a whole book

# They turn the text around them: U+202E makes "exe.gpj" of "jpg.exe".
_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def build_facts(
    question: Question,
    rule: Rule,
    transition: Transition,
    estimate: Estimate | None,
    link: str = "",
    *,
    previous_at: datetime | None = None,
    meanings: Mapping[str, str] | None = None,
    crowd: Sequence[CrowdForecast] = (),
    baseline: Baseline | None = None,
    outcome: str = "",
) -> Facts:
    """Everything that an alert about a question says, as JSON values.

    `link` is the question's page; `previous_at` the time of the estimate before this one;
    `meanings` says tags in plain words; of `crowd` the newest forecasts are kept. `baseline`
    is what a rule of kind change compared with. `outcome` says how the question ended: yes, no,
    void, or expired where its deadline passed without one. Without an estimate what only that
    knows is null.
    """
    facts = _transition_facts(rule, transition, "question", question.title, link)
    facts["question"] = _question_facts(question)
    facts["previous"] = _previous_facts(transition, previous_at)
    facts["crowd"] = _crowd_facts(crowd)
    facts["baseline"] = _baseline_facts(baseline)
    facts["outcome"] = str(outcome)
    if estimate is None:
        return facts
    is_certainty = rule.kind is RuleKind.CERTAINTY
    return facts | {
        "interval": _interval_facts(estimate),
        "certainty": estimate.exceedance(rule.level) if is_certainty else None,
        "mcse": finite(estimate.mcse),
        "as_of": format_instant(estimate.as_of),
        "health": estimate.health.value,
        "moved": _move_facts(estimate.moved),
        "contributions": _contribution_facts(estimate.contributions, meanings or {}),
        "model": _model_facts(estimate),
    }


def subject_facts(
    rule: Rule, transition: Transition, what: str, title: str, link: str = ""
) -> Facts:
    """Everything that an alert about a unit, channel or source (`what`) says, as JSON values.

    The keys are those of `build_facts`; what only a question has is null or empty.
    """
    return _transition_facts(rule, transition, what, title, link)


def again(facts: Facts, kind: str, at: datetime, **more: Any) -> Facts:
    """What is told again of an episode that fires, from the facts of its firing: of another kind.

    A reminder has its `number` (from 1), what is acknowledged has `acknowledged`: author, note
    and at. `since` is when the episode began to fire, unless `more` says it better.
    """
    since = facts.get("since") or facts["at"]
    added = {name: _kept(value) for name, value in more.items()}
    return {**facts, "kind": kind, "at": format_instant(at), "since": since, **added}


def _kept(value: Any) -> Any:
    """A person's words made harmless and short, times as text, wherever they stand."""
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, Mapping):
        return {name: _kept(part) for name, part in value.items()}
    return clean(value, TEXT_LIMIT) if isinstance(value, str) else value


def _transition_facts(
    rule: Rule, transition: Transition, what: str, title: str, link: str
) -> Facts:
    p = finite(transition.probability)
    return {
        "schema": SCHEMA,
        "kind": transition.notify,
        "subject": {
            "kind": what,
            "id": transition.subject,
            "title": clean(title or transition.subject, TITLE_LIMIT),
        },
        "question": None,
        "probability": p,
        "words": likelihood_words(p) if p is not None else "",
        "interval": None,
        "mcse": None,
        "previous": None,
        "baseline": None,
        "certainty": None,
        "rule": _rule_facts(rule),
        "severity": rule.severity,
        "episode": transition.episode,
        "reason": transition.reason,
        "cause": transition.cause,
        "detail": clean(transition.detail, TEXT_LIMIT),
        "outcome": "",
        "at": format_instant(transition.at),
        "as_of": None,
        "health": "",
        "moved": None,
        "contributions": [],
        "model": None,
        "crowd": [],
        "link": link,
    }


def test_facts(channel: str, at: datetime, link: str = "") -> Facts:
    """The facts of a trial message, by which a desk sees that a channel works."""
    return {
        "schema": SCHEMA,
        "kind": "test",
        "channel": clean(channel, TITLE_LIMIT),
        "at": format_instant(at),
        "severity": "info",
        "link": link,
    }


# pytest takes every `test_*` name that a test module imports for a test.
test_facts.__test__ = False  # type: ignore[attr-defined]


def notice_id(
    channel: str, rule_id: str, subject: str, episode: int, kind: str, number: int = 0
) -> str:
    """The id of one thing told to one channel, for ever: the same words make the same id.

    It holds no dot, as Standard Webhooks asks. `number` counts reminders of an episode.
    """
    parts: list[str | int] = [channel, rule_id, subject, episode, kind]
    return _id([*parts, number] if number else parts)


def group_id(notice_ids: Sequence[str]) -> str:
    """The id of a message that tells several things; of one thing it is that one's own."""
    return notice_ids[0] if len(notice_ids) == 1 else _id(list(notice_ids))


def _id(parts: Sequence[str | int]) -> str:
    return "msg_" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def clean(words: str, limit: int) -> str:
    """`words` on one line, without control characters, at most `limit` characters.

    NUL and lone surrogates cannot be stored or sent as UTF-8; controls of direction would
    let a title rearrange the text around it.
    """
    head = words[: _LOOKED_AT * limit]
    kept = (" " if unicodedata.category(ch) in ("Cc", "Zl", "Zp") else ch for ch in head)
    line = "".join(ch for ch in kept if _is_harmless(ch))
    line = " ".join(line.split())
    if len(line) <= limit and len(head) == len(words):
        return line
    return line[: limit - 1].rstrip() + "…"


def _is_harmless(ch: str) -> bool:
    return unicodedata.category(ch) != "Cs" and ch not in _BIDI_CONTROLS


def _question_facts(question: Question) -> Facts:
    return {
        "id": question.question_id,
        "title": clean(question.title, TITLE_LIMIT),
        "unit": clean(question.unit, TITLE_LIMIT),
        "definition": clean(question.definition, TITLE_LIMIT),
        "opens_at": format_instant(question.opens_at),
        "deadline": format_instant(question.deadline),
        "resolution_criteria": clean(question.resolution_criteria, TEXT_LIMIT),
    }


def _rule_facts(rule: Rule) -> Facts:
    """Numbers of the rule; those that its kind does not have are null."""
    is_loss = rule.kind is RuleKind.LOSS
    return {
        "id": rule.rule_id,
        "kind": rule.kind.value,
        "fire_at": rule.fire_at,
        "clear_at": rule.clear_at,
        "dwell_up": rule.dwell_up,
        "dwell_down": rule.dwell_down,
        "for_up": _seconds(rule.for_up),
        "for_down": _seconds(rule.for_down),
        "z": rule.z,
        "level": rule.level if rule.kind is RuleKind.CERTAINTY else None,
        "direction": rule.direction if rule.kind is RuleKind.CHANGE else None,
        "over": _seconds(rule.over),
        "cost": rule.cost if is_loss else None,
        "loss": rule.loss if is_loss else None,
        "within": _seconds(rule.within) if rule.kind is RuleKind.DEADLINE else None,
        "after": _seconds(rule.after),
        "repeat": _seconds(rule.repeat),
        "when": rule.when if rule.kind is RuleKind.SOURCE else None,
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def finite(number: float | None) -> float | None:
    """The number, or None where it is none: JSON has no NaN."""
    return number if number is not None and math.isfinite(number) else None


def _model_facts(estimate: Estimate) -> Facts:
    return {
        "name": estimate.model,
        "hash": estimate.model_hash,
        "method": estimate.method,
        "prior_version": estimate.prior_version,
        "inputs_digest": estimate.inputs_digest,
    }


def _interval_facts(estimate: Estimate) -> Facts | None:
    interval = estimate.interval
    if finite(interval.lower) is None or finite(interval.upper) is None:
        return None
    return {"lower": interval.lower, "upper": interval.upper, "mass": interval.mass}


def _previous_facts(transition: Transition, at: datetime | None) -> Facts | None:
    previous = finite(transition.previous)
    if previous is None:
        return None
    return {"probability": previous, "at": format_instant(at) if at else None}


def _baseline_facts(baseline: Baseline | None) -> Facts | None:
    if baseline is None:
        return None
    return {"probability": baseline.probability, "named": clean(baseline.named, TITLE_LIMIT)}


def _move_facts(move: Move | None) -> Facts | None:
    if move is None or not all(map(math.isfinite, (*move.parts().values(), *_ends(move)))):
        return None
    return {
        "from": move.from_probability,
        "to": move.to_probability,
        "main_cause": _main_cause(move),
        "parts": move.parts(),
    }


def _ends(move: Move) -> tuple[float, float]:
    return move.from_probability, move.to_probability


def _main_cause(move: Move) -> str:
    """The largest part in the direction of the whole.

    `Move.main_cause` is the largest of all: of parts +0.3, -0.2 and -0.2 the first, which
    does not explain why P went down.
    """
    sign = 1 if move.to_probability >= move.from_probability else -1
    return max(move.parts().items(), key=lambda part: sign * part[1])[0]


def _contribution_facts(
    contributions: Sequence[Contribution], meanings: Mapping[str, str]
) -> list[Facts]:
    """The tags whose multipliers are furthest from 1, furthest first."""
    weighty = sorted(contributions, key=_weight, reverse=True)[:TOP_CONTRIBUTIONS]
    return [
        {
            "tag": c.tag,
            "meaning": clean(meanings.get(c.tag) or c.tag, TITLE_LIMIT // 3),
            "multiplier": {end: finite(getattr(c, end)) for end in ("median", "lower", "upper")},
            "incidents": len(c.incidents),
        }
        for c in weighty
    ]


def _weight(contribution: Contribution) -> float:
    median = contribution.median
    return max(median, 1 / median) if median > 0 else float("inf")


def _crowd_facts(crowd: Sequence[CrowdForecast]) -> list[Facts]:
    newest = sorted(crowd, key=lambda forecast: forecast.at, reverse=True)[:TOP_CROWD]
    return [
        {
            "source": clean(forecast.source, TITLE_LIMIT // 3),
            "probability": forecast.probability,
            "at": format_instant(forecast.at),
            "url": forecast.url,
        }
        for forecast in newest
    ]
