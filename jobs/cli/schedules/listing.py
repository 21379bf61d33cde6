"""`tocsin schedules list`: what comes when, what was missed, and who paused what."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from jobs.cli.options import cell, common, print_json, say, stdout_console

if TYPE_CHECKING:
    from forecast.store.schedules import ScheduleRow
    from jobs.schedules import Outlook


@click.command("list")
@common
def command(folder: Path, as_json: bool) -> None:
    """What comes when: the next slot and the last one, how it went, and what it made up for.

    A schedule is waiting, due (its slot is about to be run, or nobody serves), running or
    paused. Slots missed are those that the last run, or the one that is due, makes up for.
    """
    show_list(folder, as_json)


def show_list(folder: Path, as_json: bool) -> None:
    """Print the list."""
    from jobs.app import open_app
    from jobs.schedules import outlooks

    now = utc_now()
    with open_app(folder) as app:
        found = outlooks(app, now)
        news = app.store.due_units.counts(now)
        on_news = app.config.updates.on_news
    if as_json:
        oldest = format_instant(news.oldest) if news.oldest else None
        units = {"due": news.due, "later": news.later, "held": news.held, "failing": news.failing}
        print_json(
            {
                "schema_version": 1,
                "at": format_instant(now),
                "schedules": [outlook_json(outlook) for outlook in found],
                "news": {"on": on_news, "units": units, "oldest": oldest},
            }
        )
        return
    _print(found)
    waiting = f"{news.due} due, {news.failing} failing" if on_news else "updates on news are off"
    say(f"units with news: {waiting}")


def _print(found: "list[Outlook]") -> None:
    from rich.table import Table

    if not found:
        say("there are no schedules; add [[schedules]] to watch.toml")
        return
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("schedule", "kind", "when", "state", "next", "last", "went", "missed"):
        table.add_column(name, overflow="fold")
    for outlook in found:
        table.add_row(*map(cell, _row(outlook)))
    stdout_console().print(table)
    for outlook in found:
        say_paused(outlook.schedule.id, outlook.standing.row)


def say_paused(name: str, row: "ScheduleRow") -> None:
    """Say who paused something, if anybody did."""
    if row.paused:
        why = f": {row.reason}" if row.reason else ""
        say(f"{name} is paused by {row.author} since {minute(row.paused_at)}{why}")


def _row(outlook: "Outlook") -> tuple[str, ...]:
    schedule, standing = outlook.schedule, outlook.standing
    return (
        schedule.id,
        schedule.kind,
        schedule.words,
        outlook.state,
        minute(None if standing.row.paused else outlook.next_slot),
        minute(standing.last_slot),
        standing.last_status or "-",
        str(_missed(outlook)),
    )


def _missed(outlook: "Outlook") -> int:
    return outlook.waiting.missed if outlook.waiting else outlook.standing.last_missed


def minute(instant: datetime | None) -> str:
    """A moment to the second in UTC, or a dash."""
    return f"{instant:%Y-%m-%d %H:%M:%SZ}" if instant else "-"


def outlook_json(outlook: "Outlook") -> dict[str, Any]:
    """One schedule and where it stands."""
    row, standing = outlook.standing.row, outlook.standing
    moments = {
        "next_slot": None if row.paused else outlook.next_slot,
        "last_slot": standing.last_slot,
        "since": row.since,
        "paused_at": row.paused_at if row.paused else None,
        "resumed_at": row.resumed_at,
    }
    return {
        **outlook.schedule.as_json(),
        "kind": outlook.schedule.kind,
        "timezone": outlook.schedule.timezone,
        "state": outlook.state,
        "last_status": standing.last_status or None,
        "missed": _missed(outlook),
        "paused": row.paused,
        "author": row.author or None,
        "reason": row.reason or None,
        **{name: format_instant(at) if at else None for name, at in moments.items()},
    }
