"""A group of commands that are imported when they are called, so that `--help` is instant."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.core import ParameterSource

from forecast.errors import UsageError


class LazyGroup(click.Group):
    """Commands by name: what each does in a sentence, and its module in `package`.

    A module is of the command's name, or of that in `modules`, and offers it as `command`.
    """

    def __init__(
        self,
        *args: Any,
        package: str,
        does: Mapping[str, str],
        modules: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._package, self._does, self._modules = package, does, modules or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of a day's work."""
        return list(self._does)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None, and Click's did-you-mean, where there is none."""
        if cmd_name not in self._does:
            return None
        module = self._modules.get(cmd_name, cmd_name)
        command: click.Command = import_module(f"{self._package}.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._does.items()))


def is_called_alone(context: click.Context) -> bool:
    """Whether a group that lists by itself was called without a command of it.

    UsageError where its own options stand before a command, which would not hear them.
    """
    if context.invoked_subcommand is None:
        return True
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise UsageError(f"options go after the command `{context.invoked_subcommand}`")
    return False
