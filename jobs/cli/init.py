"""`tocsin init`: make a new watch folder that runs as it is."""

from pathlib import Path

import click

from forecast.clock import utc_now
from forecast.watch import read_config
from jobs.cli.options import common, print_json


@click.command("init")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--example", metavar="NAME", help="Copy an example, such as venezuela-2025.")
@common
def command(directory: Path | None, example: str | None, folder: Path, as_json: bool) -> None:
    """Make a watch folder in DIRECTORY (the current folder) that runs as it is.

    It holds a commented watch.toml and a few made-up facts, or a copy of an example. Nothing is
    overwritten.
    """
    from jobs.examples import example_folder
    from jobs.new_watch import TEMPLATES, copy_watch, next_commands

    target = directory or folder
    source = example_folder(example) if example else TEMPLATES
    made = copy_watch(source, target, utc_now())
    title = read_config(target / "watch.toml").watch.title
    commands = next_commands(target, made)
    if as_json:
        names = [path.name for path in made]
        print_json({"schema_version": 1, "folder": str(target), "made": names, "next": commands})
        return
    click.echo(f"{target}: the watch '{title}', in {', '.join(path.name for path in made)}")
    click.echo("Next:")
    for line in commands:
        click.echo(f"  {line}")
