"""`tocsin questions void`: a question that cannot be decided."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.questions.acting import act_options, stated_at


@click.command("void")
@click.argument("question_id", metavar="QUESTION")
@click.option("--at", help="Since when it is known; now if not given.")
@act_options
@common
def command(
    question_id: str, at: str | None, reason: str, author: str, folder: Path, as_json: bool
) -> None:
    """Say that QUESTION cannot be decided, and why: it counts in no score and no calibration.

    What was resolved may be voided. `tocsin questions` shows the void rate.
    """
    stated_at(question_id, "void", at, reason, author, folder, as_json)
