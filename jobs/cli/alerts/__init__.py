"""`tocsin alerts`: who is told what, when, and what became of it."""

import click

from jobs.cli.lazy import LazyGroup

COMMANDS = {
    "subscribe": "Let alerts ring on a channel, which is made where there is none.",
    "list": "Where every rule stands, firing first; the channels; the latest deliveries.",
    "preview": "How often a rule would have rung, and how often rightly.",
    "test": "Send a trial message, or hold rules against a scenario file.",
    "ack": "Say that an episode is known: no more reminders of it.",
    "silence": "Keep alerts from ringing for a while, and say why.",
    "silences": "List the silences that hold or will.",
    "unsilence": "End a silence now.",
    "waiting": "What is still to be told, and what it waits for.",
    "deliveries": "What was sent, what is tried again, and what was given up.",
    "replay": "Send again what was given up.",
    "enable": "Let a channel that was switched off try again.",
}
MODULES = {"list": "standings", "test": "trial"}


@click.group("alerts", cls=LazyGroup, package="jobs.cli.alerts", does=COMMANDS, modules=MODULES)
def command() -> None:
    """Who is told what, when, and what became of it."""
