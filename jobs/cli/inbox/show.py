"""`tocsin inbox show`: one candidate, and what was said of it."""

from pathlib import Path

import click

from forecast.clock import format_instant
from jobs.cli.inbox.words import as_json_object, say_candidate
from jobs.cli.options import common, print_json, say


@click.command("show")
@click.argument("candidate_id", metavar="CANDIDATE")
@common
def command(candidate_id: str, folder: Path, as_json: bool) -> None:
    """Show CANDIDATE: its sentence, what matched, why, and what was said of it."""
    from jobs.app import open_app
    from jobs.tagging.judging import found, history

    with open_app(folder) as app:
        (one,) = found(app, [candidate_id])
        said = history(app, [one])[one.candidate_id]
    if as_json:
        words = [
            {
                "status": word.status,
                "author": word.author,
                "reason": word.reason,
                "at": format_instant(word.at),
            }
            for word in said
        ]
        print_json({"schema_version": 1, "candidate": as_json_object(one), "said": words})
        return
    say_candidate(one)
    for reason in one.reasons:
        say(f"  {reason}")
    for name in ("title", "url", "article_id", "copy_of"):
        if getattr(one, name):
            say(f"  {name.replace('_', ' ')}: {getattr(one, name)}")
    for word in said:
        say(f"{word.status} by {word.author} on {word.at:%Y-%m-%d}: {word.reason or '-'}")
