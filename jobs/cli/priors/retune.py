"""`tocsin priors retune`: a base rate proposed from what happened; never applied by itself."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import utc_now
from jobs.app import App, open_app
from jobs.cli.options import Instant, common, print_json, say

if TYPE_CHECKING:
    from jobs.prior_preview import Record
    from jobs.prior_retune import Retune


@click.command("retune")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.option("--as-of", type=Instant(), help="With what was known before this moment.")
@common
def command(name: str, as_of: datetime | None, folder: Path, as_json: bool) -> None:
    """Propose a base rate from the history of all units, and say what it would have foreseen.

    The gain is held out: each part of the past is scored by a proposal from what lay before it.
    Nothing is written; the command that would write it is said.
    """
    moment = as_of or utc_now()
    with open_app(folder) as app:
        from jobs.prior_retune import propose_retune
        from jobs.priors import definition_named

        root = app.config.root_of(definition_named(app, name))
        found = propose_retune(app, root, moment)
        record = _record(app, found, moment)
    if as_json:
        print_json(_as_json(found, record))
    else:
        _print(found, record)


def _record(app: App, found: "Retune", moment: datetime) -> "Record | None":
    """What the scores of resolved questions would have been: in hindsight."""
    from jobs.prior_preview import MOST_PAST, record_of
    from jobs.retune import edit_for, plan_change

    change = plan_change(app.config, found.root, "base_rate", found.proposed)
    edit = edit_for(app.watch.folder, found.root, [change])
    inside = {d for d in app.config.definitions if app.config.root_of(d) == found.root}
    questions = [q for q in app.store.questions() if q.definition in inside]
    return record_of(app, edit.config, questions, moment, MOST_PAST)


def _print(found: "Retune", record: "Record | None") -> None:
    from jobs.cli.priors.words import record_words

    years, held = found.days / 365.25, found.held_out
    say(f"{found.units} units, {found.events:g} events in {years:.1f} years at risk")
    say(f"  stands    {found.stands}")
    say(f"  proposed  {found.proposed}")
    if held.tested:
        say(
            f"Held out: {held.gain:+.4f} ± {held.error:.4f} nats a unit and block, on "
            f"{held.tested} of them with {held.events:g} events."
        )
    else:
        say("Held out: there is too little past to hold any of it out.")
    if record is not None:
        say(record_words(record))
    if found.largest > 0.5:
        say(f"{found.largest:.0%} of the events are of one unit: look at it by itself.")
    if found.is_better:
        say("To apply it, after a look:")
        say(f'  tocsin priors set {found.root} base_rate "{found.proposed}"')
    else:
        say("It foresaw what came later no better than what stands: keep what stands.")


def _as_json(found: "Retune", record: "Record | None") -> dict[str, Any]:
    body = asdict(found)
    error = found.held_out.error
    body["held_out"]["error"] = error if error < float("inf") else None
    return {
        "schema_version": 1,
        **body,
        "is_better": found.is_better,
        "record": record and asdict(record),
    }
