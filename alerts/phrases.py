"""The parts of an alert's sentences: numbers, spans, moments and lines in words. Pure."""

import math
from datetime import datetime, timedelta

from alerts.facts import Facts
from alerts.readings import amount, decimals_of, span_words
from forecast.alert import Rule, RuleKind
from forecast.clock import days_between, parse_instant
from forecast.likelihood import percent

CAUSES = {
    "time": "the passing of time",
    "evidence": "new evidence",
    "credibility": "more or better reports of known incidents",
    "learning": "what the model learnt from time and events",
    "prior": "a change of the prior",
    "model": "a change of the model",
    "montecarlo": "Monte Carlo noise",
}
_RARE = 0.02
_LINES = ("fire_at", "clear_at")
_NEAR = 0.01  # of a line, where whole percents would not tell a number from it


def rule_kind(facts: Facts) -> str:
    """The kind of rule; messages of before there were kinds are of thresholds."""
    kind: str = facts["rule"].get("kind") or RuleKind.THRESHOLD.value
    return kind


def has_ended(facts: Facts) -> bool:
    """Whether the watch is over, so that no line can be crossed any more."""
    return facts["reason"] in ("question_resolved", "question_expired", "rule_removed")


def title(facts: Facts) -> str:
    """What the alert is about."""
    subject = facts.get("subject") or facts["question"]
    return str(subject["title"])


def span(seconds: float) -> str:
    """A length of time in words: "24 hours"."""
    return span_words(timedelta(seconds=seconds))


def ordinal(number: int) -> str:
    """A place in a row.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '112th']
    """
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else suffix}"


def day(moment: datetime) -> str:
    """A date: 25 Dec 2025."""
    return f"{moment.day} {moment:%b %Y}"


def minute(moment: datetime) -> str:
    """A date and time: 25 Dec 2025 23:59 UTC."""
    return f"{day(moment)} {moment:%H:%M} UTC"


def known_at(facts: Facts) -> str:
    """The time of the number, by which a message that comes late is no lie."""
    moment = parse_instant(facts["as_of"] or facts["at"])
    return f" as of {moment.day} {moment:%b %H:%M} UTC"


def days_left(facts: Facts) -> str:
    """How far the deadline is from the moment of the message."""
    deadline = parse_instant(facts["question"]["deadline"])
    left = days_between(parse_instant(facts["at"]), deadline)
    if left <= 0:
        return "the deadline has passed"
    return f"{max(int(24 * left), 1)} h left" if left < 2 else f"{int(left)} days left"


def decimals(facts: Facts) -> int:
    """Decimals of a percentage: as many as tell it from the rule's lines, or from 0 and 100 %."""
    rule, kind, p = facts["rule"], rule_kind(facts), facts["probability"]
    if kind == RuleKind.THRESHOLD:
        return decimals_of(Rule(rule["id"], rule["fire_at"], rule["clear_at"]))
    if kind == RuleKind.LOSS and p is not None:
        fire, clear = (float(share(rule[name]).removesuffix(" %")) / 100 for name in _LINES)
        is_near = min(abs(p - fire), abs(p - clear)) < _NEAR
        return decimals_of(Rule(rule["id"], fire, clear)) if is_near else decimals_near(p)
    if kind == RuleKind.CERTAINTY and rule["level"] is not None:
        return decimals_of(Rule(rule["id"], rule["level"], rule["level"]))
    return decimals_near(p)


def decimals_near(p: float | None) -> int:
    """Decimals of a percentage by itself: near 0 and 100 % one is needed."""
    return int(p is not None and not _RARE <= p <= 1 - _RARE)


def level(line: float) -> str:
    """A line of a rule as a percentage, as it was given: 0.5 %."""
    return f"{100 * line:.4g} %"


def share(line: float) -> str:
    """A line that nobody gave, the quotient of a cost and a loss.

    >>> share(0.2), share(1 / 15), share(1 / 3), share(0.00057)
    ('20 %', '6.7 %', '33.3 %', '0.057 %')
    """
    return f"{100 * line:.{3 if line >= 0.1 else 2}g} %"


def line_words(facts: Facts) -> str:
    """The line that counts now: "alert line 40 %", or what ends the alert."""
    rule, kind = facts["rule"], rule_kind(facts)
    is_over = facts["kind"] == "resolved"
    line = rule["clear_at" if is_over else "fire_at"]
    in_words = share if kind == RuleKind.LOSS else level
    where = f"{math.exp(line):.3g}×" if kind == RuleKind.CHANGE else in_words(line)
    return f"{'all-clear' if is_over else 'alert'} line {where}"


def rule_words(facts: Facts) -> str:
    """When the rule fires and clears, for its small print."""
    rule, kind = facts["rule"], rule_kind(facts)
    fire, clear = rule["fire_at"], rule["clear_at"]
    after = span(rule["after"]) if rule.get("after") else ""
    match kind:
        case RuleKind.CERTAINTY:
            at = f"Pr(P > {level(rule['level'] or 0.0)})"
            return f"fires at {at} of {level(fire)}, clears at {level(clear)}"
        case RuleKind.CHANGE:
            way = {"up": " up", "down": " down"}.get(rule["direction"], "")
            over = f"in {span(rule['over'])}" if rule["over"] else "since the last alert"
            return f"fires when the odds move {math.exp(fire):.3g}×{way} {over}"
        case RuleKind.LOSS:
            costs = f"cost {amount(rule['cost'])} of {amount(rule['loss'])}"
            return f"fires at {share(fire)} ({costs}), clears at {share(clear)}"
        case RuleKind.DEADLINE:
            return f"fires {span(rule['within'] or 0.0)} before the deadline"
        case RuleKind.STALE:
            return f"fires after {after or 'some time'} without a report"
        case RuleKind.UNHEALTHY:
            also = f", or after {after} without a good one" if after else ""
            return f"fires when the number cannot be relied on{also}"
        case RuleKind.CHANNEL:
            also = f", or fails for {after}" if after else " or fails"
            return f"fires when a channel is switched off{also}"
        case RuleKind.SOURCE:
            how = {"silent": "silent", "broken": "broken"}.get(rule.get("when"), "silent or broken")
            return f"fires when a source is {how}{f' for {after}' if after else ''}"
        case RuleKind.RESOLVED:
            return "tells once how the question ended"
        case _:
            return f"fires at {level(fire)}, clears at {level(clear)}"


def band(interval: Facts | None, digits: int) -> str:
    """The interval behind a number: " (31–56 %)", or nothing."""
    if interval is None:
        return ""
    lower, upper = (percent(interval[end], digits) for end in ("lower", "upper"))
    return f" ({lower.removesuffix(' %')}–{upper})"


def ago(facts: Facts) -> str:
    """How long before the estimate the one before it was."""
    at, now = facts["previous"]["at"], facts["as_of"] or facts["at"]
    if at is None:
        return " before"
    hours = 24 * days_between(parse_instant(at), parse_instant(now))
    if hours < 1:
        return f" {max(round(60 * hours), 1)} min before"
    if hours < 20:
        return f" {round(hours)} h before"
    return " the day before" if hours < 36 else f" {round(hours / 24)} days before"


def moved_words(moved: Facts | None) -> str:
    """Up or down, and mainly why."""
    if moved is None or moved["from"] == moved["to"]:
        return ""
    direction = "Up" if moved["to"] > moved["from"] else "Down"
    cause = moved["main_cause"]
    return f"{direction} mainly because of {CAUSES.get(cause, cause)}."


def contribution_words(contribution: Facts) -> str:
    """A tag with its factor: "a carrier group in the region (×1.9, 3 incidents)"."""
    count, factor = contribution["incidents"], contribution["multiplier"]["median"]
    incidents = "1 incident" if count == 1 else f"{count} incidents"
    times = "" if factor is None else f"×{factor:.2g}, "
    return f"{contribution['meaning']} ({times}{incidents})"


def since_words(since: str | None, at: str) -> str:
    """Since when an episode fires: ", firing since 15 Nov 2025 10:00 UTC (2 days)"."""
    if not since or since == at:
        return ""
    start = parse_instant(since)
    length = parse_instant(at) - start
    whole = timedelta(hours=round(length / timedelta(hours=1)))
    days = whole.days if whole.days >= 2 else 0
    lasts = f"{days} days" if days else f"{round(whole / timedelta(hours=1))} h"
    return f", firing since {minute(start)}" + (f" ({lasts})" if whole else "")
