"""`tocsin digests`: which reports go to whom, and when; see one, send one, pause one."""

from pathlib import Path

import click

from jobs.cli.lazy import LazyGroup, is_called_alone
from jobs.cli.options import common

COMMANDS = {
    "list": "Which there are, whom they go to, and when the next one comes.",
    "preview": "Print what a digest would tell now; nothing is sent.",
    "send": "Send a digest now, beside its schedule.",
    "pause": "Let a digest rest: what it skips is not made up for.",
    "resume": "Let a digest come again, from its next slot.",
}
MODULES = {
    "list": "listing",
    "preview": "preview",
    "send": "sending",
    "pause": "pausing",
    "resume": "resuming",
}


@click.group(
    "digests",
    cls=LazyGroup,
    package="jobs.cli.digests",
    does=COMMANDS,
    modules=MODULES,
    invoke_without_command=True,
)
@common
@click.pass_context
def command(context: click.Context, folder: Path, as_json: bool) -> None:
    """Which reports go to whom, and when; see, send or pause one. Without a command: the list."""
    if is_called_alone(context):
        from jobs.cli.digests.listing import show_list

        show_list(folder, as_json)
