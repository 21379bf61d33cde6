"""`tocsin digests resume`: let a digest come again."""

from pathlib import Path

import click

from jobs.cli.digests.pausing import switch
from jobs.cli.options import common


@click.command("resume")
@click.argument("digest")
@click.option("--reason", default="", help="Why it goes on.")
@common
def command(digest: str, reason: str, folder: Path, as_json: bool) -> None:
    """Let DIGEST come again, from its next slot on."""
    switch(digest, reason, folder, as_json, paused=False)
