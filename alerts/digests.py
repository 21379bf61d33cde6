"""A digest of many questions as a message of kind "report": its facts, and its words. Pure.

Not to be taken for the message of kind "digest", which tells alerts that did not ring.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alerts import phrases
from alerts.facts import SCHEMA, TEXT_LIMIT, Facts, clean, finite
from alerts.groups import MOST_BYTES
from forecast.clock import format_instant, parse_instant
from forecast.estimate import Estimate
from forecast.likelihood import likelihood_words, percent
from forecast.reports.digest import DigestReport, Ended, Silent, cause_of
from forecast.reports.moves import CAUSES
from forecast.reports.phrases import counted, points_words
from forecast.reports.watch import Attention, WatchRow

REPORT = "report"
TITLE, DETAIL, TAG = 160, 160, 80  # the most characters of each
_KEYS = {
    Attention.FIRING: "firing",
    Attention.HELD: "held",
    Attention.DUE: "due",
    Attention.MOVED: "moved",
    Attention.NEAR: "near",
    Attention.CALM: "calm",
}
_COUNTED = (Attention.FIRING, Attention.HELD, Attention.DUE, Attention.NEAR)
_HEADED = {
    "firing": "firing",
    "held": "held",
    "due": "due for an outcome",
    "moved": "moved",
    "ended": "ended",
}


def is_report(facts: Mapping[str, Any]) -> bool:
    """Whether a message is one of ours."""
    return bool(facts["kind"] == REPORT)


def report_facts(report: DigestReport, link: str, link_to: Callable[[str], str]) -> Facts:
    """Everything that a digest says, as JSON values, below the 64 kB that receivers take.

    `link` is the page of all questions, `link_to` that of one; "" where there is none.
    """
    digest = {
        "id": clean(report.digest_id, TITLE),
        "title": clean(report.watch.title, TITLE),
        "why": clean(report.why, TEXT_LIMIT),
        "since": format_instant(report.since),
    }
    counts = {_KEYS[attention]: report.counts.get(attention, 0) for attention in _COUNTED}
    counts |= {"questions": report.total, "moved": report.moved_count}
    facts = {
        "schema": SCHEMA,
        "kind": REPORT,
        "at": format_instant(report.watch.now),
        "severity": "info",
        "link": link,
        "digest": digest,
        "counts": counts | {"ended": report.ended_count, "silent": report.silent_count},
        "questions": [_question(row, link_to) for row in report.watch.rows],
        "ended": [_ended(one, link_to) for one in report.ended],
        "silent": [_silent(one) for one in report.silent],
    }
    return _fitted(facts)


def _fitted(facts: Facts) -> Facts:
    """Without the last of its longest list while it is too long: ids and links are never cut."""
    while len(json.dumps(facts)) > MOST_BYTES:
        longest = max((name for name, *_ in _TOLD), key=lambda name: len(facts[name]))
        if not facts[longest]:
            break
        facts[longest].pop()
    return facts


def _question(row: WatchRow, link_to: Callable[[str], str]) -> Facts:
    report, estimate = row.report, row.report.estimate
    cause, tags = cause_of(report)
    held = report.held_since
    shift = report.week_move
    return {
        "id": report.question.question_id,
        "title": clean(report.question.title, TITLE),
        "attention": _KEYS.get(row.attention, row.attention.value),
        "deadline": format_instant(report.question.deadline),
        "probability": finite(estimate.probability) if estimate else None,
        "words": likelihood_words(estimate.probability) if estimate else "",
        "interval": _interval(estimate) if estimate else None,
        "as_of": format_instant(estimate.as_of) if estimate else None,
        "previous": finite(shift.start) if shift else None,
        "points": row.points_in_week,
        "cause": cause,
        "tags": [clean(tag, TAG) for tag in tags],
        "held_since": format_instant(held) if held else None,
        "link": link_to(report.question.question_id),
    }


def _interval(estimate: Estimate) -> Facts | None:
    interval = estimate.interval
    if finite(interval.lower) is None or finite(interval.upper) is None:
        return None
    return {"lower": interval.lower, "upper": interval.upper, "mass": interval.mass}


def _ended(one: Ended, link_to: Callable[[str], str]) -> Facts:
    return {
        "id": one.question.question_id,
        "title": clean(one.question.title, TITLE),
        "outcome": one.outcome,
        "ended_at": format_instant(one.ended_at),
        "probability": finite(one.last),
        "link": link_to(one.question.question_id),
    }


def _silent(one: Silent) -> Facts:
    return {
        "kind": one.kind,
        "id": one.name,
        "title": clean(one.title or one.name, TITLE),
        "detail": clean(one.detail, DETAIL),
        "link": "",
    }


def headline(facts: Facts) -> str:
    """One line: "REPORT · Harbour desk: 12 questions, 2 firing, 1 held"."""
    counts = facts["counts"]
    said = [f"{counts[key]} {words}" for key, words in _HEADED.items() if counts[key]]
    told = ", ".join([counted(counts["questions"], "question"), *said])
    return f"REPORT · {facts['digest']['title']}: {told}"


def summary(facts: Facts) -> str:
    """Since when, and what for: "Since 10 Nov 2025 10:00 UTC. For the Monday meeting."."""
    since = phrases.minute(parse_instant(facts["digest"]["since"]))
    why = facts["digest"]["why"]
    return f"Since {since}.{f' {why}' if why else ''}"


def small_print(facts: Facts) -> list[str]:
    """When it was made, and which digest it is."""
    return [phrases.minute(parse_instant(facts["at"])), f"digest {facts['digest']['id']}"]


def items(facts: Facts) -> list[Facts]:
    """What is told, each with its `line` and its `link`: questions, what ended, what is silent."""
    found = []
    for name, line, noun in _TOLD:
        told: Sequence[Facts] = facts[name]
        found += [{"line": line(one), "link": one["link"]} for one in told]
        if (more := facts["counts"][name] - len(told)) > 0:
            found.append({"line": f"and {more} more {noun}", "link": ""})
    return found


def text(facts: Facts) -> str:
    """The whole message as plain text, a line for each item."""
    lines = [f"{headline(facts)}.", summary(facts), *(item["line"] for item in items(facts))]
    return "\n".join([*lines, *([facts["link"]] if facts["link"] else [])])


def _question_line(one: Facts) -> str:
    deadline = f"by {phrases.day(parse_instant(one['deadline']))}"
    parts = [str(one["attention"]).upper(), one["title"], _number(one), deadline]
    return " · ".join(part for part in parts if part)


def _number(one: Facts) -> str:
    """How likely: "43 % (30-56 %), up 5 points, mostly new evidence (carrier)"."""
    p = one["probability"]
    if p is None:
        return "no estimate yet"
    digits = phrases.decimals_near(p)
    parts = [f"{percent(p, digits)}{phrases.band(one['interval'], digits)}"]
    if one["points"] is not None:
        parts.append(points_words(one["points"]))
    if one["points"] and one["cause"]:
        tags = f" ({', '.join(one['tags'])})" if one["tags"] else ""
        parts.append(f"mostly {CAUSES.get(one['cause'], one['cause'])}{tags}")
    if one["held_since"]:
        held = phrases.minute(parse_instant(one["held_since"]))
        parts.append(f"not to be relied on since {held}")
    return ", ".join(parts)


def _ended_line(one: Facts) -> str:
    p = one["probability"]
    last = "" if p is None else f"last estimate {percent(p, phrases.decimals_near(p))}"
    parts = (f"RESOLVED {one['outcome'].upper()}", one["title"], last)
    return " · ".join(part for part in parts if part)


def _silent_line(one: Facts) -> str:
    is_unit = one["kind"] == "unit"
    flag, title = ("SILENT", "") if is_unit else ("IN TROUBLE", f"{one['kind']} ")
    return " · ".join(part for part in (flag, f"{title}{one['title']}", one["detail"]) if part)


_TOLD: tuple[tuple[str, Callable[[Facts], str], str], ...] = (
    ("questions", _question_line, "questions"),
    ("ended", _ended_line, "that ended"),
    ("silent", _silent_line, "silent or in trouble"),
)
