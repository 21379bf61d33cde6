"""`tocsin priors diff`: what changed between two versions of a prior."""

from dataclasses import asdict
from pathlib import Path

import click

from forecast.prior import differences
from jobs.app import open_app
from jobs.cli.options import common, print_json, say
from jobs.cli.priors.words import difference_words


@click.command("diff")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.argument("first", type=int, required=False)
@click.argument("second", type=int, required=False)
@common
def command(name: str, first: int | None, second: int | None, folder: Path, as_json: bool) -> None:
    """What changed from version FIRST to version SECOND, or to watch.toml as it stands.

    Without versions: from the newest on record to watch.toml.
    """
    with open_app(folder) as app:
        from jobs.prior_exchange import version_of
        from jobs.prior_ledger import words_of
        from jobs.priors import definition_named

        root = app.config.root_of(definition_named(app, name))
        before = version_of(app, root, first)
        words = words_of(app.config, root)
        after = words if second is None else version_of(app, root, second).words
    if as_json:
        changes = [asdict(d) for d in differences(before.words, after)]
        body = {"schema_version": 1, "definition": root, "first": before.version, "second": second}
        print_json(body | {"changes": changes})
        return
    name_of_second = "watch.toml" if second is None else f"version {second}"
    lines = difference_words(before.words, after)
    if not lines:
        say(f"Version {before.version} and {name_of_second} say the same.")
    for line in lines:
        say(line)
