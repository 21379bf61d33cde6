"""`tocsin report`: what is likely, since when, and why; on the terminal and in every format."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.clock import utc_now
from forecast.errors import OutsideError, UsageError
from jobs.cli.options import Instant, common, note, print_json, stdout_console

if TYPE_CHECKING:
    from forecast.question import Question
    from forecast.reports.view import QuestionReport
    from forecast.reports.watch import WatchReport
    from jobs.app import App


FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("report")
@click.argument("question_id", required=False, metavar="[QUESTION]")
@click.option("--html", type=FILE, help="Write a page.")
@click.option("--markdown", type=FILE, help="Write Markdown.")
@click.option("--csv", type=FILE, help="Write every estimate, or every question.")
@click.option("--beliefs", type=FILE, help="Write a question's prior against posterior, as CSV.")
@click.option("--badge", type=FILE, help="Write a question's badge, a small SVG to embed.")
@click.option(
    "--tree",
    type=click.Path(path_type=Path),
    help="Write a question's draws and estimates for ArviZ: a folder .zarr, or .zarr.zip.",
)
@click.option("--since", type=Instant(), help="What moved since this moment, not in a week.")
@click.option("--as-of", type=Instant(), help="The report as it stood at this moment.")
@common
def command(
    question_id: str | None,
    html: Path | None,
    markdown: Path | None,
    csv: Path | None,
    beliefs: Path | None,
    badge: Path | None,
    tree: Path | None,
    since: datetime | None,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Show one question in full, or all of them, what needs attention first."""
    from jobs.app import open_app
    from jobs.reporting import question_report, watch_report

    now = as_of or utc_now()
    if since is not None and since >= now:
        raise UsageError("is not before the moment of the report", at="--since")
    for option, path in (("--tree", tree), ("--badge", badge), ("--beliefs", beliefs)):
        if path is not None and question_id is None:
            raise UsageError("is of one question: name it", at=option)
    files = {"html": html, "markdown": markdown, "csv": csv}
    with open_app(folder) as app:
        if question_id is None:
            _watch(watch_report(app, now, since), files, as_json)
        else:
            question = app.store.question(question_id)
            if tree is not None:
                _tree(app, question, now, tree)
                files |= {"tree": tree}
            files |= {"badge": badge, "beliefs": beliefs}
            _question(question_report(app, question, now, since), files, as_json)


def _tree(app: "App", question: "Question", now: datetime, path: Path) -> None:
    from jobs.export import question_tree, write_tree

    write_tree(question_tree(app, question, now), path)
    note(f"tocsin: wrote {path}")


def _question(report: "QuestionReport", files: dict[str, Path | None], as_json: bool) -> None:
    if files["html"]:
        from forecast.reports.html import question_html

        write_page(files["html"], question_html(report))
    if files["markdown"]:
        from forecast.reports.markdown import question_markdown

        write_page(files["markdown"], question_markdown(report))
    if files["csv"]:
        from forecast.reports.as_csv import question_csv

        write_page(files["csv"], question_csv(report))
    if files["beliefs"]:
        from forecast.reports.as_csv import beliefs_csv

        write_page(files["beliefs"], beliefs_csv(report))
    if files["badge"]:
        from forecast.reports.badge import badge_of, badge_svg

        write_page(files["badge"], badge_svg(badge_of(report)))
    if as_json:
        from forecast.reports.as_json import question_json

        print_json(question_json(report))
    elif not any(files.values()):
        from forecast.reports.terminal import print_question

        print_question(report, stdout_console())


def _watch(report: "WatchReport", files: dict[str, Path | None], as_json: bool) -> None:
    if files["html"]:
        from forecast.reports.html import watch_html

        write_page(files["html"], watch_html(report))
    if files["markdown"]:
        from forecast.reports.markdown import watch_markdown

        write_page(files["markdown"], watch_markdown(report))
    if files["csv"]:
        from forecast.reports.as_csv import watch_csv

        write_page(files["csv"], watch_csv(report))
    if as_json:
        from forecast.reports.as_json import watch_json

        print_json(watch_json(report))
    elif not any(files.values()):
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
