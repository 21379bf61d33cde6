"""`tocsin ingest`: take in files of facts; good rows are kept, bad ones named and kept aside."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import utc_now
from forecast.errors import InputError
from jobs.cli.options import common, note, plain, print_json, say

if TYPE_CHECKING:
    from forecast.intake.ingest import IngestResult, Progress
    from forecast.intake.vocabulary import Vocabulary

SHOWN = 10  # bad rows, and unknown names, on stderr; `tocsin quarantine` lists all bad rows


@click.command("ingest")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--kind",
    type=click.Choice(["reports", "events", "questions", "crowd", "resolutions", "exposure"]),
    help="What the rows are; told from the columns where not given.",
)
@common
def command(files: tuple[str, ...], kind: str | None, folder: Path, as_json: bool) -> None:
    """Take in reports, events, questions, resolutions, forecasts of others or exposure.

    CSV or JSONL, gzip or not; - is standard input. The same file twice adds nothing. Rows that
    cannot be read are listed with their line and kept aside, and the exit code is 1; the others
    are kept. Units and tags that watch.toml does not know are kept, and named.
    """
    from forecast.intake.ingest import ingest_file
    from forecast.intake.vocabulary import Vocabulary
    from jobs.app import open_app

    results: list[tuple[str, IngestResult]] = []
    with open_app(folder) as app:
        vocabulary = Vocabulary.of(app.config)
        for file in files:
            with _progress(file) as advance:
                result = ingest_file(
                    app.store, file, kind, utc_now(), progress=advance, vocabulary=vocabulary
                )
            results.append((file, result))
            if not as_json:
                _say(file, result)
                _say_strange(file, result, vocabulary)
                _say_unclear(file, result)
    if as_json:
        print_json({"schema_version": 1, "files": [_as_json(f, r) for f, r in results]})
    broken = next(((f, r.broken) for f, r in results if r.broken), None)
    if broken:
        raise InputError(f"{broken[1]}; what came before it was kept", at=broken[0])
    if any(result.bad_count for _, result in results):
        raise click.exceptions.Exit(1)


def _say(file: str, result: "IngestResult") -> None:
    added = result.added
    say(
        f"{file}: {added.new} new {result.kind}, {added.same} known, {added.corrected} corrected"
        + (f", {result.resolutions.new} outcomes" if result.resolutions.new else "")
        + (f", {result.bad_count} bad rows kept aside" if result.bad_count else "")
    )
    for row in result.bad[:SHOWN]:
        note(f"tocsin: {row.file}:{row.line}: {row.reason}")
    if result.bad_count > SHOWN:
        more = result.bad_count - SHOWN
        note(f"tocsin: {file}: and {more} more bad rows; `tocsin quarantine` lists them")
    if result.ignored_columns:
        note(f"tocsin: {file}: columns not used: {', '.join(result.ignored_columns)}")


def _say_strange(file: str, result: "IngestResult", vocabulary: "Vocabulary") -> None:
    """Name what watch.toml does not know: most often it is misspelt."""
    for (what, name), count in result.strange.most_common(SHOWN):
        guess = vocabulary.guess(what, name)
        note(f"tocsin: {file}: {what} '{name}' is not in watch.toml ({count} of the rows){guess}")
    if len(result.strange) > SHOWN:
        note(f"tocsin: {file}: and {len(result.strange) - SHOWN} more unknown names")


def _say_unclear(file: str, result: "IngestResult") -> None:
    """Name the questions that cannot be checked: two readers may see them end differently."""
    for name, lack in result.unclear[:SHOWN]:
        note(f"tocsin: {file}: question '{name}': its criteria {lack}")
    if len(result.unclear) > SHOWN:
        note(f"tocsin: {file}: and {len(result.unclear) - SHOWN} more that cannot be checked")


def _as_json(file: str, result: "IngestResult") -> dict[str, Any]:
    added = result.added
    return {
        "file": file,
        "kind": result.kind,
        "new": added.new,
        "same": added.same,
        "corrected": added.corrected,
        "bad": result.bad_count,
        "bad_rows": [{"line": row.line, "reason": row.reason} for row in result.bad],
        "ignored_columns": list(result.ignored_columns),
        "unknown": [
            {"what": what, "name": name, "rows": count}
            for (what, name), count in result.strange.most_common()
        ],
        "unclear": [{"question_id": name, "criteria": lack} for name, lack in result.unclear],
        "broken": result.broken,
    }


@contextmanager
def _progress(file: str) -> "Iterator[Progress | None]":
    """A progress bar on stderr for files that take long, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TextColumn

    words = TextColumn("{task.description}", markup=False)
    columns = (words, *Bar.get_default_columns()[1:])
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"reading {plain(file)}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
