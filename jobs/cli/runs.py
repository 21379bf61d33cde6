"""`tocsin runs`: the latest runs of the schedules, and how each went."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant
from jobs.cli.options import cell, common, print_json, say, stdout_console

if TYPE_CHECKING:
    from forecast.store import Run

STATES = ("running", "done", "failed")


@click.command("runs")
@click.option("--schedule", help="Those of this schedule.")
@click.option("--status", type=click.Choice(STATES), help="Those that stand so.")
@click.option(
    *("--limit", "limit"),
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="So many, the latest slots first.",
)
@common
def command(
    schedule: str | None, status: str | None, limit: int, folder: Path, as_json: bool
) -> None:
    """The latest runs: each slot, how it went, how long it took, and what it made up for.

    Attempts above one are of runs that were taken over from a process that died.
    """
    from jobs.app import open_app

    with open_app(folder) as app:
        found = app.store.pages.runs(limit, schedule_id=schedule, status=status)
    if as_json:
        print_json({"schema_version": 1, "runs": [run_json(run) for run in found]})
    elif found:
        _print(found)
    else:
        say("nothing has run yet" if schedule is status is None else "no run fits")


def _print(found: "list[Run]") -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in ("schedule", "slot", "status", "took", "missed", "attempts", "detail"):
        table.add_column(name, overflow="fold")
    for run in found:
        seconds = run_seconds(run)
        took = "-" if seconds is None else f"{seconds:.1f} s"
        slot = f"{run.slot:%Y-%m-%d %H:%M:%SZ}"
        row = (run.schedule_id, slot, run.status, took, str(run.missed), str(run.attempts))
        table.add_row(*map(cell, (*row, run.detail or f"by {run.owner}")))
    stdout_console().print(table)


def run_seconds(run: "Run") -> float | None:
    """How long a run took, once it is over."""
    return (run.finished_at - run.started_at).total_seconds() if run.finished_at else None


def run_json(run: "Run") -> dict[str, Any]:
    """One run."""
    return {
        "schedule": run.schedule_id,
        "slot": format_instant(run.slot),
        "status": run.status,
        "detail": run.detail,
        "missed": run.missed,
        "attempts": run.attempts,
        "owner": run.owner,
        "started_at": format_instant(run.started_at),
        "finished_at": format_instant(run.finished_at) if run.finished_at else None,
        "seconds": run_seconds(run),
    }
