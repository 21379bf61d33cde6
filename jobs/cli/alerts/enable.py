"""`tocsin alerts enable`: let a channel that was switched off try again."""

from pathlib import Path

import click

from forecast.clock import format_instant, utc_now
from jobs.app import open_app
from jobs.cli.options import common, print_json, say


@click.command("enable")
@click.argument("channel")
@common
def command(channel: str, folder: Path, as_json: bool) -> None:
    """Let CHANNEL, which said that it is gone and was switched off, try again.

    What waited for it goes out. Who did it (TOCSIN_AUTHOR, or the user) is kept. Mend what was
    wrong first, and see whether it works: `tocsin alerts test CHANNEL`.
    """
    with open_app(folder) as app:
        from jobs.deliveries import enable
        from jobs.prior_ledger import author_name

        done = enable(app, channel, author_name(), utc_now())
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "channel": channel,
                "author": done.state.author,
                "at": format_instant(done.state.since),
                "waiting": done.waiting,
                "dead": done.dead,
            }
        )
        return
    waits = f"; {done.waiting} waiting to be sent" if done.waiting else ""
    say(f"{channel}: switched on by {done.state.author}{waits}")
    if done.dead:
        say(f"{done.dead} given up: `tocsin alerts replay --dead --channel {channel}` sends them")
