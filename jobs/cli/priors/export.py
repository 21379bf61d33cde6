"""`tocsin priors export`: a prior as a document that another desk can take in."""

import json
from pathlib import Path

import click

from forecast.errors import OutsideError
from jobs.app import open_app
from jobs.cli.options import common, note, print_json


@click.command("export")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.option("--version", type=int, help="Of this version instead of watch.toml.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="To this file, not to stdout."
)
@common
def command(name: str, version: int | None, out: Path | None, folder: Path, as_json: bool) -> None:
    """The prior's words with its author and reason, as one JSON document."""
    with open_app(folder) as app:
        from jobs.prior_exchange import document, version_of
        from jobs.prior_ledger import words_of
        from jobs.priors import definition_named

        root = app.config.root_of(definition_named(app, name))
        found = app.store.latest_prior(root) if version is None else version_of(app, root, version)
        if version is None and found and found.words != words_of(app.config, root):
            found = None  # watch.toml was edited since
        told = document(app, root, found)
    if out is None:
        print_json(told)
        return
    try:
        out.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(out)) from None
    if as_json:
        print_json({"schema_version": 1, "definition": root, "path": str(out)})
    else:
        note(f"the prior of '{root}' is in {out}")
