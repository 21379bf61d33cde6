"""`tocsin sources list`: where every source stands."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.source import SourceHealth
from jobs.cli.options import cell, common, print_json, say, stdout_console

if TYPE_CHECKING:
    from jobs.sources.standing import SourceStanding

ILL = (SourceHealth.BROKEN, SourceHealth.SILENT)


@click.command("list")
@click.option("--check", is_flag=True, help="Exit with 1 where a source is broken or silent.")
@common
def command(check: bool, folder: Path, as_json: bool) -> None:
    """Where every source stands.

    A source works; is silent, when it answers and brought nothing new for longer than its
    expected gap; is broken, when it does not answer or cannot be read; is off; or is new.
    """
    from jobs.app import open_app
    from jobs.sources.standing import source_standings

    with open_app(folder) as app:
        found = source_standings(app, utc_now())
    if as_json:
        print_json({"schema_version": 1, "sources": [_as_json(one) for one in found]})
    else:
        _print(found)
    if check and any(one.health in ILL for one in found):
        raise click.exceptions.Exit(1)


def _print(found: "list[SourceStanding]") -> None:
    from rich.table import Table

    if not found:
        say("there is no source in watch.toml; docs/sources.md says how to add one")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("source", "kind", "health", "last success", "last new", "next pull", "brought"):
        table.add_column(column)
    for one in found:
        table.add_row(*map(cell, _row(one)))
    stdout_console().print(table)
    for one in found:
        if one.says and one.state is not None:
            say(f"{one.table.id}: {one.says}")


def _row(one: "SourceStanding") -> tuple[str, ...]:
    state = one.state
    if state is None:
        return (one.table.id, one.table.kind, one.health.value, "-", "-", "-", "-")
    last = f"{state.new} new, {state.same} known"
    last += f", {state.corrected} corrected" if state.corrected else ""
    last += f", {state.bad} bad" if state.bad else ""
    is_asked = one.table.kind != "push" and not state.is_off
    return (
        one.table.id,
        one.table.kind,
        one.health.value,
        _minute(state.succeeded_at),
        _minute(state.brought_at),
        _minute(state.due_at) if is_asked else "-",
        f"{last}; {state.total} in all",
    )


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _as_json(one: "SourceStanding") -> dict[str, Any]:
    state = one.state
    body: dict[str, Any] = {
        "id": one.table.id,
        "kind": one.table.kind,
        "health": one.health.value,
        "says": one.says,
    }
    if state is None:
        return body
    times = ("since", "succeeded_at", "brought_at", "failed_at", "due_at")
    moments = {name: getattr(state, name) for name in times}
    return (
        body
        | {name: format_instant(moment) if moment else None for name, moment in moments.items()}
        | {
            "failures": state.failures,
            "last": {name: getattr(state, name) for name in ("new", "same", "corrected", "bad")},
            "total": state.total,
            "is_off": state.is_off,
        }
    )
