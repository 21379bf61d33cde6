"""`tocsin alerts ack`: somebody has seen it and deals with it."""

from pathlib import Path

import click

from forecast.clock import format_instant, utc_now
from jobs.app import open_app
from jobs.cli.options import common, print_json, say


@click.command("ack")
@click.argument("rule")
@click.argument("subject", metavar="QUESTION")
@click.option("--note", default="", help="What is being done about it.")
@common
def command(rule: str, subject: str, note: str, folder: Path, as_json: bool) -> None:
    """Say that RULE's alert on QUESTION is known: no more reminders of this episode.

    QUESTION may be a unit or a channel, as the rule has it. All who were told of it are told
    who knows (TOCSIN_AUTHOR, or the user). The first word on an episode counts.
    """
    with open_app(folder) as app:
        from jobs.prior_ledger import author_name
        from jobs.silencing import acknowledge

        done = acknowledge(app, rule, subject, author_name(), note, utc_now())
    word = done.acknowledgement
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "rule": rule,
                "subject": subject,
                "episode": word.episode,
                "author": word.author,
                "note": word.note,
                "at": format_instant(word.at),
                "is_first": done.is_first,
                "channels": list(done.channels),
            }
        )
        return
    if not done.is_first:
        from alerts.phrases import minute

        noted = f": {word.note}" if word.note else ""
        say(f"acknowledged already, by {word.author} at {minute(word.at)}{noted}")
        return
    told = f"; to be told on {', '.join(done.channels)}" if done.channels else ""
    say(f"episode {word.episode} of {rule} on {subject} is acknowledged by {word.author}{told}")
