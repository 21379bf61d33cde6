"""`tocsin digests pause`: let a digest rest."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, print_json, say


@click.command("pause")
@click.argument("digest")
@click.option("--reason", default="", help="Why it rests.")
@common
def command(digest: str, reason: str, folder: Path, as_json: bool) -> None:
    """Let DIGEST rest until it is resumed, whoever serves; `digests send` still sends it.

    What it skips is not made up for: the first one after it tells what moved since the last that
    was sent. It is said under your name (TOCSIN_AUTHOR, or the user).
    """
    switch(digest, reason, folder, as_json, paused=True)


def switch(digest: str, reason: str, folder: Path, as_json: bool, *, paused: bool) -> None:
    """Pause or resume, and say so."""
    from jobs.app import open_app
    from jobs.digests import switch as switch_digest
    from jobs.prior_ledger import author_name

    state = "paused" if paused else "resumed"
    with open_app(folder) as app:
        author = author_name()
        changed = switch_digest(app, digest, author, reason, utc_now(), paused=paused)
    if as_json:
        body = {"digest": digest, "paused": paused, "changed": changed, "author": author}
        print_json({"schema_version": 1} | body)
    else:
        say(f"{digest} is {state} by {author}" if changed else f"{digest} was {state} already")
