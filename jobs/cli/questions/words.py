"""What the commands on questions say alike: ends, estimates and acts, in words and in JSON."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from forecast.clock import format_instant
from forecast.estimate import Estimate
from forecast.evidence import Resolution
from forecast.likelihood import percent
from jobs.cli.options import note, print_json, say

if TYPE_CHECKING:
    from jobs.resolutions import Acted


def minute(instant: datetime) -> str:
    """A UTC minute: 2025-12-25 23:59."""
    return f"{instant:%Y-%m-%d %H:%M}"


def day_or_minute(instant: datetime) -> str:
    """The day, where the instant is its last minute; else the minute."""
    is_end = (instant.hour, instant.minute) == (23, 59)
    return f"{instant:%Y-%m-%d}" if is_end else minute(instant)


def estimate_words(estimate: Estimate | None) -> str:
    """The probability of an estimate, or a dash."""
    return percent(estimate.probability) if estimate else "-"


def estimate_json(estimate: Estimate | None) -> dict[str, Any] | None:
    """When an estimate was made, and what it says."""
    if estimate is None:
        return None
    return {"as_of": format_instant(estimate.as_of), "probability": estimate.probability}


def end_json(end: Resolution | None) -> dict[str, Any] | None:
    """How a question ended: `author` is null where a file said so, or where it was derived."""
    if end is None:
        return None
    return {
        "outcome": end.outcome.value,
        "known_at": format_instant(end.known_at),
        "reason": end.reason,
        "author": None if end.is_derived else end.author or None,
        "is_derived": end.is_derived,
        "events": list(end.events),
    }


def print_act(acted: "Acted", verb: str, as_json: bool) -> None:
    """What a person's act wrote, and what follows of it."""
    row = acted.row
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "question_id": row.question_id,
                "act": verb,
                "outcome": row.outcome.value,
                "known_at": format_instant(row.known_at),
                "author": row.author,
                "reason": row.reason,
                "events_put_aside": list(row.events),
                "resolution": end_json(acted.end),
                "follows": [
                    {"question_id": f.question_id, "resolution": end_json(f.end)}
                    for f in acted.follows
                ],
                "notes": list(acted.notes),
            }
        )
        return
    say(f"{row.question_id}: {verb} by {row.author}, known from {minute(row.known_at)} UTC on")
    if row.events:
        say(f"  put aside, so that they do not count for it: {', '.join(row.events)}")
    if row.retracted and acted.end is not None:
        say(f"  it is {acted.end.outcome.value} all the same: {acted.end.reason}")
    for follows in acted.follows:
        end = follows.end
        say(f"  {follows.question_id}: {f'{end.outcome.value}, {end.reason}' if end else 'open'}")
    for words in acted.notes:
        note(f"tocsin: {row.question_id}: {words}")
