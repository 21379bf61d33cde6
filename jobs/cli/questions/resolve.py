"""`tocsin questions resolve`: a person's word on how a question ended."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.questions.acting import act_options, stated_at


@click.command("resolve")
@click.argument("question_id", metavar="QUESTION")
@click.argument("outcome", type=click.Choice(["yes", "no"]))
@click.option("--at", help="Since when it is known; now if not given.")
@act_options
@common
def command(
    question_id: str,
    outcome: str,
    at: str | None,
    reason: str,
    author: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Say that QUESTION ended yes or no, and why.

    The word stands over events until it is taken back (`questions reopen`). Questions that are
    nested with it follow: a yes is one of every wider question around it, a no one of every
    question inside it. A word against that of a nested question is refused.
    """
    stated_at(question_id, outcome, at, reason, author, folder, as_json)
