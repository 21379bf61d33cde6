"""`tocsin alerts silences`: what does not ring, until when, who said so and why."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from jobs.app import open_app
from jobs.cli.options import common, print_json, say

if TYPE_CHECKING:
    from forecast.alert import Silence


@click.command("silences")
@click.option("--all", "is_all", is_flag=True, help="Those that are over too.")
@common
def command(is_all: bool, folder: Path, as_json: bool) -> None:
    """List the silences that hold or will."""
    now = utc_now()
    with open_app(folder) as app:
        found = app.store.alerts.silences(until=None if is_all else now)
    if as_json:
        print_json({"schema_version": 1, "silences": [_as_json(one, now) for one in found]})
    elif not found:
        say("Nothing is silenced.")
    else:
        for one in found:
            _say(one, now)


def _say(silence: "Silence", now: datetime) -> None:
    from alerts.phrases import minute

    begins = f"from {minute(silence.starts_at)} " if silence.starts_at > now else ""
    state, until = _state(silence, now), f"until {minute(silence.ends_at)}"
    say(f"{silence.silence_id}  {state}  {begins}{until}  {_what(silence)}")
    say(f"    by {silence.author}: {silence.reason}")


def _state(silence: "Silence", now: datetime) -> str:
    if silence.ends_at <= now:
        return "over"
    return "holds" if silence.starts_at <= now else "to come"


def _what(silence: "Silence") -> str:
    """The patterns that leave something out: "rules likely, units usa-*", else everything."""
    lists = asdict(silence.selector)
    named = [f"{noun} {' '.join(p)}" for noun, p in lists.items() if "*" not in p]
    return ", ".join(named) or "everything"


def _as_json(silence: "Silence", now: datetime) -> dict[str, Any]:
    return {
        "id": silence.silence_id,
        "state": _state(silence, now),
        "starts_at": format_instant(silence.starts_at),
        "ends_at": format_instant(silence.ends_at),
        "author": silence.author,
        "reason": silence.reason,
        **{name: list(patterns) for name, patterns in asdict(silence.selector).items()},
    }
