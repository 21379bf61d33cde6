"""`tocsin digests pause`: let a digest rest."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.pausing import switch


@click.command("pause")
@click.argument("digest")
@click.option("--reason", default="", help="Why it rests.")
@common
def command(digest: str, reason: str, folder: Path, as_json: bool) -> None:
    """Let DIGEST rest until it is resumed, whoever serves; `digests send` still sends it.

    What it skips is not made up for: the first one after it tells what moved since the last that
    was sent. It is said under your name (TOCSIN_AUTHOR, or the user).
    """
    from jobs.digests import switch as change

    switch("digest", digest, change, reason, folder, as_json, paused=True)
