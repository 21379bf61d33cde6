"""`tocsin inbox confirm`: candidates become reports."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.inbox.words import say_judged
from jobs.cli.options import common
from jobs.cli.questions.acting import act_options, author_or_user


@click.command("confirm")
@click.argument("candidate_ids", nargs=-1, required=True, metavar="CANDIDATE...")
@act_options
@common
def command(
    candidate_ids: tuple[str, ...], reason: str, author: str, folder: Path, as_json: bool
) -> None:
    """Take CANDIDATEs for true: each becomes a report, once."""
    from jobs.app import open_app
    from jobs.tagging.judging import confirm

    with open_app(folder) as app:
        said = confirm(app, candidate_ids, author_or_user(author), utc_now(), reason)
    say_judged(said, as_json)
