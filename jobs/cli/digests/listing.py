"""`tocsin digests list`: which there are, whom they go to, and when the next one comes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from jobs.cli.options import cell, common, print_json, say, stdout_console
from jobs.cli.schedules.listing import minute, say_paused

if TYPE_CHECKING:
    from jobs.digests import Outlook


@click.command("list")
@common
def command(folder: Path, as_json: bool) -> None:
    """Which digests there are: when each comes next and came last, and to which channels."""
    show_list(folder, as_json)


def show_list(folder: Path, as_json: bool) -> None:
    """Print the list."""
    from jobs.app import open_app
    from jobs.digests import outlooks

    now = utc_now()
    with open_app(folder) as app:
        found = outlooks(app, now)
    if as_json:
        digests = [_as_json(one) for one in found]
        print_json({"schema_version": 1, "at": format_instant(now), "digests": digests})
    elif not found:
        say("there are no digests; add [[digests]] to watch.toml")
    else:
        _print(found)


def _print(found: "list[Outlook]") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("digest", "when", "next", "last", "went", "channels"):
        table.add_column(name, overflow="fold")
    for one in found:
        moments = (minute(one.next_slot), minute(one.last_at), one.last_status or "-")
        words = one.digest.schedule.words
        table.add_row(*map(cell, (one.digest.id, words, *moments, ", ".join(one.channels))))
    stdout_console().print(table)
    for one in found:
        say_paused(one.digest.id, one.row)


def _as_json(one: "Outlook") -> dict[str, Any]:
    return {
        **one.digest.model_dump(mode="json", exclude_none=True),
        "channels": list(one.channels),
        "next_slot": format_instant(one.next_slot) if one.next_slot else None,
        "last_slot": format_instant(one.last_at) if one.last_at else None,
        "last_status": one.last_status or None,
        "paused": one.row.paused,
        "author": one.row.author or None,
        "reason": one.row.reason or None,
    }
