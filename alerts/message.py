"""The sentences of an alert, made from its facts (`alerts.facts`). Pure.

Every function takes the facts of every kind of message; what does not apply is "". Facts that
an earlier version left in the outbox are told too.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain

from alerts import digests, phrases
from alerts.facts import Facts
from alerts.readings import amount, log_odds, rounded
from forecast.alert import RuleKind
from forecast.clock import parse_instant
from forecast.likelihood import likelihood_words, percent

_FLAGS = {"reminder": "STILL FIRING", "outcome": "RESOLVED"}
_COUNTED = {
    "firing": "firing",
    "reminder": "still firing",
    "outcome": "ended",
    "acknowledged": "acknowledged",
    "resolved": "resolved",
}
_SEVERITIES = ("page", "warning", "info")
_ABOUT = {
    RuleKind.DEADLINE: ("Deadline near: {}", "{}"),
    RuleKind.UNHEALTHY: ("No reliable number: {}", "Reliable number again: {}"),
    RuleKind.STALE: ("No new reports on {}", "Reports again on {}"),
    RuleKind.CHANNEL: ("The channel {} takes no messages", "The channel {} works again"),
    RuleKind.SOURCE: ("The source {} brings nothing", "The source {} works again"),
}
# Their detail says what their value is; it is no probability.
_BY_DETAIL = (RuleKind.STALE, RuleKind.CHANNEL, RuleKind.SOURCE, RuleKind.UNHEALTHY)
_TOLD_BY_DETAIL = (*_BY_DETAIL, RuleKind.CERTAINTY, RuleKind.CHANGE)  # in a line of a group


def is_list(facts: Facts) -> bool:
    """Whether a message tells many things, each with a line of its own: group, digest, report."""
    return "members" in facts or digests.is_report(facts)


def headline(facts: Facts) -> str:
    """One line: the kind and what it is about.

    "FIRING · Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
    """
    if facts["kind"] == "test":
        return f"TEST · Tocsin reaches the channel {facts['channel']}"
    if digests.is_report(facts):
        return digests.headline(facts)
    if "members" in facts:
        return _group_headline(facts)
    return f"{_flag(facts)} · {_about(facts)}"


def number_line(facts: Facts) -> str:
    """How likely, how likely before, and the line.

    "43 % (31-56 %) as of 17 Nov 10:00 UTC, unlikely; was 38 % the day before; alert line 40 %."
    """
    if facts["kind"] == "test":
        return "This is only a trial; nothing has happened."
    if digests.is_report(facts):
        return digests.summary(facts)
    if "members" in facts:
        return f"Severity: {_counts(facts, 'severity', _SEVERITIES)}."
    kind = phrases.rule_kind(facts)
    if kind in _BY_DETAIL and not phrases.has_ended(facts):
        return " ".join(part for part in (_detail(facts), _unreliable(facts)) if part)
    opening = "" if phrases.has_ended(facts) else _opening(facts)
    numbers = _number_parts(facts)
    if opening and facts["probability"] is not None:
        numbers[0] = f"probability {numbers[0]}"
    line = "; ".join(part for part in (opening, *numbers) if part)
    return f"{line[:1].upper()}{line[1:]}." if line else ""


def why_line(facts: Facts) -> str:
    """Why: the main cause of the move, then the tags that weigh most.

    "Up mainly because of new evidence. Weighing most: carrier in the region (x1.9, 3
    incidents)."
    """
    if facts["kind"] == "test" or is_list(facts):
        return ""
    against, ended = _moves_against(facts), phrases.has_ended(facts)
    sentences = [_told_again(facts)]
    if ended or facts["reason"] in ("rule_changed", "rising_on") or (against and _dwelt(facts)):
        sentences.append(facts["detail"])
    if not (against or ended or phrases.rule_kind(facts) in _BY_DETAIL):
        sentences.append(phrases.moved_words(facts["moved"]))
    if facts["contributions"]:
        named = "; ".join(phrases.contribution_words(c) for c in facts["contributions"][:3])
        sentences.append(f"Weighing most: {named}.")
    return " ".join(sentence for sentence in sentences if sentence)


def deadline_line(facts: Facts) -> str:
    """By when: "By 25 Dec 2025 (38 days left)."."""
    if not facts.get("question"):
        return ""
    deadline = phrases.day(parse_instant(facts["question"]["deadline"]))
    if phrases.has_ended(facts):
        return f"Its deadline: {deadline}."
    if phrases.rule_kind(facts) == RuleKind.DEADLINE:
        return ""  # the numbers begin with it
    return f"By {deadline} ({phrases.days_left(facts)})."


def crowd_line(facts: Facts) -> str:
    """What others say: "Others say: Metaculus 52 %.", or nothing."""
    said = [f"{c['source']} {percent(c['probability'])}" for c in facts.get("crowd") or ()]
    return f"Others say: {', '.join(said)}." if said else ""


def small_print(facts: Facts) -> list[str]:
    """What one needs in the morning: the rule, the episode, the model, the time."""
    if digests.is_report(facts):
        return digests.small_print(facts)
    at = phrases.minute(parse_instant(facts["at"]))
    if facts["kind"] == "test" or "members" in facts:
        return [at]
    rule, model = facts["rule"], facts["model"]
    made = f"model {model['name']} {model['hash'][:8]} ·{phrases.known_at(facts)}" if model else at
    return [
        f"{facts['severity']} · rule {rule['id']} · episode {facts['episode']}",
        phrases.rule_words(facts),
        made,
    ]


def text(facts: Facts) -> str:
    """The whole message as plain text, most important first; of several, a line for each."""
    if digests.is_report(facts):
        return digests.text(facts)
    if "members" in facts:
        return "\n".join([f"{headline(facts)}.", *member_lines(facts)])
    head = headline(facts)
    head = head if head.endswith(("?", "!", ".", "…")) else f"{head}."
    lines = [number_line(facts), why_line(facts), deadline_line(facts), crowd_line(facts)]
    return " ".join([head, *(line for line in lines if line), facts["link"]]).strip()


def members(facts: Facts) -> list[Facts]:
    """The members of a message that tells several things, most severe first.

    What one rule tells of one subject stays together and in order, so that the last word on
    it is read last. The end of a question is told once for all its rules (`rules`, how many).
    """
    if digests.is_report(facts):
        return digests.items(facts)
    stories: dict[tuple[str, str], list[Facts]] = {}
    for member in facts["members"]:
        name = (member["rule"]["id"], member["subject"]["id"])
        stories.setdefault(name, []).append(member)
    ordered = sorted(stories.values(), key=_urgency)
    return _ends_merged(list(chain.from_iterable(ordered)))


def member_lines(facts: Facts) -> list[str]:
    """A line for each of `members`: "FIRING · Any strike by Christmas? · 43 %, was 38 %"."""
    told = members(facts)
    if digests.is_report(facts):
        return [item["line"] for item in told]
    rules: dict[tuple[str, str], set[str]] = {}
    for member in told:
        rules.setdefault(_name(member), set()).add(member["rule"]["id"])
    return [
        _member_line(
            member,
            f"rule {member['rule']['id']}" if len(rules[_name(member)]) > 1 else "",
            _cause(member) if facts["kind"] == "digest" else "",
        )
        for member in told
    ]


def fit_lines(lines: list[str], room: int, size: Callable[[str], int] = len) -> list[str]:
    """As many lines as have room, each with its line break, and "and 38 more" for the rest.

    `room` and `size` are in the same units. The first line alone may be longer than the room.
    """
    rests = [f"and {len(lines) - kept} more" for kept in range(len(lines))]
    if sum(size(line) + 1 for line in lines) <= room or not lines:
        return lines
    used, kept = 0, 0
    for line in lines:
        used += size(line) + 1
        if used + size(rests[kept]) + 1 > room:
            break
        kept += 1
    kept = max(kept, 1)
    return [*lines[:kept], rests[kept]] if kept < len(lines) else lines


def _flag(facts: Facts) -> str:
    """The word that opens the headline."""
    outcome = facts.get("outcome")
    if outcome == "expired" or facts["reason"] == "question_expired":
        return "EXPIRED"
    if outcome:
        return f"RESOLVED {outcome.upper()}"
    if facts["kind"] == "resolved" and phrases.has_ended(facts):
        return "CLOSED" if facts["reason"] == "rule_removed" else "ENDED"
    kind: str = facts["kind"]
    return _FLAGS.get(kind, kind.upper())


def _about(facts: Facts) -> str:
    """The subject's title, after what the rule watches of it where that is not the chance."""
    title, kind = phrases.title(facts), phrases.rule_kind(facts)
    is_over = facts["kind"] == "resolved"
    if phrases.has_ended(facts) or kind not in _ABOUT:
        return title
    return _ABOUT[RuleKind(kind)][is_over].format(title)


def _opening(facts: Facts) -> str:
    """What the rule compared, where that is not the chance itself."""
    rule, p = facts["rule"], facts["probability"]
    match phrases.rule_kind(facts):
        case RuleKind.LOSS if p is not None:
            expected = rounded(p * rule["loss"])
            return f"expected loss {expected} against cost {amount(rule['cost'])}"
        case RuleKind.CERTAINTY if facts.get("certainty") is not None:
            level, certainty = phrases.level(rule["level"]), percent(facts["certainty"])
            return f"Pr(P > {level}) is {certainty}, {phrases.line_words(facts)}"
        case RuleKind.CHANGE if facts.get("baseline") and p is not None:
            return _change_words(facts)
        case RuleKind.DEADLINE:
            by = phrases.minute(parse_instant(facts["question"]["deadline"]))
            return f"the deadline is {by} ({phrases.days_left(facts)})"
        case RuleKind.CERTAINTY | RuleKind.CHANGE:
            return str(facts["detail"]).rstrip(".")
    return ""


def _change_words(facts: Facts) -> str:
    before, now = facts["baseline"]["probability"], facts["probability"]
    factor = math.exp(abs(log_odds(now) - log_odds(before)))
    way = "up" if now >= before else "down"
    start = percent(before, phrases.decimals(facts))
    return f"odds {way} {rounded(factor)}×, from {start} {facts['baseline']['named']}"


def _number_parts(facts: Facts) -> list[str]:
    """The chance now and before, and the line where that is one of the chance."""
    kind, ended, p = phrases.rule_kind(facts), phrases.has_ended(facts), facts["probability"]
    if p is None:
        return ["there is no estimate"] if facts.get("question") else []
    digits = phrases.decimals(facts)
    number = f"{percent(p, digits)}{phrases.band(facts['interval'], digits)}"
    number = f"{number}{phrases.known_at(facts)}, {likelihood_words(p)}"
    parts = [f"last estimate {number}" if ended else number]
    if facts["previous"] and not (kind == RuleKind.CHANGE and facts.get("baseline")):
        before = percent(facts["previous"]["probability"], digits)
        parts.append(f"was {before}{phrases.ago(facts)}")
    if kind in (RuleKind.THRESHOLD, RuleKind.LOSS, RuleKind.CHANGE) and not ended:
        parts.append(phrases.line_words(facts))
    return parts


def _unreliable(facts: Facts) -> str:
    """The number of an estimate that cannot be relied on, or can again."""
    p = facts["probability"]
    if p is None or phrases.rule_kind(facts) != RuleKind.UNHEALTHY:
        return ""
    digits = phrases.decimals(facts)
    number = f"{percent(p, digits)}{phrases.band(facts['interval'], digits)}"
    number = f"{number}{phrases.known_at(facts)}"
    if facts["kind"] == "resolved":
        return f"{number}, {likelihood_words(p)}."
    return f"Last number {number}, not to be relied on."


def _told_again(facts: Facts) -> str:
    """Of a reminder its number, of what is acknowledged by whom."""
    since = phrases.since_words(facts.get("since"), facts["at"])
    if facts["kind"] == "reminder" and (number := facts.get("number")):
        return f"{phrases.ordinal(number)} reminder{since}."
    if facts["kind"] == "acknowledged" and (told := facts.get("acknowledged")):
        note = f": {told['note']}".rstrip(". ") if told.get("note") else ""
        return f"By {told['author']}{note}. No more reminders of this episode."
    return ""


def _detail(facts: Facts) -> str:
    """The detail, where it says more than the headline: not of what works again."""
    back = (RuleKind.CHANNEL, RuleKind.SOURCE)
    is_back = facts["kind"] == "resolved" and phrases.rule_kind(facts) in back
    return "" if is_back and not phrases.has_ended(facts) else str(facts["detail"])


def _dwelt(facts: Facts) -> bool:
    """Whether the detail says how long it had to last; all else in it are the numbers again."""
    rule = facts["rule"]
    is_long = rule.get("dwell_up", 1) > 1 or (rule.get("for_up") or 0.0) > 0.0
    return facts["kind"] == "firing" and is_long


def _moves_against(facts: Facts) -> bool:
    """Whether the last move went the other way than the alert: the dwell ended, not the rise."""
    moved = facts["moved"]
    rises = (RuleKind.THRESHOLD, RuleKind.LOSS, RuleKind.CERTAINTY)
    if moved is None or moved["from"] == moved["to"] or phrases.rule_kind(facts) not in rises:
        return False
    up = moved["to"] > moved["from"]
    return (facts["kind"] == "firing" and not up) or (facts["kind"] == "resolved" and up)


def _group_headline(facts: Facts) -> str:
    """How many of what: "12 alerts: 9 firing, 3 resolved"."""
    count = len(facts["members"])
    opening = "DIGEST · " if facts["kind"] == "digest" else ""
    alerts = "1 alert" if count == 1 else f"{count} alerts"
    return f"{opening}{alerts}: {_counts(facts, 'kind', _COUNTED)}"


def _counts(facts: Facts, key: str, order: Iterable[str]) -> str:
    """How many members are of which kind or severity, in that order."""
    found = [member[key] for member in facts["members"]]
    known = list(order)
    words = [*known, *sorted(set(found) - set(known))]
    counts = ((found.count(word), _COUNTED.get(word, word)) for word in words)
    return ", ".join(f"{count} {name}" for count, name in counts if count)


def _urgency(story: list[Facts]) -> tuple[int, int]:
    """The severest first, and of those what fires; a story is as urgent as its last word."""
    severity = min(_rank(member["severity"], _SEVERITIES) for member in story)
    return severity, _rank(story[-1]["kind"], _COUNTED)


def _rank(word: str, order: Iterable[str]) -> int:
    known = list(order)
    return known.index(word) if word in known else len(known)


def _ends_merged(told: list[Facts]) -> list[Facts]:
    """The same end of the same subject once, in its first place."""
    counts = Counter(_name(member) for member in told if phrases.has_ended(member))
    merged: dict[tuple[str, str] | int, Facts] = {}
    for place, member in enumerate(told):
        count = counts[_name(member)] if phrases.has_ended(member) else 1
        key = place if count == 1 else _name(member)
        merged.setdefault(key, member if count == 1 else member | {"rules": count})
    return list(merged.values())


def _name(member: Facts) -> tuple[str, str]:
    """What a reader sees of it beside the numbers."""
    return headline(member), member["subject"]["id"]


def _cause(member: Facts) -> str:
    """Why it waited for the digest: "a change of the prior did it"."""
    cause = member.get("cause")
    words = f"{phrases.CAUSES.get(cause, cause)} did it" if cause else ""
    return words if member["kind"] == "firing" else ""


def _member_line(member: Facts, rule: str, cause: str) -> str:
    """One member, its severity at the end where it pages."""
    number = _member_number(member)
    if phrases.has_ended(member) or phrases.rule_kind(member) in _TOLD_BY_DETAIL:
        number = _detail(member) or number
    known = member.get("acknowledged")
    by = f"by {known['author']}" if known else ""
    rules = f"{member['rules']} rules" if "rules" in member else rule
    page = "page" if member["severity"] == "page" else ""
    why = "" if cause and cause in number else cause
    return " · ".join(part for part in (headline(member), number, why, by, rules, page) if part)


def _member_number(member: Facts) -> str:
    p, previous = member["probability"], member["previous"]
    if p is None:
        return ""
    digits = phrases.decimals_near(p)
    before = previous["probability"] if isinstance(previous, dict) else previous
    was = "" if before is None else f", was {percent(before, digits)}"
    return f"{percent(p, digits)}{was}"
