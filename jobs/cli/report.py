"""`tocsin report`: what is likely, since when, and why; on the terminal, as JSON or as HTML."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.clock import utc_now
from forecast.errors import OutsideError
from jobs.cli.options import Instant, common, note, print_json, stdout_console

if TYPE_CHECKING:
    from forecast.reports.view import QuestionReport
    from forecast.reports.watch import WatchReport


@click.command("report")
@click.argument("question_id", required=False, metavar="[QUESTION]")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page.")
@click.option("--as-of", type=Instant(), help="The report as it stood at this moment.")
@common
def command(
    question_id: str | None, html: Path | None, as_of: datetime | None, folder: Path, as_json: bool
) -> None:
    """Show one question in full, or all of them, what needs attention first."""
    from jobs.app import open_app
    from jobs.reporting import question_report, watch_report

    now = as_of or utc_now()
    with open_app(folder) as app:
        if question_id is None:
            _watch(watch_report(app, now), html, as_json)
        else:
            _question(question_report(app, app.store.question(question_id), now), html, as_json)


def _question(report: "QuestionReport", html: Path | None, as_json: bool) -> None:
    if html is not None:
        from forecast.reports.html import question_html

        write_page(html, question_html(report))
    if as_json:
        from forecast.reports.as_json import question_json

        print_json(question_json(report))
    elif html is None:
        from forecast.reports.terminal import print_question

        print_question(report, stdout_console())


def _watch(report: "WatchReport", html: Path | None, as_json: bool) -> None:
    if html is not None:
        from forecast.reports.html import watch_html

        write_page(html, watch_html(report))
    if as_json:
        from forecast.reports.as_json import watch_json

        print_json(watch_json(report))
    elif html is None:
        from forecast.reports.terminal import print_watch

        print_watch(report, stdout_console())


def write_page(path: Path, page: str, *, say: bool = True) -> None:
    """Write one page, and say where."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutsideError(f"cannot be written: {error.strerror}", at=str(path)) from None
    if say:
        note(f"tocsin: wrote {path}")
