"""`tocsin inbox`: what the tagger found and nobody has judged yet; confirm, edit, reject."""

from pathlib import Path
from typing import Any

import click

from jobs.cli.lazy import LazyGroup, is_called_alone
from jobs.cli.options import common

STATES = ("waiting", "confirmed", "rejected", "all")
COMMANDS = {
    "list": "What waits to be judged, oldest first.",
    "show": "One candidate: its sentence, what matched, why, and what was said of it.",
    "confirm": "Take candidates for true: they become reports.",
    "edit": "Take one for true with another tag, unit, value or date.",
    "reject": "Take candidates for untrue, and remember it.",
}
MODULES = {"list": "listing"}


def list_options[F: Any](function: F) -> F:
    """Which candidates are listed."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), default=50, help="How many."),
        click.option("--tag", default="", help="Those of this tag."),
        click.option("--unit", default="", help="Those at this unit."),
        click.option("--state", type=click.Choice(STATES), default="waiting", help="Which stand."),
    ):
        function = option(function)
    return function


@click.group(
    "inbox",
    cls=LazyGroup,
    package="jobs.cli.inbox",
    does=COMMANDS,
    modules=MODULES,
    invoke_without_command=True,
)
@list_options
@common
@click.pass_context
def command(
    context: click.Context,
    state: str,
    unit: str,
    tag: str,
    limit: int,
    folder: Path,
    as_json: bool,
) -> None:
    """What the tagger found and nobody has judged yet. Without a command: the list.

    A candidate is named by its id, or by the first letters of it.
    """
    if is_called_alone(context):
        from jobs.cli.inbox.listing import show_list

        show_list(state, unit, tag, limit, folder, as_json)
