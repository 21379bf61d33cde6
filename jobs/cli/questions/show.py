"""`tocsin questions show`: what a question asks, which events count, and what was said of it."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from jobs.cli.options import Instant, common, print_json, say
from jobs.cli.questions.listing import standing_json
from jobs.cli.questions.words import end_json, estimate_words, minute

if TYPE_CHECKING:
    from forecast.config import Definition
    from jobs.questions import Counted, Shown, Version


@click.command("show")
@click.argument("question_id", metavar="QUESTION")
@click.option("--as-of", type=Instant(), help="As it was known before this moment.")
@common
def command(question_id: str, as_of: datetime | None, folder: Path, as_json: bool) -> None:
    """What QUESTION asks and by which criteria, which events count for it, and all that was said
    of how it ended, each with author, time and reason.
    """
    from jobs.app import open_app
    from jobs.questions import shown

    with open_app(folder) as app:
        question = app.store.question(question_id)
        found = shown(app, question, as_of or utc_now())
        table = app.config.definitions.get(question.definition)
        root = app.config.definitions[app.config.root_of(question.definition)] if table else None
    late = root.late_events if root else None
    if as_json:
        print_json(_as_json(found, table, late))
    else:
        _print(found, table, late)


def _print(found: "Shown", table: "Definition | None", late: str | None) -> None:
    standing = found.standing
    question, end = standing.question, standing.end
    say(f"{question.question_id}: {question.title}")
    say(f"  state       {_state_words(found)}")
    if standing.contested:
        say(f"  contested   {standing.contested}")
    if end is not None:
        say(f"  known       {minute(end.known_at)} UTC, {end.reason}")
    asks = f"{question.at_least} x " if question.at_least > 1 else ""
    title = f" ({table.title})" if table and table.title else ""
    unknown = "" if table else ", which watch.toml does not define"
    say(f"  asks for    {asks}{question.definition}{title} at {question.unit}{unknown}")
    say(f"  window      {minute(question.opens_at)} to {minute(question.deadline)} UTC")
    if table:
        say(f"  grace       {table.grace}; an event known later {_late_words(late)}")
    say(f"  criteria    {question.resolution_criteria or 'none are stated'}")
    say(f"  last        {estimate_words(standing.estimate)}")
    say("Events in its window:" if found.events else "No event is known in its window.")
    for counted in found.events:
        say(f"  {_event_words(counted)}")
    say("What was said of its end:" if found.versions else "Nothing was said of its end.")
    for version in found.versions:
        say(f"  {_version_words(version)}")


def _state_words(found: "Shown") -> str:
    standing = found.standing
    if standing.stage != "awaiting":
        return standing.stage.value
    if standing.until is None:
        return "awaiting a person's word"
    return f"awaiting an outcome, in grace until {minute(standing.until)} UTC"


def _late_words(late: str | None) -> str:
    return "leaves the no to stand" if late == "stand" else "corrects the no"


def _event_words(counted: "Counted") -> str:
    event = counted.event
    fate = "counts" if counted.counts else "put aside"
    late = ", after the grace" if counted.is_late else ""
    known = f"known {minute(counted.known_at)}{late}"
    summary = f": {event.summary}" if event.summary else ""
    return (
        f"{fate}  {event.event_id}  {event.definition} on {minute(event.occurred_at)}, "
        f"{known}{summary}"
    )


def _version_words(version: "Version") -> str:
    row, act = version.row, act_of(version)
    outcome = f"the {row.outcome.value} " if row.retracted else f"{row.outcome.value} "
    author = f"by {row.author or 'a file'}"
    recorded = minute(version.recorded_at) if version.recorded_at else "at the next update"
    return f"{minute(row.known_at)}  {outcome}{act} {author}, recorded {recorded}: {row.reason}"


def act_of(version: "Version") -> str:
    """What a row did, in a word."""
    if version.row.is_derived:
        return "withdrawn" if version.row.retracted else "derived"
    return "reopened" if version.row.retracted else "stated"


def _as_json(found: "Shown", table: "Definition | None", late: str | None) -> dict[str, Any]:
    question = found.standing.question
    return {
        "schema_version": 1,
        "question": standing_json(found.standing)
        | {"resolution_criteria": question.resolution_criteria, "notes": question.notes},
        "definition": {
            "name": question.definition,
            "title": table.title,
            "grace": table.grace,
            "late_events": late,
        }
        if table
        else None,
        "events": [_event_json(counted) for counted in found.events],
        "versions": [_version_json(version) for version in found.versions],
    }


def _event_json(counted: "Counted") -> dict[str, Any]:
    event = counted.event
    return {
        "event_id": event.event_id,
        "definition": event.definition,
        "occurred_at": format_instant(event.occurred_at),
        "known_at": format_instant(counted.known_at),
        "counts": counted.counts,
        "is_late": counted.is_late,
        "summary": event.summary,
        "url": event.url,
    }


def _version_json(version: "Version") -> dict[str, Any]:
    recorded_at = version.recorded_at
    return {
        "act": act_of(version),
        "recorded_at": format_instant(recorded_at) if recorded_at else None,
        **(end_json(version.row) or {}),
    }
