"""`tocsin priors rollback`: the words of an earlier version, as a new one."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from jobs.app import open_app
from jobs.cli.options import common, say
from jobs.cli.priors.changing import How, change_options, change_prior, require_somebody


@click.command("rollback")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.argument("version", type=int)
@change_options
@common
def command(
    name: str,
    version: int,
    reason: str,
    yes: bool,
    dry_run: bool,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Bring back the words of VERSION, after a look at what that does.

    It becomes a version of its own: nothing that was on record goes away.
    """
    how = How(reason or f"rolled back to version {version}", yes, dry_run, as_of, as_json)
    with open_app(folder) as app:
        from jobs.prior_exchange import version_of
        from jobs.priors import definition_named
        from jobs.retune import plan_words

        root = app.config.root_of(definition_named(app, name))
        changes, left_out = plan_words(app.config, root, version_of(app, root, version).words)
        if not changes and not as_json:
            say(f"watch.toml says what version {version} says")
            return
        require_somebody(how)
        how = replace(how, dry_run=how.dry_run or not changes, yes=how.yes and bool(changes))
        change_prior(app, root, changes, left_out, how)
