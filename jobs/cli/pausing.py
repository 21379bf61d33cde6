"""What rests and goes on again by a person's word, and how that is said: schedules and digests."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from forecast.clock import utc_now
from jobs.cli.options import print_json, say

if TYPE_CHECKING:
    from jobs.app import App


class Change(Protocol):
    """Pauses or resumes what has a name; whether that changed anything."""

    def __call__(
        self, app: "App", name: str, author: str, reason: str, now: datetime, /, *, paused: bool
    ) -> bool: ...


def switch(
    kind: str, name: str, change: Change, reason: str, folder: Path, as_json: bool, *, paused: bool
) -> None:
    """Pause or resume it, and say so."""
    from jobs.app import open_app
    from jobs.prior_ledger import author_name

    state = "paused" if paused else "resumed"
    with open_app(folder) as app:
        author = author_name()
        changed = change(app, name, author, reason, utc_now(), paused=paused)
    if as_json:
        body = {kind: name, "paused": paused, "changed": changed, "author": author}
        print_json({"schema_version": 1} | body)
    else:
        say(f"{name} is {state} by {author}" if changed else f"{name} was {state} already")
