"""`tocsin inbox reject`: candidates that are untrue, or no such statement."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.inbox.words import say_judged
from jobs.cli.options import common
from jobs.cli.questions.acting import act_options, author_or_user


@click.command("reject")
@click.argument("candidate_ids", nargs=-1, required=True, metavar="CANDIDATE...")
@act_options
@common
def command(
    candidate_ids: tuple[str, ...], reason: str, author: str, folder: Path, as_json: bool
) -> None:
    """Take CANDIDATEs for untrue: the same statement from another outlet will be as well.

    One that was confirmed is taken back: its report does not count from now on.
    """
    from jobs.app import open_app
    from jobs.tagging.judging import reject

    with open_app(folder) as app:
        said = reject(app, candidate_ids, author_or_user(author), utc_now(), reason)
    say_judged(said, as_json)
