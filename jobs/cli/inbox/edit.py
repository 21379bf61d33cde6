"""`tocsin inbox edit`: a candidate that is true, but not as its rule had it."""

from datetime import datetime
from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.inbox.words import say_judged
from jobs.cli.options import Instant, common
from jobs.cli.questions.acting import act_options, author_or_user


@click.command("edit")
@click.argument("candidate_id", metavar="CANDIDATE")
@click.option("--tag", help="The indicator it is a statement of.")
@click.option("--unit", help="What it is about.")
@click.option("--value", type=float, help="Its strength within its tag, 0 to 1.")
@click.option("--occurred", type=Instant(), help="When the thing happened.")
@act_options
@common
def command(
    candidate_id: str,
    tag: str | None,
    unit: str | None,
    value: float | None,
    occurred: datetime | None,
    reason: str,
    author: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Take CANDIDATE for true with another tag, unit, value or date: it becomes that report."""
    from jobs.app import open_app
    from jobs.tagging.judging import Mended, edit

    mended = Mended(unit, tag, value, occurred)
    with open_app(folder) as app:
        said = edit(app, candidate_id, mended, author_or_user(author), utc_now(), reason)
    say_judged([said], as_json)
