"""`tocsin questions reopen`: how a question ended is taken back, from now on."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common
from jobs.cli.questions.acting import act_options, author_or_user
from jobs.cli.questions.words import print_act


@click.command("reopen")
@click.argument("question_id", metavar="QUESTION")
@act_options
@common
def command(question_id: str, reason: str, author: str, folder: Path, as_json: bool) -> None:
    """Take back how QUESTION ended, from now on, and say why.

    As of an earlier moment it stays ended. The events that a yes rested on do not count for it
    any more; past its deadline and grace it waits for a person's word or another event.
    """
    from jobs.app import open_app
    from jobs.resolutions import reopen

    with open_app(folder) as app:
        who = author_or_user(author)
        acted = reopen(app, question_id, reason=reason, author=who, now=utc_now())
    print_act(acted, "reopened", as_json)
