"""`tocsin priors`: show and retune what is believed before the evidence."""

import click

from jobs.cli.lazy import LazyGroup

COMMANDS = {
    "show": "Every belief in words and numbers, and what data made of it.",
    "set": "Change one belief, after a look at what that does.",
    "history": "Every version: who, when, why.",
    "diff": "What changed between two versions.",
    "rollback": "Bring back the words of an earlier version.",
    "export": "Write a prior to a file that another desk can take in.",
    "import": "Take in a prior that was exported.",
    "check": "Whether the data contradict the prior, and what to do.",
    "retune": "Propose a prior from what happened; never applied by itself.",
}
MODULES = {"set": "setting", "import": "importing"}


@click.group("priors", cls=LazyGroup, package="jobs.cli.priors", does=COMMANDS, modules=MODULES)
def command() -> None:
    """Show and retune what is believed before the evidence, in plain words."""
