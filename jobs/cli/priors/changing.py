"""A change of a prior from the command line: shown before it stands, confirmed, put on record."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Timer
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import utc_now
from forecast.errors import UsageError
from jobs.app import App
from jobs.cli.options import Instant, note, print_json, say
from jobs.cli.priors.words import changes_json, paragraph, print_changes

if TYPE_CHECKING:
    from jobs.retune import Change


@dataclass(frozen=True, slots=True)
class How:
    """How a change is to be made, as the options say."""

    reason: str
    yes: bool
    dry_run: bool
    as_of: datetime | None
    as_json: bool


def change_options[F: Any](function: F) -> F:
    """--reason, --yes, --dry-run and --as-of."""
    for option in (
        click.option("--as-of", type=Instant(), help="Preview as of this moment instead of now."),
        click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing."),
        click.option("--yes", is_flag=True, help="Write without asking."),
        click.option("--reason", default="", help="Why, for the record."),
    ):
        function = option(function)
    return function


def require_somebody(how: How) -> None:
    """UsageError where nobody can confirm."""
    if not (how.yes or how.dry_run or sys.stdin.isatty()):
        raise UsageError("nobody is there to confirm: add --yes, or --dry-run to only look")


def change_prior(
    app: App, root: str, changes: Sequence["Change"], notes: Sequence[str], how: How
) -> None:
    """Show what the changes do, and write them where that is wanted."""
    from jobs.prior_preview import preview
    from jobs.retune import adopt, belief_at, edit_for

    edit = edit_for(app.watch.folder, root, changes)
    pairs = [(belief_at(app.config, c), belief_at(edit.config, c)) for c in changes]
    with _said_if_long("still looking ..."):
        found = preview(app, edit.config, root, how.as_of or utc_now())
    for line in notes:
        paragraph(line, err=True)
    if not how.as_json:
        print_changes(root, pairs, found)
    version = None
    if how.yes or (not how.dry_run and click.confirm("Write it?", err=True)):
        version = adopt(app, edit, root, utc_now(), how.reason).version
    if how.as_json:
        print_json(changes_json(root, pairs, found, notes) | {"version": version})
    elif version is None:
        note("nothing was written")
    else:
        say(f"version {version} of the prior of '{root}' is written and recorded")
        if found.shifts:
            say("Reports show it after the next update: `tocsin update` makes one now.")


@contextmanager
def _said_if_long(words: str, seconds: float = 4.0) -> Iterator[None]:
    timer = Timer(seconds, note, (words,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
