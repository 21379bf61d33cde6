"""`tocsin alerts test`: does a channel work, and do the rules do what a scenario says?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.config import Config
from forecast.errors import UsageError
from forecast.names import did_you_mean
from forecast.watch import load_watch
from jobs.cli.options import common, note, print_json, say

if TYPE_CHECKING:
    from jobs.scenario import Failure, Outcome


@click.command("test")
@click.argument("names", nargs=-1, metavar="[CHANNEL | FILE]...")
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="FILE",
    help="Hold the rules against this file; more files may follow.",
)
@common
def command(
    names: tuple[str, ...], scenarios: tuple[str, ...], folder: Path, as_json: bool
) -> None:
    """Send a trial message on CHANNEL now, or run the tests of scenario FILEs.

    Exit code 4 where the message is not taken, 1 where a test fails, 2 where a file is malformed.
    """
    if scenarios:
        _run_scenarios([Path(name) for name in (*scenarios, *names)], folder, as_json)
    elif len(names) == 1:
        _try_channel(names[0], folder, as_json)
    else:
        raise UsageError("takes one CHANNEL, or --scenario FILE")


def _try_channel(channel: str, folder: Path, as_json: bool) -> None:
    watch = load_watch(folder)
    tables = {table.id: table for table in watch.config.channels}
    if channel not in tables:
        raise UsageError(f"there is no channel '{channel}'{did_you_mean(channel, tables)}")
    from jobs.trial import is_switched_off, send_trial

    send_trial(tables[channel], utc_now(), watch.config.watch.link, folder=folder)
    if is_switched_off(watch, channel):
        note(f"tocsin: {channel} is switched off; `tocsin alerts enable {channel}` switches it on")
    if as_json:
        print_json({"schema_version": 1, "channel": channel, "delivered": True})
    else:
        say(f"{channel}: ok, the message was taken")


def _run_scenarios(paths: list[Path], folder: Path, as_json: bool) -> None:
    from jobs.scenario import run_file

    def watch() -> Config:
        return load_watch(folder).config

    found = {path: run_file(path, watch) for path in paths}
    outcomes = [outcome for of_file in found.values() for outcome in of_file]
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    if as_json:
        files = [_file_as_json(path, of_file) for path, of_file in found.items()]
        print_json({"schema_version": 1, "passed": not failed, "files": files})
    else:
        for path, of_file in found.items():
            say(str(path))
            for outcome in of_file:
                _say_outcome(outcome)
        say(f"{len(outcomes) - failed} passed, {failed} failed")
    if failed:
        click.get_current_context().exit(1)


def _say_outcome(outcome: "Outcome") -> None:
    say(f"  {'FAILED' if outcome.failures else 'ok'}  {outcome.name}")
    for failure in outcome.failures:
        say(f"    {format_instant(failure.at)}  {failure.what}")
        for mark, lines in _marked(failure):
            say(f"      {mark} {lines}")


def _marked(failure: "Failure") -> list[tuple[str, str]]:
    expected = [("-", words) for words in failure.expected or ("nothing",)]
    return [*expected, *(("+", words) for words in failure.found or ("nothing",))]


def _file_as_json(path: Path, outcomes: "list[Outcome]") -> dict[str, Any]:
    return {
        "file": str(path),
        "tests": [
            {
                "name": outcome.name,
                "passed": not outcome.failures,
                "failures": [_failure_as_json(failure) for failure in outcome.failures],
            }
            for outcome in outcomes
        ],
    }


def _failure_as_json(failure: "Failure") -> dict[str, Any]:
    return {
        "at": format_instant(failure.at),
        "what": failure.what,
        "expected": list(failure.expected),
        "found": list(failure.found),
    }
