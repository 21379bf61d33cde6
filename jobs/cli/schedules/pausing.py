"""`tocsin schedules pause`: let a schedule rest."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, print_json, say


@click.command("pause")
@click.argument("schedule")
@click.option("--reason", default="", help="Why it rests.")
@common
def command(schedule: str, reason: str, folder: Path, as_json: bool) -> None:
    """Let SCHEDULE rest until it is resumed, whoever serves.

    Its slots are skipped meanwhile, and not made up for. A run that is under way goes on, and
    news still updates its questions. It is said under your name (TOCSIN_AUTHOR, or the user).
    """
    switch(schedule, reason, folder, as_json, paused=True)


def switch(schedule: str, reason: str, folder: Path, as_json: bool, *, paused: bool) -> None:
    """Pause or resume, and say so."""
    from jobs.app import open_app
    from jobs.prior_ledger import author_name
    from jobs.schedules import switch as switch_schedule

    state = "paused" if paused else "resumed"
    with open_app(folder) as app:
        author = author_name()
        changed = switch_schedule(app, schedule, author, reason, utc_now(), paused=paused)
    if as_json:
        body = {"schedule": schedule, "paused": paused, "changed": changed, "author": author}
        print_json({"schema_version": 1} | body)
    else:
        say(f"{schedule} is {state} by {author}" if changed else f"{schedule} was {state} already")
