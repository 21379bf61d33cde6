"""`tocsin questions`: where they stand; open one, and say how one ended."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from jobs.cli.lazy import LazyGroup, is_called_alone
from jobs.cli.options import Instant, common

STATES = ("open", "awaiting", "yes", "no", "void")
COMMANDS = {
    "list": "Where questions stand: open, awaiting an outcome, yes, no or void.",
    "show": "What one asks, which events count, and what was said of how it ended.",
    "scores": "How the forecasts of running questions stand, before the deadline.",
    "open": "Open a question, if its criteria can be checked.",
    "resolve": "Say how a question ended: yes or no.",
    "void": "Say that a question cannot be decided: it counts in no score.",
    "reopen": "Take back how a question ended, from now on.",
}
MODULES = {"list": "listing", "open": "opening"}


def list_options[F: Any](function: F) -> F:
    """Which questions are listed, and as of when."""
    for option in (
        click.option("--as-of", type=Instant(), help="As it was known before this moment."),
        click.option("--unit", help="Those at this unit."),
        click.option(
            "--state",
            "states",
            type=click.Choice(STATES),
            multiple=True,
            help="Those that stand so; give it again for more.",
        ),
    ):
        function = option(function)
    return function


@click.group(
    "questions",
    cls=LazyGroup,
    package="jobs.cli.questions",
    does=COMMANDS,
    modules=MODULES,
    invoke_without_command=True,
)
@list_options
@common
@click.pass_context
def command(
    context: click.Context,
    states: tuple[str, ...],
    unit: str | None,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Where questions stand; open one, and say how one ended. Without a command: the list."""
    if is_called_alone(context):
        from jobs.cli.questions.listing import show_list

        show_list(("*",), states, unit, as_of, folder, as_json)
