"""The sentences of an alert, made from its facts (`alerts.facts`). Pure."""

from alerts.facts import Facts
from forecast.clock import days_between, parse_instant
from forecast.likelihood import percent

_CAUSES = {
    "time": "the passing of time",
    "evidence": "new evidence",
    "credibility": "more or better reports of known incidents",
    "learning": "what the model learnt from time and events",
    "prior": "a change of the prior",
    "model": "a change of the model",
    "montecarlo": "Monte Carlo noise",
}


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
