"""`tocsin alerts replay`: send again what was given up."""

from datetime import datetime
from pathlib import Path

import click

from forecast.clock import utc_now
from forecast.errors import UsageError
from jobs.app import open_app
from jobs.cli.options import Instant, common, note, print_json, say


@click.command("replay")
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--dead", is_flag=True, help="All that was given up.")
@click.option("--channel", help="With --dead: only to this channel.")
@click.option("--since", type=Instant(), help="With --dead: only what was made since then.")
@common
def command(
    ids: tuple[str, ...],
    dead: bool,
    channel: str | None,
    since: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Send again what was given up, under the same ids, with the whole schedule before it.

    `tocsin serve` sends it, or the next `tocsin update`. An ID may be the beginning of one. The
    attempts made so far stay on record: `tocsin alerts deliveries --attempts ID`.
    """
    if bool(ids) == dead:
        raise UsageError("replay takes ids, or --dead for all that was given up")
    if (channel or since) and not dead:
        raise UsageError("--channel and --since go with --dead")
    with open_app(folder) as app:
        from jobs.deliveries import is_off, replay, replay_dead

        now = utc_now()
        again = (
            replay_dead(app, now, channel=channel, since=since) if dead else replay(app, ids, now)
        )
        off = sorted({d.channel for d in again if is_off(app, d.channel)})
    for name in off:
        note(f"tocsin: {name} is switched off; `tocsin alerts enable {name}` lets it try again")
    if as_json:
        print_json({"schema_version": 1, "replayed": [d.delivery_id for d in again]})
        return
    say(f"{len(again)} to be sent again" if again else "Nothing was given up.")
    for delivery in again:
        say(f"  {delivery.delivery_id} to {delivery.channel}: {delivery.last_error}")
