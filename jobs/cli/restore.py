"""`tocsin restore`: a backup becomes the store again."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, note, print_json, say


@click.command("restore")
@click.argument("backup", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--into", metavar="STORE", help="A path, a URL or a reference; else the watch's.")
@click.option("--force", is_flag=True, help="Put what is there aside, and keep it.")
@common
def command(backup: Path, into: str | None, force: bool, folder: Path, as_json: bool) -> None:
    """Verify FILE, put it in the place of the store, and bring it to our schema.

    A store that holds anything is left alone, unless --force: then it is kept beside. One that
    somebody has open is left alone in any case.
    """
    from forecast.store import open_store
    from forecast.store.restoring import restore
    from forecast.watch import load_watch, store_url_of
    from jobs.backup import stamp_of

    url = store_url_of(into, Path(), "--into") if into else load_watch(folder).store_url
    done = restore(backup, url, stamp_of(utc_now()), force=force)
    with open_store(url) as store:
        checks = store.check()
        name = store.name
    wrong = [
        f"{check.name}: {check.detail}"
        for check in checks
        if not check.ok and check.name != "sqlite"
    ]
    rows = sum(done.backup.rows.values())
    if done.beside:
        note(f"tocsin: what was there is kept as {done.beside}")
    if as_json:
        told = {"store": name, "kind": done.backup.kind, "schema": done.backup.schema}
        told |= {"beside": done.beside}
        print_json({"schema_version": 1} | told | {"rows": rows, "findings": wrong})
    else:
        say(f"{name}: {rows:,} rows of {backup}, which was at schema {done.backup.schema}")
    for line in wrong:
        note(f"tocsin: {line}")
    if wrong:
        click.get_current_context().exit(1)
