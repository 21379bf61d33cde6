"""`tocsin priors history`: every version of a prior, who made it, when and why."""

from pathlib import Path
from typing import Any

import click

from forecast.clock import format_instant
from forecast.prior import PriorVersion
from jobs.app import open_app
from jobs.cli.options import common, print_json, say
from jobs.cli.priors.words import difference_words, version_words


@click.command("history")
@click.argument("name", metavar="QUESTION|DEFINITION")
@common
def command(name: str, folder: Path, as_json: bool) -> None:
    """Every version of the prior, from the first on: who, when, why, and what changed."""
    with open_app(folder) as app:
        from jobs.priors import definition_named

        root = app.config.root_of(definition_named(app, name))
        found = app.store.prior_versions(root)
    if as_json:
        versions = [_as_json(v) for v in found]
        print_json({"schema_version": 1, "definition": root, "versions": versions})
        return
    if not found:
        say("Not on record yet: the next update does that")
    before: PriorVersion | None = None
    for version in found:
        say(version_words(version))
        if before is not None:
            for line in difference_words(before.words, version.words):
                say(f"  {line}")
        before = version


def _as_json(version: PriorVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "at": format_instant(version.at),
        "author": version.author,
        "reason": version.reason,
        "words": version.words,
    }
