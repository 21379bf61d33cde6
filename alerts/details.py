"""What a rule's change of mind says: one plain sentence with the numbers that made it. Pure."""

import math
from dataclasses import replace
from datetime import timedelta

from alerts.readings import Reading, amount, decimals_of, rounded, span_words
from forecast.alert import NO_TIME, Rule, RuleKind, State
from forecast.evidence import Outcome
from forecast.likelihood import percent

LEAST_GAP = 4.0  # Monte Carlo standard errors between the lines of a rule
WITH_LINES = (RuleKind.THRESHOLD, RuleKind.CERTAINTY, RuleKind.CHANGE, RuleKind.LOSS)
_RETUNES = {"prior": "a change of the prior", "model": "a change of the model"}


def change_words(
    rule: Rule, reading: Reading, before: State, after: State, count: int, lasted: timedelta
) -> str:
    """The number, the line it met, and how far the dwell has come.

    `count` evaluations in a row, over the time `lasted`, made the change.
    """
    up = _beside_fire(rule, reading, "at or above")
    down = _beside_clear(rule, reading, "at or below")
    if after is State.PENDING:
        return f"{up}{_so_far(count, rule.dwell_up, rule.for_up)}"
    if after is State.RECOVERING:
        return f"{down}{_so_far(count, rule.dwell_down, rule.for_down)}"
    if after is State.FIRING and before is State.RECOVERING:
        return f"{_beside_clear(rule, reading, 'no longer clearly below')}; the alert stays on"
    if after is State.FIRING:
        return f"{up}{_dwelt(rule, count, lasted)}"
    if before is State.PENDING:
        return f"{_beside_fire(rule, reading, 'no longer clearly above')}; no alert was sent"
    return down


def rung_once_words(reading: Reading) -> str:
    """After the ring of a rule that rings once: what it compares with."""
    return f"{reading.says.rstrip('.')}; the next change counts from there"


def rising_words(rule: Rule, reading: Reading, cause: str) -> str:
    """Real news, after a retune had put the number above the line."""
    opening = _beside_fire(rule, reading, "at or above")
    return f"{opening}, and it has moved on since {_retune(cause)} put it there"


def digest_words(cause: str) -> str:
    """Why a ring waits for the digest."""
    return f"; {_retune(cause)} did it, so it waits for the digest"


def ended_words(outcome: Outcome | None, told: Outcome | None = None) -> str:
    """How a question ended, in a sentence; `told` is the outcome that was told before."""
    if outcome is None:
        return "The deadline has passed; no outcome is recorded yet."
    if told not in (None, outcome):
        return f"The outcome was corrected from {told} to {outcome}."
    return f"The question was resolved: {outcome.value}."


def last_words(probability: float | None) -> str:
    """The last estimate, in a sentence after another one."""
    return "" if probability is None else f" The last estimate was {percent(probability)}."


def as_edited(sentence: str) -> str:
    """The sentence, of an evaluation that was the first under the rule's new numbers."""
    return f"The rule was edited: {sentence[:1].lower()}{sentence[1:]}"


def line_words(rule: Rule, line: float) -> str:
    """One of the rule's lines, on the scale on which people state it."""
    if rule.kind is RuleKind.CHANGE:
        way = "" if rule.direction == "either" else f" {rule.direction}"
        return f"{math.exp(line):.3g}x{way}"
    return _cost_words(rule, line) if rule.kind is RuleKind.LOSS else f"{100 * line:.4g} %"


def gap_warning(rule: Rule, error: float) -> str | None:
    """What to say of lines so near to each other that noise can cross both; None if they are not.

    `error` is that of the rule's readings: for a probability its Monte Carlo standard error.
    """
    least = LEAST_GAP * error
    if not rule.fire_at - rule.clear_at < least:
        return None
    shown = replace(rule, kind=rule.kind if rule.kind is RuleKind.CHANGE else RuleKind.THRESHOLD)
    fire, clear = (line_words(shown, line) for line in (rule.fire_at, rule.clear_at))
    enough = rule.fire_at - least
    advice = (
        "lower its clear_at"
        if enough <= 0
        else (f"put its clear_at at {line_words(shown, enough)} or lower")
    )
    return (
        f"rule '{rule.rule_id}' fires at {fire} and clears at {clear}, less than "
        f"{LEAST_GAP:g} Monte Carlo errors apart, so noise can make it flap; {advice}"
    )


def _cost_words(rule: Rule, line: float) -> str:
    """The expected loss at a line: the cost as it was given, others to three digits."""
    return amount(rule.cost) if line == rule.fire_at else rounded(line * rule.loss)


def _beside_fire(rule: Rule, reading: Reading, relation: str) -> str:
    """The number, and how it lies to the line at which the rule fires."""
    if rule.kind not in WITH_LINES:
        return _opening(rule, reading)
    line = line_words(rule, rule.fire_at)
    is_cost = rule.kind is RuleKind.LOSS
    named = f"the cost of acting ({line})" if is_cost else f"the alert line of {line}"
    return f"{_opening(rule, reading)}, {relation} {named}"


def _beside_clear(rule: Rule, reading: Reading, relation: str) -> str:
    """The number, and how it lies to the line at which the rule clears."""
    if rule.kind not in WITH_LINES:
        return _opening(rule, reading)
    line = line_words(rule, rule.clear_at)
    return f"{_opening(rule, reading)}, {relation} the all-clear line of {line}"


def _opening(rule: Rule, reading: Reading) -> str:
    if rule.kind is RuleKind.THRESHOLD:
        return f"The probability is {percent(reading.value, decimals_of(rule))}"
    return reading.says.rstrip(".")


def _so_far(count: int, needed: int, span: timedelta) -> str:
    least = f", and it must last {span_words(span)}" if span > NO_TIME else ""
    return f"; {count} of {needed} evaluations in a row{least}"


def _dwelt(rule: Rule, count: int, lasted: timedelta) -> str:
    if count <= 1:
        return ""
    over = f" over {span_words(lasted)}" if rule.for_up > NO_TIME else ""
    joint = " in" if rule.kind in WITH_LINES else ";"
    return f"{joint} {count} evaluations in a row{over}"


def _retune(cause: str) -> str:
    return _RETUNES.get(cause, f"what the rule gathers for the digest ({cause})")
