"""`tocsin digests resume`: let a digest come again."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.pausing import switch


@click.command("resume")
@click.argument("digest")
@click.option("--reason", default="", help="Why it goes on.")
@common
def command(digest: str, reason: str, folder: Path, as_json: bool) -> None:
    """Let DIGEST come again, from its next slot on."""
    from jobs.digests import switch as change

    switch("digest", digest, change, reason, folder, as_json, paused=False)
