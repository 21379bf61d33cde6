"""`tocsin digests send`: send a digest now, beside its schedule."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, print_json, say


@click.command("send")
@click.argument("digest")
@common
def command(digest: str, folder: Path, as_json: bool) -> None:
    """Put DIGEST into the outbox now; who serves sends it.

    The next one tells what moved since this one, unless its table says `since`.
    """
    from jobs.app import open_app
    from jobs.digests import send_now

    with open_app(folder) as app:
        message = send_now(app, digest, utc_now)
    if as_json:
        body = {"digest": digest, "channels": list(message.channels), "facts": message.facts}
        print_json({"schema_version": 1} | body)
    else:
        say(f"{digest}: {message.detail}")
