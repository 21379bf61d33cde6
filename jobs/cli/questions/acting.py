"""What `resolve`, `void` and `reopen` have in common: who says so, since when, and why."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from forecast.clock import parse_instant, utc_now
from forecast.errors import UsageError
from forecast.evidence import Outcome
from jobs.cli.questions.words import print_act


def act_options[F: Any](function: F) -> F:
    """--reason and --by."""
    by = click.option(
        "--by", "author", default="", help="Who says so (TOCSIN_AUTHOR, or the user)."
    )
    return by(click.option("--reason", "-m", default="", help="Why (required).")(function))


def stated_at(
    question_id: str,
    outcome: str,
    at: str | None,
    reason: str,
    author: str,
    folder: Path,
    as_json: bool,
) -> None:
    """State an outcome, and print what follows."""
    from jobs.app import open_app
    from jobs.resolutions import state_outcome

    now = utc_now()
    with open_app(folder) as app:
        acted = state_outcome(
            app,
            question_id,
            Outcome(outcome),
            reason=reason,
            author=author_or_user(author),
            now=now,
            at=_known_at(at, now),
        )
    print_act(acted, "voided" if outcome == "void" else f"resolved {outcome}", as_json)


def author_or_user(author: str) -> str:
    """Who is named, or who is at the keyboard."""
    from jobs.prior_ledger import author_name

    return author.strip() or author_name()


def _known_at(at: str | None, now: datetime) -> datetime | None:
    """A bare date is its last second, as in a file of outcomes; today is now."""
    if at is None:
        return None
    try:
        known_at = parse_instant(at, end_of_day=True)
        if parse_instant(at) <= now < known_at:
            return now
    except ValueError as error:
        raise UsageError(str(error), at="--at") from None
    return known_at
