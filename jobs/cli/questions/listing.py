"""`tocsin questions list`: where questions stand, and how many of those that ended were voided."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.errors import UsageError
from jobs.cli.options import cell, common, print_json, say, stdout_console
from jobs.cli.questions import list_options
from jobs.cli.questions.words import day_or_minute, end_json, estimate_json, estimate_words

if TYPE_CHECKING:
    from jobs.questions import Standing, Tally

_ORDER = ("awaiting", "open", "yes", "no", "void")


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[QUESTION]...")
@list_options
@common
def command(
    patterns: tuple[str, ...],
    states: tuple[str, ...],
    unit: str | None,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Where questions stand (all, or those that fit a pattern).

    A question that awaits an outcome is past its deadline, within the grace in which an event
    may still become known, or was reopened. The void rate counts all that fit, whatever --state.
    """
    show_list(patterns or ("*",), states, unit, as_of, folder, as_json)


def show_list(
    patterns: tuple[str, ...],
    states: tuple[str, ...],
    unit: str | None,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Print the list."""
    from jobs.app import open_app
    from jobs.questions import standings, tally

    now = as_of or utc_now()
    with open_app(folder) as app:
        fitting = [q for q in app.store.questions(patterns) if unit in (None, q.unit)]
        if not fitting and (patterns != ("*",) or unit):
            raise UsageError("no question fits")
        found = standings(app, fitting, now)
    counts = tally(found)
    listed = sorted(
        (s for s in found if not states or s.stage in states), key=lambda s: _ORDER.index(s.stage)
    )
    if as_json:
        print_json(_as_json(listed, counts, now))
    else:
        _print(listed, counts)


def void_words(counts: "Tally") -> str:
    """The void rate with its counts, in words."""
    if counts.void_rate is None:
        return "none has ended yet"
    ended = f"{counts.resolved} ended: {counts.yes} yes, {counts.no} no, {counts.void} void"
    return f"{ended} (void rate {100 * counts.void_rate:.3g} %, {counts.void} of {counts.resolved})"


def _print(listed: "list[Standing]", counts: "Tally") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("question", "state", "deadline", "last", "how"):
        table.add_column(name, overflow="fold")
    for standing in listed:
        table.add_row(*map(cell, _row(standing)))
    if listed:
        stdout_console().print(table)
    say(f"{counts.open} open, {counts.awaiting} awaiting an outcome; {void_words(counts)}")


def _row(standing: "Standing") -> tuple[str, ...]:
    return (
        standing.question.question_id,
        standing.stage.value,
        day_or_minute(standing.question.deadline),
        estimate_words(standing.estimate),
        _how(standing),
    )


def _how(standing: "Standing") -> str:
    """Since when and by whom it ended, or what it waits for."""
    end = standing.end
    if standing.stage == "awaiting":
        until = standing.until
        return f"in grace until {day_or_minute(until)}" if until else "of a person's word"
    if end is None:
        return ""
    whose = f"by {'rule' if end.is_derived else end.author or 'a file'}"
    against = "; contested" if standing.contested else ""
    return f"{end.known_at:%Y-%m-%d} {whose}{against}"


def _as_json(listed: "list[Standing]", counts: "Tally", now: datetime) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "as_of": format_instant(now),
        "questions": [standing_json(standing) for standing in listed],
        "counts": {
            "open": counts.open,
            "awaiting": counts.awaiting,
            "yes": counts.yes,
            "no": counts.no,
            "void": counts.void,
            "resolved": counts.resolved,
        },
        "void_rate": counts.void_rate,
        "void_rate_words": void_words(counts),
    }


def standing_json(standing: "Standing") -> dict[str, Any]:
    """One question and where it stands."""
    question, until = standing.question, standing.until
    return {
        "question_id": question.question_id,
        "title": question.title,
        "unit": question.unit,
        "definition": question.definition,
        "at_least": question.at_least,
        "opens_at": format_instant(question.opens_at),
        "deadline": format_instant(question.deadline),
        "state": standing.stage.value,
        "grace_until": format_instant(until) if until else None,
        "estimate": estimate_json(standing.estimate),
        "resolution": end_json(standing.end),
        "contested": standing.contested or None,
    }
