"""The command line: `tocsin COMMAND`.

A command's module is imported when it is called, so that `--help` is instant; what infers is
imported by the commands that infer. The answer goes to stdout, everything else to stderr.
"""

import gc
import json
import os
import sys
import traceback
from typing import Any

import click

from forecast.errors import TocsinError
from jobs.cli.lazy import LazyGroup
from jobs.cli.options import note

COMMANDS = {
    "demo": "Replay the flagship watch from end to end, on real reports.",
    "init": "Make a new watch folder that runs as it is.",
    "ingest": "Take in reports, events, questions or forecasts of others.",
    "questions": "Where questions stand; open one, and say how one ended.",
    "sources": "Where sources stand; pull one now, or see what it would bring.",
    "tag": "Find what an article states by the rule packs; ask before it is written.",
    "inbox": "What the tagger found: confirm, edit or reject it.",
    "quarantine": "List the rows that could not be taken in, and why.",
    "incidents": "Show which reports are taken for one thing, and why; join or split them.",
    "update": "Estimate the open questions now, or as of a moment.",
    "report": "Show what is likely, since when, and why.",
    "explain": "Show what an estimate rests on, and what would change it.",
    "what-if": "Show the number with and without what is imagined; nothing is written.",
    "coupling": "Judge whether two streams of reports move together, or by chance.",
    "priors": "Show and retune what is believed before the evidence.",
    "models": "Show and certify the families of models; pick the settings of a panel.",
    "backtest": "Forecast the past again as it was known then, and score the record.",
    "alerts": "Subscribe, silence, acknowledge, preview and replay alerts.",
    "schedules": "What comes when; pause a schedule, let it go on, run it now.",
    "digests": "Reports that go out on a schedule: list, preview, send.",
    "runs": "The latest runs of the schedules, and how each went.",
    "serve": "Run the schedules and send the alerts until stopped.",
    "worker": "Do parts of the runs of services on one PostgreSQL.",
    "tokens": "Say who may use the API, and for how long.",
    "audit": "Verify that nothing that was believed or said was touched afterwards.",
    "doctor": "Check the set-up, and say how to mend it.",
    "backup": "Write the store to one verified file, while everything runs.",
    "retention": "Count what of the past would be let go, or let it go.",
    "restore": "Put a backup in the place of the store.",
}


@click.group(
    cls=LazyGroup,
    package="jobs.cli",
    does=COMMANDS,
    modules={"what-if": "what_if"},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="tocsin", prog_name="tocsin")
def tocsin() -> None:
    """How likely is this event before that date? And tell me when it changes.

    Every command takes --watch DIR (or TOCSIN_WATCH, or the current folder) and --json.

    Exit codes: 0 done, 1 a check found something, 2 usage or configuration, 3 held by a gate,
    4 another system is down.
    """


def main() -> None:
    """The console script: run a command; a failure is one line and an exit code."""
    # imports make much and free nothing: collecting as often as usual costs a tenth of the start
    gc.set_threshold(50_000, 20, 50)
    try:
        status = tocsin.main(standalone_mode=False)
    except click.exceptions.Abort:
        status = _fail("interrupted", "stopped", None, 130)
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.ClickException as error:
        status = _fail("usage", _usage_words(error), None, 2)
    except TocsinError as error:
        status = _fail(error.code, error.message, error.at, error.exit_code)
    except KeyboardInterrupt:
        status = _fail("interrupted", "stopped", None, 130)
    except BrokenPipeError:
        # the reader of our output has left: nothing to say, and nowhere to say it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:  # noqa: BLE001 - the last line of defence
        if os.environ.get("TOCSIN_DEBUG"):
            traceback.print_exc()
        words = " ".join(f"{type(error).__name__}: {error}".split())
        status = _fail(
            "internal", f"{words} (a defect of ours; TOCSIN_DEBUG=1 shows where)", None, 1
        )
    sys.exit(status if isinstance(status, int) else 0)


def _usage_words(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context else ""
    return error.format_message().rstrip(".") + hint


def _fail(code: str, message: str, at: str | None, status: int) -> int:
    if "--json" in sys.argv[1:]:
        body: dict[str, Any] = {"error": {"code": code, "message": message, "at": at}}
        click.echo(json.dumps(body), err=True)
    else:
        note(f"tocsin: {at}: {message}" if at else f"tocsin: {message}")
    return status
