"""`tocsin questions scores`: how the forecasts of running questions stand before the deadline."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from jobs.cli.options import Instant, cell, common, print_json, say, stdout_console

if TYPE_CHECKING:
    from jobs.so_far import Running, Standings


@click.command("scores")
@click.option("--as-of", type=Instant(), help="As it was known before this moment.")
@common
def command(as_of: datetime | None, folder: Path, as_json: bool) -> None:
    """How the first forecast of each running question stands so far.

    An open question has answered a part of itself: that nothing came yet. So much is scored, by
    proper scores; questions that an event answered early are among them. Lower is better.
    """
    from jobs.app import open_app
    from jobs.so_far import so_far

    now = as_of or utc_now()
    with open_app(folder) as app:
        found = so_far(app, now)
    if as_json:
        print_json(_as_json(found, now))
    else:
        _print(found)


def _print(found: "Standings") -> None:
    from rich.table import Table

    from jobs.so_far import means

    if found.scored:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for head in ("question", "over", "by now", "came", "Brier", "over time", "log score"):
            table.add_column(head, justify="left" if head == "question" else "right")
        for running in found.scored:
            table.add_row(*map(cell, _cells(running)))
        stdout_console().print(table)
        mean = means(found.scored)
        say(
            f"{len(found.scored)} running: mean Brier score so far {mean['brier']:.4f}, over time "
            f"{mean['integrated_brier']:.4f}, censored log score {mean['censored_log']:.4f}"
        )
    else:
        say("no running question can be scored yet")
    for name, why in found.left_out.items():
        say(f"left out: {name}, {why}")


def _cells(running: "Running") -> tuple[str, ...]:
    score = running.score
    return (
        running.question.question_id,
        f"{score.over:.0%}",
        f"{score.p:.1%}",
        "yes" if running.event_at else "no",
        f"{score.brier:.4f}",
        f"{score.integrated_brier:.4f}",
        f"{score.censored_log:.4f}",
    )


def _as_json(found: "Standings", now: datetime) -> dict[str, Any]:
    from jobs.so_far import means

    return {
        "schema_version": 1,
        "as_of": format_instant(now),
        "questions": [
            {
                "question_id": running.question.question_id,
                "forecast_at": format_instant(running.forecast.as_of),
                "event_at": format_instant(running.event_at) if running.event_at else None,
                **asdict(running.score),
            }
            for running in found.scored
        ],
        "means": means(found.scored),
        "left_out": found.left_out,
    }
