"""`tocsin backtest`: what would have been forecast, and how good it would have been."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import utc_now
from forecast.errors import OutsideError, UsageError
from jobs.cli.options import Instant, common, note, print_json, say, stdout_console

if TYPE_CHECKING:
    from forecast.backtest import Backtest
    from forecast.store.backtests import StoredBacktest
    from jobs.backtest.asked import Asked
    from jobs.backtest.home import Home
    from jobs.backtest.run import Result
    from jobs.backtest.source import Source
    from jobs.executor import Executor

LEAK_EXIT, CHECK_EXIT = 3, 1
MOST_LINES = 20  # of progress, where there is no terminal
FILE = click.Path(path_type=Path, dir_okay=False)

type Command = Callable[..., Any]


def _flags(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options at once, in their order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


facts_flags = _flags(
    click.option("--events", type=FILE, metavar="FILE", help="unit, occurred_at, kind."),
    click.option("--indicators", type=FILE, metavar="FILE", help="unit, tag, observed_at, value."),
    click.option("--exposure", type=FILE, metavar="FILE", help="unit, from, to: when at risk."),
)
task_flags = _flags(
    click.option("--task", "names", multiple=True, metavar="NAME", help="Only this; repeatable."),
    click.option("--definition", metavar="KIND", help="The kind of event."),
    click.option("--horizon", metavar="LENGTH", help='How far ahead: "30 days".'),
    click.option("--every", metavar="LENGTH", help="From origin to origin: MS (months), 6h, 7D."),
    click.option("--score-start", type=Instant(), help="The first origin."),
    click.option("--score-end", metavar="TIME", help="The last origin."),
    click.option("--data-end", metavar="TIME", help="Until when the facts are complete."),
    click.option("--train-start", type=Instant(), help="The first window to learn from."),
    click.option("--quiet-days", type=float, help="Not at risk for so long after an event."),
    click.option("--units", type=click.Choice(["seen", "all"]), help="At risk once seen, or all."),
    click.option("--until-event", is_flag=True, help="At risk until the first event only."),
    click.option("--refit", type=click.Choice(["yearly", "quarterly", "monthly", "never"])),
)
_how = _flags(
    click.option("--model", type=click.Choice(["pool", "panel"]), help="What is walked forward."),
    click.option("--settings", type=FILE, metavar="FILE", help="Of `tocsin models fit --write`."),
    click.option("--seed", type=click.IntRange(0), default=1, show_default=True),
    click.option("--fresh", is_flag=True, help="Do not go on where a run was broken off."),
    click.option("--no-leak-check", is_flag=True, help="Do not look for leaks."),
    click.option("--workers", type=click.IntRange(1), help="Processes; as many as processors."),
    click.option("--executor", type=click.Choice(["local", "dask"]), help="Where to compute."),
    click.option("--scheduler", metavar="ADDRESS", help="Of Dask: tcp://HOST:PORT."),
)
_kept = _flags(
    click.option("--list", "listed", is_flag=True, help="List the runs that are kept."),
    click.option("--show", metavar="RUN", help='Show a run that is kept, or the "last".'),
    click.option("--forget", metavar="RUN", help="Let a run go that is kept."),
    click.option("--baseline", metavar="RUN", help='Compare with a run, or with the "last".'),
    click.option("--check", is_flag=True, help="Exit 1 where it is surely worse than that."),
)
_out = _flags(
    click.option("--html", type=FILE, metavar="FILE", help="Write a page."),
    click.option("--markdown", type=FILE, metavar="FILE", help="Write Markdown."),
    click.option("--csv", type=FILE, metavar="FILE", help="Write every forecast."),
)


@click.command("backtest")
@click.argument("place", metavar="[FOLDER]", type=click.Path(path_type=Path), required=False)
@facts_flags
@task_flags
@_how
@_kept
@_out
@common
def command(
    place: Path | None,
    folder: Path,
    listed: bool,
    show: str | None,
    forget: str | None,
    baseline: str | None,
    check: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Forecast the past again and again as it was known then, and score what came of it.

    FOLDER holds tasks.json or backtest.toml, events.csv and indicators.csv (or reports.csv),
    gzipped or not; flags say what the file of tasks does not, or otherwise. Without it, and in a
    watch: the class of units of --definition, or else every question that has ended, as its own
    family would have forecast it. Results are kept in the store of the watch, or in
    tocsin-backtests.db of the current folder.
    """
    from jobs.backtest.home import Home

    if check and not baseline:
        raise UsageError("--check compares with a --baseline: name a run, or 'last'")
    _check_folders(flags)
    with Home(folder) as home:
        if forget:
            home.store.backtests.forget(forget)
            note(f"tocsin: {forget} is no longer kept in {home.store.name}")
        if listed or forget:
            _list(home.store.backtests.results(), as_json)
            return
        results = [_stored(home, show, baseline)] if show else _run(home, place, baseline, flags)
    _write(results, flags)
    _show(results, as_json)
    _leave(results, check)


def _run(
    home: "Home", place: Path | None, baseline: str | None, flags: dict[str, Any]
) -> "list[Result]":
    """What is asked for: a folder's tasks, a class of the watch, or the watch's questions."""
    from jobs.backtest.asked import Asked

    asked = Asked(
        made_at=utc_now(),
        seed=flags["seed"],
        check_leaks=not flags["no_leak_check"],
        store=home.store,
        fresh=flags["fresh"],
        rule=home.publish_rule,
    )
    if place is None and flags["events"] is None and home.watch and not flags["definition"]:
        return [_questions(home, asked, baseline, flags)]
    source = _source(home, asked, place, flags)
    if flags["settings"]:
        from forecast.panel_table import read_panel_table

        source = source.with_settings(read_panel_table(flags["settings"]))
    return _panels(home, source, asked, baseline, flags)


def _panels(
    home: "Home", source: "Source", asked: "Asked", baseline: str | None, flags: dict[str, Any]
) -> "list[Result]":
    """Every task, one after the other on the same workers."""
    earlier = {task.name: _earlier(home, baseline, task.name) for task in source.tasks}
    note(f"tocsin: results are kept in {home.store.name}")
    executor = _executor(home, source.packed, _panel_code, flags)
    results = []
    try:
        from jobs.backtest.run import backtest  # not before what may be wrong was looked at

        for task in source.tasks:
            told, before = source.findings, earlier[task.name]
            with _progress(task.name) as progress:
                results.append(
                    backtest(task, source.packed, executor, asked, progress, told, before)
                )
    finally:
        executor.close()
    return results


def _panel_code() -> str:
    from jobs.backtest.run import code_digest

    return code_digest()


def _earlier(home: "Home", baseline: str | None, task: str) -> "StoredBacktest | None":
    found = home.earlier(baseline, task)
    if baseline and found is None:
        note(f"tocsin: {task}: there is no earlier run to compare with")
    return found


def _questions(
    home: "Home", asked: "Asked", baseline: str | None, flags: dict[str, Any]
) -> "Result":
    from jobs.backtest.questions import EVERY, NAME, plan
    from jobs.backtest.replay import pack_desk
    from jobs.backtest.run import backtest_questions, question_code

    app = home.app()
    every = flags["every"] or EVERY
    walk = plan(app, flags["names"], every, asked.made_at, asked.check_leaks)
    packed, earlier = pack_desk(app), _earlier(home, baseline, NAME)
    note(f"tocsin: results are kept in {home.store.name}")
    executor = _executor(home, packed, question_code, flags)
    try:
        with _progress(NAME) as progress:
            return backtest_questions(walk, packed, executor, asked, progress, earlier)
    finally:
        executor.close()


def _source(home: "Home", asked: "Asked", place: Path | None, flags: dict[str, Any]) -> "Source":
    said = flags | {"at_risk": "until-event" if flags["until_event"] else None}
    if place is None and flags["events"] is None and home.watch:
        from jobs.backtest.desk import from_watch

        return from_watch(home.app(), flags["definition"], said, asked.made_at)
    from jobs.backtest.source import Files, from_files

    files = Files(*(flags[name] for name in ("events", "indicators", "exposure")))
    return from_files(place, flags["names"], files, said)


def _executor(
    home: "Home", packed: bytes, version: Callable[[], str], flags: dict[str, Any]
) -> "Executor":
    """As the flags say, else as the watch says."""
    from jobs.executor import Cluster, local_executor

    kind = flags["executor"] or ("dask" if flags["scheduler"] else home.compute.executor)
    if kind == "local":
        return local_executor(packed, flags["workers"])
    address = flags["scheduler"] or home.compute.scheduler
    if not address:
        raise UsageError("--executor dask needs --scheduler tcp://HOST:PORT")
    return Cluster(packed, address, version)


def _stored(home: "Home", run_id: str, baseline: str | None) -> "Result":
    from jobs.backtest.compare import compared
    from jobs.backtest.packing import unpack_forecasts

    found = home.kept(run_id)
    rows = unpack_forecasts(found.forecasts, found.result.run_id)
    earlier = home.earlier(baseline, found.result.task.name)
    result = compared(found.result, rows, earlier) if earlier else found.result
    return result, rows


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A line on stderr with the blocks that are done; without a terminal, some plain lines."""
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
        yield lambda done, total: _plain_progress(name, done, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=console) as progress:
        bar = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _plain_progress(name: str, done: int, total: int) -> None:
    every = max(1, total // MOST_LINES)
    if done % every == 0 or done == total:
        note(f"tocsin: {name}: {done} of {total} blocks")


def _show(results: Sequence["Result"], as_json: bool) -> None:
    from forecast.reports.backtest.as_json import SCHEMA_VERSION, backtest_json

    if as_json:
        bodies = [backtest_json(one) for one, _ in results]
        whole = {"schema_version": SCHEMA_VERSION, "tasks": bodies}
        print_json(bodies[0] if len(bodies) == 1 else whole)
        return
    from forecast.reports.backtest.terminal import print_backtests

    print_backtests(results, stdout_console())


def _list(results: Sequence["Backtest"], as_json: bool) -> None:
    """The runs that are kept, the newest first."""
    from forecast.reports.backtest.as_json import SCHEMA_VERSION, backtest_json

    if as_json:
        runs = [backtest_json(replace(result, by_period={}, fits=())) for result in results]
        print_json({"schema_version": SCHEMA_VERSION, "runs": runs})
        return
    width = max([len(result.run_id) for result in results], default=3)
    say(f"{'run':{width}}  forecasts  events    Brier  log loss  leaks  published")
    for one in results:
        check, found = one.leak_check, one.scores
        leaks = "" if check is None else "none" if check.passed else "LEAKS"
        figures = f"{found.n:>9,}  {found.events:>6,}  {found.brier:.5f}  {found.log_loss:8.4f}"
        say(f"{one.run_id:{width}}  {figures}  {leaks:5}  {one.published}")


def _check_folders(flags: dict[str, Any]) -> None:
    """Before the walk and not after it: UsageError where what is to be written has no folder."""
    for name in ("html", "markdown", "csv"):
        path = flags[name]
        if path and not path.parent.is_dir():
            raise UsageError("there is no such folder", at=str(path.parent))


def _write(results: Sequence["Result"], flags: dict[str, Any]) -> None:
    if flags["html"]:
        from forecast.reports.backtest.html import backtest_html

        _save(flags["html"], backtest_html(results))
    if flags["markdown"]:
        from forecast.reports.backtest.markdown import backtest_markdown

        _save(flags["markdown"], backtest_markdown(results))
    if flags["csv"]:
        import io

        from forecast.reports.backtest.as_csv import write_forecasts

        text = io.StringIO(newline="")
        write_forecasts(results, text)
        _save(flags["csv"], text.getvalue())


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(path)) from None
    note(f"tocsin: wrote {path}")


def _leave(results: Sequence["Result"], check: bool) -> None:
    """With the exit code of a leak, or of a result that is surely worse."""
    from jobs.backtest.compare import is_worse

    context = click.get_current_context()
    leaks = [one for one, _ in results if one.leak_check and not one.leak_check.passed]
    if leaks:
        note(f"tocsin: {leaks[0].task.name}: what was known only later changed forecasts")
        context.exit(LEAK_EXIT)
    worse = [one for one, _ in results if is_worse(one)]
    if check and worse:
        note(f"tocsin: {worse[0].task.name}: surely worse than its baseline")
        context.exit(CHECK_EXIT)
