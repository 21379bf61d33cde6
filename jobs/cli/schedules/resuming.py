"""`tocsin schedules resume`: let a schedule go on."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.pausing import switch


@click.command("resume")
@click.argument("schedule")
@click.option("--reason", default="", help="Why it goes on.")
@common
def command(schedule: str, reason: str, folder: Path, as_json: bool) -> None:
    """Let SCHEDULE go on with its next slot: what it skipped is not made up for."""
    from jobs.schedules import switch as change

    switch("schedule", schedule, change, reason, folder, as_json, paused=False)
