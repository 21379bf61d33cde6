"""`tocsin sources`: from where facts and articles come, and how these places fare."""

import click

from jobs.cli.lazy import LazyGroup

COMMANDS = {
    "list": "Where every source stands: its health, what it brought, when it is asked next.",
    "pull": "Pull one source now, or see what it would bring.",
    "disable": "Leave a source alone until further notice, and say why.",
    "enable": "Ask a source again that was switched off.",
}
MODULES = {"list": "listing", "disable": "switching_off", "enable": "switching_on"}


@click.group("sources", cls=LazyGroup, package="jobs.cli.sources", does=COMMANDS, modules=MODULES)
def command() -> None:
    """From where facts and articles come, and how these places fare."""
