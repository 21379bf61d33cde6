"""`tocsin backtest`: what would have been forecast, and how good it would have been."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import utc_now
from forecast.errors import OutsideError
from jobs.cli.options import Instant, json_option, note, print_json, stdout_console

if TYPE_CHECKING:
    from jobs.backtest.run import Result

LEAK_EXIT, CHECK_EXIT = 3, 1
FILE = click.Path(path_type=Path, dir_okay=False)


def task_flags[F: Callable[..., Any]](command: F) -> F:
    """What a task asks, where its file says nothing or is to be overruled."""
    options = [
        click.option("--definition", metavar="KIND", help="The kind of event."),
        click.option("--horizon", metavar="LENGTH", help='How far ahead: "30 days".'),
        click.option("--every", metavar="LENGTH", help="Between origins: MS (months), 6h, 7D."),
        click.option("--score-start", type=Instant(), help="The first origin."),
        click.option("--score-end", metavar="TIME", help="The last origin."),
        click.option("--data-end", metavar="TIME", help="Until when the facts are complete."),
        click.option("--train-start", type=Instant(), help="The first window to learn from."),
        click.option("--quiet-days", type=float, help="Not at risk after an event."),
        click.option("--units", type=click.Choice(["seen", "all"]), help="Who is at risk."),
        click.option("--until-event", "at_risk", is_flag=True, help="Until the first event only."),
        click.option("--refit", type=click.Choice(["yearly", "quarterly", "monthly", "never"])),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def outputs[F: Callable[..., Any]](command: F) -> F:
    """Where the result goes."""
    options = [
        click.option("--html", "html", type=FILE, metavar="FILE", help="Write a page."),
        click.option("--markdown", type=FILE, metavar="FILE", help="Write Markdown."),
        click.option("--csv", "csv", type=FILE, metavar="FILE", help="Write every forecast."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command("backtest")
@click.argument("place", metavar="[FOLDER]", type=click.Path(path_type=Path), required=False)
@click.option("--task", "names", multiple=True, metavar="NAME", help="Only this task; repeatable.")
@click.option("--events", type=FILE, metavar="FILE", help="unit, occurred_at, kind.")
@click.option("--indicators", type=FILE, metavar="FILE", help="unit, tag, observed_at, value.")
@click.option("--exposure", type=FILE, metavar="FILE", help="unit, from, to: when at risk.")
@task_flags
@click.option("--workers", type=click.IntRange(1), help="Processes; as many as processors.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@click.option("--no-leak-check", is_flag=True, help="Do not look for leaks.")
@outputs
@json_option
def command(
    place: Path | None,
    names: tuple[str, ...],
    events: Path | None,
    indicators: Path | None,
    exposure: Path | None,
    workers: int | None,
    seed: int,
    no_leak_check: bool,
    html: Path | None,
    markdown: Path | None,
    csv: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Forecast the past again and again as it was known then, and score what came of it.

    FOLDER holds tasks.json or backtest.toml, events.csv and indicators.csv (or reports.csv),
    gzipped or not; flags say what the file of tasks does not, or otherwise.
    """
    from jobs.backtest.run import Asked, backtest
    from jobs.backtest.source import Files, from_files
    from jobs.executor import local_executor

    flags["at_risk"] = "until-event" if flags["at_risk"] else None
    source = from_files(place, names, Files(events, indicators, exposure), flags)
    asked = Asked(utc_now(), seed, not no_leak_check)
    executor = local_executor(source.packed, workers)
    results: list[Result] = []
    try:
        for task in source.tasks:
            with _progress(task.name) as progress:
                results.append(
                    backtest(task, source.packed, executor, asked, progress, source.findings)
                )
    finally:
        executor.close()
    _write(results, html, markdown, csv)
    _show(results, as_json)
    if any(one.leak_check and not one.leak_check.passed for one, _ in results):
        note(
            "tocsin: facts that were known later changed forecasts: these scores are not to be had"
        )
        click.get_current_context().exit(LEAK_EXIT)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A line on stderr with the blocks that are done; without a terminal, a few plain lines."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: note(f"tocsin: {name}: {done} of {total} blocks")
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _show(results: Sequence["Result"], as_json: bool) -> None:
    from forecast.reports.backtest.as_json import SCHEMA_VERSION, backtest_json

    if as_json:
        bodies = [backtest_json(one) for one, _ in results]
        whole = {"schema_version": SCHEMA_VERSION, "tasks": bodies}
        print_json(bodies[0] if len(bodies) == 1 else whole)
        return
    from forecast.reports.backtest.terminal import print_backtests

    print_backtests(results, stdout_console())


def _write(
    results: Sequence["Result"], html: Path | None, markdown: Path | None, csv: Path | None
) -> None:
    if html:
        from forecast.reports.backtest.html import backtest_html

        _save(html, backtest_html(results))
    if markdown:
        from forecast.reports.backtest.markdown import backtest_markdown

        _save(markdown, backtest_markdown(results))
    if csv:
        import io

        from forecast.reports.backtest.as_csv import write_forecasts

        text = io.StringIO(newline="")
        write_forecasts(results, text)
        _save(csv, text.getvalue())


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(path)) from None
    note(f"tocsin: wrote {path}")
