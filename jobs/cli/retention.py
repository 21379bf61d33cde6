"""`tocsin retention`: what of the past would be let go, and letting it go."""

from pathlib import Path

import click

from forecast.clock import format_instant, utc_now
from jobs.cli.options import common, note, print_json, say


@click.command("retention")
@click.option("--apply/--dry-run", "is_applied", help="Take it away; else it is only counted.")
@common
def command(is_applied: bool, folder: Path, as_json: bool) -> None:
    """Count what [retention] of watch.toml lets go, or take it away.

    Facts, resolutions, priors and changes of a rule's mind are never let go. `tocsin serve`
    does this once a day by itself, where the table says anything.
    """
    from forecast.retention_table import BECOMES, SUGGESTED
    from jobs.app import open_app
    from jobs.retention import surplus, thin

    now = utc_now()
    with open_app(folder) as app:
        found = thin(app, now) if is_applied else surplus(app, now)
    if as_json:
        kinds = [
            {"kind": one.kind.value, "before": format_instant(one.before), "rows": one.rows}
            for one in found
        ]
        print_json({"schema_version": 1, "applied": is_applied, "kinds": kinds})
        return
    for one in found:
        went = "went" if is_applied else "would go"
        day = one.before.date().isoformat()
        say(f"{one.kind.value:<12}  {one.rows:>9,} {went}, of before {day}: {BECOMES[one.kind]}")
    if not found:
        say("[retention] says nothing, so everything is kept. What may be stated:")
        for kind, length in SUGGESTED.items():
            say(f'{kind.value} = "{length}"  # {BECOMES[kind]}')
    elif not is_applied:
        note("tocsin: nothing was taken away; --apply does it")
