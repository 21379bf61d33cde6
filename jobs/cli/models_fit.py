"""`tocsin models fit`: which settings of a panel forecast best what they had not seen."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import utc_now
from forecast.errors import HeldError, OutsideError, UsageError
from jobs.cli.backtest import FILE, facts_flags, task_flags
from jobs.cli.options import Instant, cell, common, note, print_json, say, stdout_console

if TYPE_CHECKING:
    from jobs.backtest.source import Source
    from jobs.executor import Executor
    from jobs.model_fit import Choice

HELD_EXIT = 3
COLUMNS = ("candidate", "log loss", "gain over default", "s", "verdict")


@click.command("fit")
@click.argument("place", metavar="[FOLDER]", type=click.Path(path_type=Path), required=False)
@facts_flags
@task_flags
@click.option("--as-of", type=Instant(), help="See only what was known before this moment.")
@click.option("--blocks", type=click.IntRange(2), default=6, show_default=True, help="That decide.")
@click.option("--write", type=FILE, metavar="FILE", help="Write the settings that stand.")
@click.option("--workers", type=click.IntRange(1), help="Processes; as many as processors.")
@click.option("--scheduler", metavar="ADDRESS", help="Of Dask: tcp://HOST:PORT.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True)
@common
def fit(
    place: Path | None,
    folder: Path,
    as_of: datetime | None,
    blocks: int,
    write: Path | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Pick half-lives, own history, shrinkage and family of a panel by leave-future-out.

    Tasks and facts are those of tocsin backtest, or of the class of --definition in a watch.
    Candidates are fitted on the past of each block and scored on it. One is taken only where it
    is surely better, and stands only where it is better on the last stretch too, which no choice
    has seen. Exit code 3 where there are too few events to choose by.
    """
    from jobs.choice_report import settings_toml

    source = _source(place, folder, flags)
    if write and len(source.tasks) > 1:
        raise UsageError("--write holds the settings of one task: name it with --task")
    if write and not write.parent.is_dir():
        raise UsageError("there is no such folder", at=str(write.parent))
    executor = _executor(source, flags)
    try:
        choices, refused = _choices(source, executor, as_of, blocks, flags["seed"])
    finally:
        executor.close()
    if write:
        _save(write, settings_toml(choices[0]))
    _show(choices, source, as_json)
    if refused:
        click.get_current_context().exit(HELD_EXIT)


def _choices(
    source: "Source", executor: "Executor", as_of: datetime | None, blocks: int, seed: int
) -> "tuple[list[Choice], int]":
    """What was chosen for each task, and how many were refused; a lone refusal is the answer."""
    from jobs.backtest.origins import to_days
    from jobs.model_fit import choose_settings, plan_of

    until = to_days(as_of) if as_of else None
    found = []
    for task in source.tasks:
        try:
            plan = plan_of(task, blocks, until)
            found.append(choose_settings(plan, source.packed, executor, seed, _progress(task.name)))
        except HeldError as held:
            if len(source.tasks) == 1:
                raise
            note(f"tocsin: {held}")
    return found, len(source.tasks) - len(found)


def _progress(name: str) -> "Any":
    return lambda what, fits: note(f"tocsin: {name}: {what}, {fits} fits")


def _source(place: Path | None, folder: Path, flags: dict[str, Any]) -> "Source":
    """Of a folder of data; without one, the class of a definition of the watch."""
    said = flags | {"at_risk": "until-event" if flags["until_event"] else None}
    if place is None and flags["events"] is None:
        from jobs.app import open_app
        from jobs.backtest.desk import from_watch

        if not flags["definition"]:
            raise UsageError("which panel? Give a folder of data, or --definition of the watch")
        with open_app(folder) as app:
            return from_watch(app, flags["definition"], said, utc_now())
    from jobs.backtest.source import Files, from_files

    files = Files(*(flags[name] for name in ("events", "indicators", "exposure")))
    return from_files(place, flags["names"], files, said)


def _executor(source: "Source", flags: dict[str, Any]) -> "Executor":
    from jobs.backtest.run import code_digest
    from jobs.executor import Cluster, local_executor

    if flags["scheduler"]:
        return Cluster(source.packed, flags["scheduler"], code_digest)
    return local_executor(source.packed, flags["workers"])


def _show(choices: "list[Choice]", source: "Source", as_json: bool) -> None:
    from jobs.choice_report import SCHEMA_VERSION, choice_json, opening, sentences, trial_row

    if as_json:
        bodies = [choice_json(choice, source.findings) for choice in choices]
        whole = {"schema_version": SCHEMA_VERSION, "tasks": bodies}
        print_json(bodies[0] if len(source.tasks) == 1 else whole)
        return
    from rich.table import Table

    for finding in source.findings:
        note(f"tocsin: {finding}")
    for choice in choices:
        say(opening(choice))
        table = Table(box=None, padding=(0, 2, 0, 0))
        for place, column in enumerate(COLUMNS):
            table.add_column(column, justify="right" if 0 < place < 4 else "left")
        for trial in choice.found.trials:
            table.add_row(*map(cell, trial_row(trial)))
        stdout_console().print(table)
        for sentence in sentences(choice):
            say(sentence)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(path)) from None
    note(f"tocsin: wrote {path}")
