"""`tocsin digests preview`: print what a digest would tell now; nothing is sent."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, note, print_json, say


@click.command("preview")
@click.argument("digest")
@common
def command(digest: str, folder: Path, as_json: bool) -> None:
    """Print what DIGEST would tell now: the words of it, or with --json the facts of a webhook.

    Nothing is sent, and nothing is written.
    """
    from alerts.message import text
    from jobs.app import open_app
    from jobs.digests import check_digest, digest_named, message_of

    with open_app(folder) as app:
        one = digest_named(app.config, digest)
        check_digest(app.config, one)
        message = message_of(app, one, utc_now())
    if as_json:
        channels = list(message.channels)
        print_json({"schema_version": 1, "channels": channels, "facts": message.facts})
        return
    for line in text(message.facts).split("\n"):
        say(line)
    to = ", ".join(message.channels)
    note(f"it would go to {to}" if to else "nothing would be sent: there is nothing to tell")
