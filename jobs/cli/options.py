"""Options that every command takes, and how every command says its answer."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import parse_instant

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


class Instant(click.ParamType[datetime]):
    """ISO 8601: a bare date is its first moment in UTC."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Parse, or refuse in one line."""
        if isinstance(value, datetime):
            return value
        try:
            return parse_instant(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


watch_option = click.option(
    "--watch",
    "folder",
    envvar="TOCSIN_WATCH",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="The watch folder (TOCSIN_WATCH, or the current folder).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")


def common[F: Callable[..., Any]](command: F) -> F:
    """--watch and --json."""
    return watch_option(json_option(command))


def log_options[F: Callable[..., Any]](command: F) -> F:
    """--log-format and --log-level, for what runs for long."""
    form = click.option(
        "--log-format",
        type=click.Choice(["plain", "json"]),
        default="plain",
        show_default=True,
        envvar="TOCSIN_LOG_FORMAT",
        help="Lines for people or for programs (TOCSIN_LOG_FORMAT).",
    )
    level = click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        show_default=True,
        envvar="TOCSIN_LOG_LEVEL",
        help="The least that is logged (TOCSIN_LOG_LEVEL).",
    )
    return form(level(command))


def lease_option[F: Callable[..., Any]](what: str) -> Callable[[F], F]:
    """--lease: after how many seconds of silence `what` is taken over from its process."""
    return click.option(
        "--lease",
        type=click.FloatRange(min=1),
        default=900,
        show_default=True,
        envvar="TOCSIN_LEASE",
        metavar="SECONDS",
        help=f"{what} that is silent for longer is taken over (TOCSIN_LEASE).",
    )


def print_json(body: dict[str, Any]) -> None:
    """One document on stdout, in ASCII: what the facts hold must not command a terminal."""
    json.dump(body, sys.stdout, ensure_ascii=True, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def plain(words: str) -> str:
    r"""`words` on one line, spaced as they are, without what commands a terminal.

    >>> plain("  3 %  a\x1b[31mred\nline")
    '  3 %  a[31mred line'
    """
    from forecast.reports.phrases import clean

    return " ".join(clean(word) for word in words.split(" "))


def say(words: str) -> None:
    """One line of the answer, on stdout, whoever wrote what is in it."""
    click.echo(plain(words))


def note(words: str) -> None:
    """A remark on stderr, on one line: progress, a warning, what was written where."""
    click.echo(plain(words), err=True)


def cell(words: str) -> "Text":
    """What a table of Rich's shows as it is: no markup, no emoji, no commands."""
    from rich.text import Text

    return Text(plain(words))


def stdout_console() -> "Console":
    """A console on stdout, plain where that is no terminal."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)
