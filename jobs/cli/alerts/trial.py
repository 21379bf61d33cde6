"""`tocsin alerts test`: does a channel work?"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.clock import utc_now
from forecast.errors import UsageError
from forecast.names import did_you_mean
from forecast.watch import load_watch
from jobs.cli.options import common, print_json, say

if TYPE_CHECKING:
    pass

RECENT = 20  # deliveries that `list` shows


@click.command("test")
@click.argument("channel")
@common
def command(channel: str, folder: Path, as_json: bool) -> None:
    """Send a trial message on CHANNEL now; exit code 4 where it is not taken."""
    watch = load_watch(folder)
    tables = {table.id: table for table in watch.config.channels}
    if channel not in tables:
        raise UsageError(f"there is no channel '{channel}'{did_you_mean(channel, tables)}")
    from jobs.trial import send_trial

    send_trial(tables[channel], utc_now(), watch.config.watch.link)
    if as_json:
        print_json({"schema_version": 1, "channel": channel, "delivered": True})
    else:
        say(f"{channel}: ok, the message was taken")
