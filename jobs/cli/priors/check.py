"""`tocsin priors check`: whether the data contradict the prior, and what to do."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.app import open_app
from jobs.cli.options import Instant, cell, common, print_json, say, stdout_console
from jobs.cli.priors.words import table_of


@click.command("check")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.option("--as-of", type=Instant(), help="With what was known before this moment.")
@common
def command(name: str, as_of: datetime | None, folder: Path, as_json: bool) -> None:
    """Whether such a prior would bring such counts of events, over all units.

    Exit code 1 where they contradict each other.
    """
    with open_app(folder) as app:
        from jobs.prior_check import check_prior
        from jobs.priors import definition_named

        root = app.config.root_of(definition_named(app, name))
        found = check_prior(app, root, as_of or utc_now())
    if as_json:
        body = {"schema_version": 1, **asdict(found), "verdict": found.verdict}
        body["checks"] = [asdict(c) | {"verdict": c.verdict} for c in found.checks]
        print_json(body)
    else:
        years = found.days / 365.25
        say(f"'{root}' at {found.units} of {found.known} units, {years:.1f} years at risk in all:")
        table = table_of("of the counts", "seen", "the prior expects [90 %]", "p", "")
        for c in found.checks:
            expects = f"{c.lower:.3g} to {c.upper:.3g}"
            row = (c.name, f"{c.observed:.3g}", expects, f"{c.p:.3f}", c.verdict)
            table.add_row(*map(cell, row))
        stdout_console().print(table)
        for line in found.advice:
            say(f"-> {line}")
        if not found.advice:
            say("Prior and data do not contradict each other.")
    if found.verdict == "conflict":
        click.get_current_context().exit(1)
