"""`tocsin schedules`: what comes when; pause one, let it go on, run one now."""

from pathlib import Path

import click

from jobs.cli.lazy import LazyGroup, is_called_alone
from jobs.cli.options import common

COMMANDS = {
    "list": "What comes when, what was missed, and who paused what.",
    "pause": "Let a schedule rest: its slots are skipped, and not made up for.",
    "resume": "Let a schedule go on from now.",
    "run": "Run a schedule now, as a slot of its own.",
}
MODULES = {"list": "listing", "pause": "pausing", "resume": "resuming", "run": "running"}


@click.group(
    "schedules",
    cls=LazyGroup,
    package="jobs.cli.schedules",
    does=COMMANDS,
    modules=MODULES,
    invoke_without_command=True,
)
@common
@click.pass_context
def command(context: click.Context, folder: Path, as_json: bool) -> None:
    """What comes when; pause one, let it go on, run one now. Without a command: the list."""
    if is_called_alone(context):
        from jobs.cli.schedules.listing import show_list

        show_list(folder, as_json)
