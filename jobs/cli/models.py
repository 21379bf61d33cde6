"""`tocsin models`: the families, what is known of their calibration, and how to find it out."""

from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import utc_now
from forecast.errors import UsageError
from forecast.processors import usable_processors
from jobs.cli.models_fit import fit
from jobs.cli.options import cell, json_option, note, print_json, say, stdout_console
from models.certify.certificate import (
    PASSED,
    Certificate,
    certificate_of,
    families,
    folder_of,
    module_of,
    standing,
    summary_of,
    with_worlds,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAILED_EXIT, CHECK_EXIT = 3, 1


@click.group("models", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """The families of models, and how each one's certificate of calibration stands.

    passed, failed, stale (the code has changed since), or none.
    """
    if context.invoked_subcommand:
        return
    rows = [_row(family) for family in families()]
    if as_json:
        print_json({"schema_version": 1, "models": rows})
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("family", "certificate", "worlds", "date", "what it is"):
        table.add_column(column)
    for row in rows:
        worlds = "" if row["replicates"] is None else str(row["replicates"])
        words = (row["family"], row["certificate"], worlds, row["date"] or "", row["summary"])
        table.add_row(*map(cell, words))
    stdout_console().print(table)


command.add_command(fit)


@command.command("show")
@click.argument("family")
@json_option
def show(family: str, as_json: bool) -> None:
    """What the certificate of FAMILY says, test by test."""
    module_of(family)
    found = certificate_of(family)
    if as_json:
        body = _row(family) | {"details": asdict(found) if found else None}
        print_json({"schema_version": 1, **body})
    elif found is None:
        say(f"{family}: {summary_of(family)}")
        say(f"It has no certificate; tocsin models certify {family} makes one.")
    else:
        say(f"{family}: {summary_of(family)}")
        _say_certificate(found, standing(family))


@command.command("certify")
@click.argument("names", metavar="[FAMILY]...", nargs=-1)
@click.option("--replicates", "count", type=click.IntRange(20), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=2026, show_default=True)
@click.option("--workers", type=click.IntRange(1), help="Processes; as many as processors.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write there.")
@click.option("--check", is_flag=True, help="Run nothing: is each certificate passed and fresh?")
@json_option
def certify(
    names: tuple[str, ...],
    count: int,
    seed: int,
    workers: int | None,
    out: Path | None,
    check: bool,
    as_json: bool,
) -> None:
    """Certify FAMILY, or all that have a world of their own.

    Is the truth of simulated worlds one more draw of its posterior? Writes FAMILY.json and
    FAMILY.svg beside the family's package (ours: docs/certificates), or into --out. Exit code
    3 where a family fails; with --check 1 where one does not stand.
    """
    chosen = names or with_worlds()
    for name in chosen:
        module_of(name)
    if len(set(chosen)) < len(chosen):
        raise UsageError("a family is named twice")
    if not chosen:
        raise UsageError("no world is registered for any family")
    if check:
        _check(chosen, as_json)
        return
    from models.certify.world import place_of_world

    for name in chosen:  # before the first of them has run for minutes
        place_of_world(name)
    made = [_certify(name, count, seed, workers, out or folder_of(name)) for name in chosen]
    if as_json:
        print_json({"schema_version": 1, "certificates": [asdict(each) for each in made]})
    else:
        for each in made:
            say(f"{each.family}:")
            _say_certificate(each, each.verdict)
    if any(each.verdict != PASSED for each in made):
        click.get_current_context().exit(FAILED_EXIT)


def _certify(family: str, count: int, seed: int, workers: int | None, folder: Path) -> Certificate:
    from models.certify.run import certify as run

    date = utc_now().date().isoformat()
    with _progress(family, count) as advance:
        processes = workers or usable_processors()
        certificate, picture = run(family, count, seed, date, processes, advance)
    note(f"tocsin: wrote {write(certificate, picture, folder)}")
    return certificate


@contextmanager
def _progress(family: str, count: int) -> "Iterator[Callable[[object], None]]":
    """A bar on stderr; what it yields is called once a world."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task(f"{family}, worlds", total=count)
        yield lambda _: progress.advance(bar)


def _check(names: tuple[str, ...], as_json: bool) -> None:
    rows = [_row(name) for name in names]
    if as_json:
        print_json({"schema_version": 1, "models": rows})
    else:
        for row in rows:
            say(f"{row['family']}: {row['certificate']}")
    if any(row["certificate"] != PASSED for row in rows):
        click.get_current_context().exit(CHECK_EXIT)


def _row(family: str) -> dict[str, Any]:
    stands = standing(family)
    found = certificate_of(family) if stands != "none" else None
    return {
        "family": family,
        "module": module_of(family),
        "summary": summary_of(family),
        "certificate": stands,
        "replicates": found and found.replicates,
        "kept": found and found.kept,
        "date": found and found.date,
    }


def _say_certificate(found: Certificate, stands: str) -> None:
    worlds = f"{found.kept} of {found.replicates} worlds ranked"
    say(f"  {stands}: {worlds}, {found.date}, seed {found.seed}")
    for finding in found.findings:
        say(f"  {finding}")
    for reason, count in found.dropped.items():
        say(f"  {count} dropped: {reason}")
    rungs = ", ".join(f"{rung} {count}" for rung, count in found.rungs.items())
    say(f"  updates answered by {rungs}")
    least = min(found.tests, key=lambda test: test.p_value, default=None)
    if least is not None:
        where = f" where {least.rung} answered" if least.rung else ""
        say(
            f"  {len(found.tests)} tests, least p = {least.p_value:.2g} "
            f"({least.quantity}{where}), limit {found.alpha / len(found.tests):.2g}"
        )
