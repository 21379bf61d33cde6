"""`tocsin sources enable`: ask a source again that was switched off."""

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.sources.switching import switch


@click.command("enable")
@click.argument("source")
@common
def command(source: str, folder: Path, as_json: bool) -> None:
    """Ask SOURCE again, at once; its silence counts from now."""
    switch(source, "", folder, is_off=False, as_json=as_json)
