"""`tocsin what-if`: the number with and without what is imagined; nothing is written."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.likelihood import percent
from jobs.app import open_app
from jobs.cli.options import Instant, common, print_json, say

if TYPE_CHECKING:
    from jobs.what_if import Imagined


@click.command("what-if")
@click.argument("question_id", metavar="QUESTION")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="tag=TAG[,value=V][,days-ago=N]",
    help="A report that came; again for more. Also reliability=B, credibility=2.",
)
@click.option("--silence", metavar="TIME", help="So much time on, with nothing new.")
@click.option(
    "--retract", "gone", multiple=True, metavar="INCIDENT", help="An incident taken back."
)
@click.option("--as-of", type=Instant(), help="Imagine it at this moment instead of now.")
@common
def command(
    question_id: str,
    reports: tuple[str, ...],
    silence: str | None,
    gone: tuple[str, ...],
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """How QUESTION would stand if a report came, nothing was heard, an incident were taken back.

    Several at once are imagined together. On the draws that are kept, so that the difference is
    not noise; the Monte Carlo error is said. Nothing is written.
    """
    with open_app(folder) as app:
        from jobs.what_if import imagine

        found = imagine(app, question_id, reports, silence, gone, as_of or utc_now())
    if as_json:
        print_json(_as_json(found))
    else:
        _print(found)


def _print(found: "Imagined") -> None:
    points = 100 * (found.after - found.before)
    say(f"{found.question.question_id}: {found.question.title}")
    say(f"  as it is  {percent(found.before, 1)}")
    say(f"  with      {percent(found.after, 1)}: {', '.join(found.words)}")
    error = 100 * found.change_error
    say(f"  change    {points:+.1f} points, Monte Carlo error {error:.2f}")
    for flip in found.flips:
        say(f"  rule {flip.rule_id}: {flip.before.value} -> {flip.after.value}")
    if not found.flips:
        say("  No rule changes its mind.")
    if found.trouble:
        say(f"  Not to be relied upon: {found.trouble}.")


def _as_json(found: "Imagined") -> dict[str, Any]:
    return {
        "schema_version": 1,
        "question_id": found.question.question_id,
        "as_of": format_instant(found.as_of),
        "imagined": list(found.words),
        "before": found.before,
        "after": found.after,
        "mcse": found.mcse,
        "change": found.after - found.before,
        "change_mcse": found.change_error,
        "rules": [asdict(flip) for flip in found.flips],
        "trouble": found.trouble,
    }
