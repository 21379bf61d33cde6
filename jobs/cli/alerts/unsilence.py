"""`tocsin alerts unsilence`: let it ring again."""

from pathlib import Path

import click

from forecast.clock import format_instant, utc_now
from jobs.app import open_app
from jobs.cli.options import common, print_json, say


@click.command("unsilence")
@click.argument("silence_id", metavar="ID")
@common
def command(silence_id: str, folder: Path, as_json: bool) -> None:
    """End the silence ID now; what fires still and was kept back rings in the next round."""
    with open_app(folder) as app:
        from jobs.prior_ledger import author_name
        from jobs.silencing import end_silence

        ended = end_silence(app, silence_id, author_name(), utc_now())
    if as_json:
        body = {"schema_version": 1, "id": ended.silence_id}
        print_json(body | {"ends_at": format_instant(ended.ends_at)})
    else:
        say(f"{ended.silence_id} is over")
