"""`tocsin priors import`: a prior that another desk, or this one, exported."""

from datetime import datetime
from pathlib import Path

import click

from jobs.app import open_app
from jobs.cli.options import common, say
from jobs.cli.priors.changing import How, change_options, change_prior, require_somebody


@click.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("name", metavar="[DEFINITION]", required=False)
@change_options
@common
def command(
    path: Path,
    name: str | None,
    reason: str,
    yes: bool,
    dry_run: bool,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Take in the words of FILE for DEFINITION, or for the one that it names, after a look.

    Beliefs about tags and definitions that are not here are left out, and said.
    """
    with open_app(folder) as app:
        from jobs.prior_exchange import origin_words, read_document
        from jobs.priors import definition_named
        from jobs.retune import plan_words

        told = read_document(path)
        how = How(reason or origin_words(told), yes, dry_run, as_of, as_json)
        root = app.config.root_of(definition_named(app, name or told["definition"]))
        changes, left_out = plan_words(app.config, root, told["words"])
        if not changes and not as_json:
            say("watch.toml says all of that already")
            for line in left_out:
                say(f"left out: {line}")
            return
        if not changes:
            how = How(how.reason, False, True, as_of, as_json)
        require_somebody(how)
        change_prior(app, root, changes, left_out, how)
