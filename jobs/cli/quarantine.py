"""`tocsin quarantine`: the rows that came in and were kept aside, and why."""

from fnmatch import fnmatchcase
from pathlib import Path

import click

from jobs.cli.options import common, print_json, say


@click.command("quarantine")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@common
def command(files: tuple[str, ...], folder: Path, as_json: bool) -> None:
    """List the rows that were kept aside, each with its line, the reason, and what it said.

    FILE is the name of a file as it came in, or a shell pattern of such. Mend the rows in the
    file and take it in again: what is known adds nothing.
    """
    from jobs.app import open_app

    with open_app(folder) as app:
        rows = [
            row
            for row in app.store.quarantined()
            if not files or any(fnmatchcase(row.file, Path(pattern).name) for pattern in files)
        ]
    if as_json:
        named = [{"file": r.file, "line": r.line, "reason": r.reason, "text": r.text} for r in rows]
        print_json({"schema_version": 1, "rows": named})
        return
    for row in rows:
        place = f"{row.file}:{row.line}" if row.line else row.file  # an item has no line
        say(f"{place}: {row.reason}")
        say(f"    {row.text}")
    if not rows:
        say("no row was kept aside")
