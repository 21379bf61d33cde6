"""`tocsin schedules pause`: let a schedule rest."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.pausing import switch


@click.command("pause")
@click.argument("schedule")
@click.option("--reason", default="", help="Why it rests.")
@common
def command(schedule: str, reason: str, folder: Path, as_json: bool) -> None:
    """Let SCHEDULE rest until it is resumed, whoever serves.

    Its slots are skipped meanwhile, and not made up for. A run that is under way goes on, and
    news still updates its questions. It is said under your name (TOCSIN_AUTHOR, or the user).
    """
    from jobs.schedules import switch as change

    switch("schedule", schedule, change, reason, folder, as_json, paused=True)
