"""`tocsin inbox list`: what waits to be judged."""

from pathlib import Path

import click

from forecast.candidate import Status
from jobs.cli.inbox import list_options
from jobs.cli.inbox.words import as_json_object, say_candidate
from jobs.cli.options import common, note, print_json, say


@click.command("list")
@list_options
@common
def command(state: str, unit: str, tag: str, limit: int, folder: Path, as_json: bool) -> None:
    """What waits to be judged, oldest first."""
    show_list(state, unit, tag, limit, folder, as_json)


def show_list(state: str, unit: str, tag: str, limit: int, folder: Path, as_json: bool) -> None:
    """Print the list."""
    from jobs.app import open_app

    status = None if state == "all" else Status(state)
    with open_app(folder) as app:
        found = app.store.tagging.candidates(status, unit=unit, tag=tag, limit=limit + 1)
        counts = app.store.tagging.counts()
    more, found = len(found) > limit, found[:limit]
    numbers = {each.value: counts.get(each, 0) for each in Status}
    if as_json:
        told = [as_json_object(one) for one in found]
        print_json({"schema_version": 1, "candidates": told, "counts": numbers})
        return
    for one in found:
        say_candidate(one)
    say(", ".join(f"{count} {name}" for name, count in numbers.items()))
    if more:
        note("tocsin: there are more; --limit shows them")
