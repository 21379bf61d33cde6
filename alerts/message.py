"""What an alert says: facts as JSON values, and the sentences made from them. Pure.

Facts travel in the outbox and are rendered when they are sent, so everything that a
sentence needs is in them. They are small (under 20 kB) whatever the question's text.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from forecast.alert import Rule, Transition
from forecast.clock import days_between, format_instant, parse_instant
from forecast.estimate import Contribution, Estimate, Move
from forecast.evidence import CrowdForecast
from forecast.likelihood import likelihood_words, percent
from forecast.question import Question

SCHEMA = 1
TITLE_LIMIT = 300
TEXT_LIMIT = 600
TOP_CONTRIBUTIONS = 5
TOP_CROWD = 3

Facts = dict[str, Any]

_CAUSES = {
    "time": "the passing of time",
    "evidence": "new evidence",
    "credibility": "more or better reports of known incidents",
    "learning": "what the model learnt from time and events",
    "prior": "a change of the prior",
    "model": "a change of the model",
    "montecarlo": "Monte Carlo noise",
}
# They turn the text around them: U+202E makes "exe.gpj" of "jpg.exe".
_BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def build_facts(
    question: Question,
    rule: Rule,
    transition: Transition,
    estimate: Estimate,
    link: str = "",
    *,
    previous_at: datetime | None = None,
    meanings: Mapping[str, str] | None = None,
    crowd: Sequence[CrowdForecast] = (),
) -> Facts:
    """Everything an alert says, as JSON values.

    `link` is the question's page; `previous_at` the time of the estimate before this one;
    `meanings` says tags in plain words; of `crowd` the newest forecasts are kept.
    """
    return {
        "schema": SCHEMA,
        "kind": transition.notify,
        "question": _question_facts(question),
        "probability": transition.probability,
        "words": likelihood_words(transition.probability),
        "interval": _interval_facts(estimate),
        "mcse": estimate.mcse,
        "previous": _previous_facts(transition, previous_at),
        "rule": _rule_facts(rule),
        "severity": rule.severity,
        "episode": transition.episode,
        "reason": transition.reason,
        "detail": clean(transition.detail, TEXT_LIMIT),
        "at": format_instant(transition.at),
        "as_of": format_instant(estimate.as_of),
        "moved": _move_facts(estimate.moved),
        "contributions": _contribution_facts(estimate.contributions, meanings or {}),
        "model": _model_facts(estimate),
        "crowd": _crowd_facts(crowd),
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


def delivery_id(channel: str, rule_id: str, question_id: str, episode: int, kind: str) -> str:
    """The id of a message for ever: the same five words always make the same id.

    It holds no dot, as Standard Webhooks asks.
    """
    parts = json.dumps([channel, rule_id, question_id, episode, kind])
    return "msg_" + hashlib.sha256(parts.encode()).hexdigest()[:32]


def headline(facts: Facts) -> str:
    """One line: the kind and what it is about.

    "FIRING · Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
    """
    if facts["kind"] == "test":
        return f"TEST · Tocsin reaches the channel {facts['channel']}"
    return f"{facts['kind'].upper()} · {facts['question']['title']}"


def number_line(facts: Facts) -> str:
    """How likely, how likely before, and the line.

    "Now 43 % (31-56 %), unlikely; was 38 % yesterday; alert line 40 %."
    """
    if facts["kind"] == "test":
        return "This is only a trial; nothing has happened."
    decimals = _decimals(facts)
    ended = facts["reason"] == "question_resolved"
    number = percent(facts["probability"], decimals)
    opening = "Last estimate" if ended else "Now"
    parts = [f"{opening} {number}{_band(facts['interval'], decimals)}, {facts['words']}"]
    if facts["previous"]:
        parts.append(f"was {percent(facts['previous']['probability'], decimals)}{_ago(facts)}")
    if not ended:
        parts.append(_line_words(facts))
    return "; ".join(parts) + "."


def why_line(facts: Facts) -> str:
    """Why: the main cause of the move, then the tags that weigh most.

    "Up mainly because of new evidence. Weighing most: carrier in the region (x1.9, 3
    incidents)."
    """
    if facts["kind"] == "test":
        return ""
    sentences = []
    against = _moves_against(facts)
    if against or facts["reason"] in ("rule_changed", "question_resolved"):
        sentences.append(facts["detail"])
    if not against and (moved := _moved_words(facts["moved"])):
        sentences.append(moved)
    if facts["contributions"]:
        named = "; ".join(_contribution_words(c) for c in facts["contributions"][:3])
        sentences.append(f"Weighing most: {named}.")
    return " ".join(sentences)


def deadline_line(facts: Facts) -> str:
    """By when: "By 25 Dec 2025 (38 days left)."."""
    if facts["kind"] == "test":
        return ""
    deadline = parse_instant(facts["question"]["deadline"])
    left = days_between(parse_instant(facts["at"]), deadline)
    return f"By {deadline.day} {deadline:%b %Y} ({_days_left(left)})."


def crowd_line(facts: Facts) -> str:
    """What others say: "Others say: Metaculus 52 %.", or nothing."""
    said = [f"{c['source']} {percent(c['probability'])}" for c in facts.get("crowd", ())]
    return f"Others say: {', '.join(said)}." if said else ""


def small_print(facts: Facts) -> list[str]:
    """What one needs in the morning: the rule, the episode, the model, the time."""
    if facts["kind"] == "test":
        return [facts["at"]]
    rule, model = facts["rule"], facts["model"]
    return [
        f"{facts['severity']} · rule {rule['id']} · episode {facts['episode']}",
        f"fires at {100 * rule['fire_at']:.4g} %, clears at {100 * rule['clear_at']:.4g} %",
        f"model {model['name']} {model['hash'][:8]} · as of {facts['as_of']}",
    ]


def text(facts: Facts) -> str:
    """The whole message as plain text, most important first."""
    head = headline(facts)
    head = head if head.endswith(("?", "!", ".", "…")) else f"{head}."
    lines = [number_line(facts), why_line(facts), deadline_line(facts), crowd_line(facts)]
    return " ".join([head, *(line for line in lines if line), facts["link"]]).strip()


def clean(words: str, limit: int) -> str:
    """`words` on one line, without control characters, at most `limit` characters.

    NUL and lone surrogates cannot be stored or sent as UTF-8; controls of direction would
    let a title rearrange the text around it.
    """
    kept = (" " if unicodedata.category(ch) in ("Cc", "Zl", "Zp") else ch for ch in words)
    line = "".join(ch for ch in kept if _is_harmless(ch))
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


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
    return {
        "id": rule.rule_id,
        "fire_at": rule.fire_at,
        "clear_at": rule.clear_at,
        "dwell_up": rule.dwell_up,
        "dwell_down": rule.dwell_down,
        "z": rule.z,
    }


def _model_facts(estimate: Estimate) -> Facts:
    return {
        "name": estimate.model,
        "hash": estimate.model_hash,
        "method": estimate.method,
        "prior_version": estimate.prior_version,
        "inputs_digest": estimate.inputs_digest,
    }


def _interval_facts(estimate: Estimate) -> Facts:
    interval = estimate.interval
    return {"lower": interval.lower, "upper": interval.upper, "mass": interval.mass}


def _previous_facts(transition: Transition, at: datetime | None) -> Facts | None:
    if transition.previous is None:
        return None
    return {"probability": transition.previous, "at": format_instant(at) if at else None}


def _move_facts(move: Move | None) -> Facts | None:
    if move is None:
        return None
    return {
        "from": move.from_probability,
        "to": move.to_probability,
        "main_cause": _main_cause(move),
        "parts": move.parts(),
    }


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
            "multiplier": {"median": c.median, "lower": c.lower, "upper": c.upper},
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


def _decimals(facts: Facts) -> int:
    """A rule about rare events needs a decimal, or both its numbers read "<1 %"."""
    return 1 if facts["rule"]["fire_at"] < 0.02 or facts["rule"]["fire_at"] > 0.98 else 0


def _line_words(facts: Facts) -> str:
    name, key = ("alert", "fire_at") if facts["kind"] == "firing" else ("all-clear", "clear_at")
    return f"{name} line {100 * facts['rule'][key]:.4g} %"


def _band(interval: Facts, decimals: int) -> str:
    lower, upper = (percent(interval[end], decimals) for end in ("lower", "upper"))
    return f" ({lower.removesuffix(' %')}–{upper})"


def _ago(facts: Facts) -> str:
    at = facts["previous"]["at"]
    if at is None:
        return " before"
    hours = 24 * days_between(parse_instant(at), parse_instant(facts["as_of"]))
    if hours < 1:
        return f" {max(round(60 * hours), 1)} min ago"
    if hours < 20:
        return f" {round(hours)} h ago"
    return " yesterday" if hours < 36 else f" {round(hours / 24)} days ago"


def _moves_against(facts: Facts) -> bool:
    """Whether the last move went the other way than the alert: the dwell ended, not the rise."""
    moved = facts["moved"]
    if moved is None or moved["from"] == moved["to"]:
        return False
    up = moved["to"] > moved["from"]
    return up if facts["kind"] == "resolved" else not up


def _moved_words(moved: Facts | None) -> str:
    if moved is None or moved["from"] == moved["to"]:
        return ""
    direction = "Up" if moved["to"] > moved["from"] else "Down"
    return f"{direction} mainly because of {_CAUSES[moved['main_cause']]}."


def _contribution_words(contribution: Facts) -> str:
    count = contribution["incidents"]
    incidents = "1 incident" if count == 1 else f"{count} incidents"
    return f"{contribution['meaning']} (×{contribution['multiplier']['median']:.2g}, {incidents})"


def _days_left(days: float) -> str:
    if days <= 0:
        return "the deadline has passed"
    if days < 2:
        return f"{max(int(24 * days), 1)} h left"
    return f"{int(days)} days left"
