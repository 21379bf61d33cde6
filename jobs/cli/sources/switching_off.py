"""`tocsin sources disable`: leave a source alone until further notice."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.sources.switching import switch


@click.command("disable")
@click.argument("source")
@click.option("--reason", "-m", default="", help="Why (required).")
@common
def command(source: str, reason: str, folder: Path, as_json: bool) -> None:
    """Ask SOURCE no more until it is enabled; what it brought stays, and it rings no more."""
    switch(source, reason, folder, is_off=True, as_json=as_json)
