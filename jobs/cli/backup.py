"""`tocsin backup`: the store as one verified file, while everything runs."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, note, print_json, say


@click.command("backup")
@click.argument("place", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(1), metavar="N", help="Of a folder's, keep so many.")
@common
def command(place: Path, keep: int | None, folder: Path, as_json: bool) -> None:
    """Write the store to FILE, or under a name of its own into the folder FILE.

    It is one moment of the store, whoever writes meanwhile, and has its name only once it is on
    the disk, whole and verified. Nothing is overwritten. PostgreSQL needs pg_dump and pg_restore.
    """
    from forecast.watch import load_watch
    from jobs.backup import make_backup, note_backup

    now = utc_now()
    made = make_backup(load_watch(folder).store_url, place, now, keep)
    try:
        note_backup(folder, made, now)
    except OSError as error:
        note(f"tocsin: when that was is not noted in {folder}: {error.strerror}")
    rows = sum(made.rows.values())
    size = made.path.stat().st_size
    if as_json:
        told = {"file": str(made.path), "kind": made.kind, "schema": made.schema, "bytes": size}
        print_json({"schema_version": 1} | told | {"rows": dict(made.rows)})
        return
    say(f"{made.path}: {made.kind}, schema {made.schema}, {rows:,} rows, {size / 1e6:,.1f} MB")
