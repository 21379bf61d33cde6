"""`tocsin demo`: the whole job on the flagship's real reports, in about a minute."""

import math
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from forecast.clock import days_between
from forecast.errors import UsageError
from forecast.likelihood import percent
from forecast.scoring.proper import brier, log_loss
from jobs.cli.options import cell, note, plain, print_json, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from forecast.estimate import Estimate
    from forecast.reports.track_record import Course
    from jobs.demo import Ring, Story

EXAMPLE = "venezuela-2025"
FLAGSHIP = "uv-any-strike-1225"


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/demo"),
    show_default=True,
    help="The watch folder to make; an earlier demo there is replaced.",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes for inference.")
@click.option("--quiet", is_flag=True, help="Only the summary, not each message.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document.")
def command(out: Path, workers: int | None, quiet: bool, as_json: bool) -> None:
    """Replay the flagship watch day by day: ingest, update, ring, report.

    Takes the reports on US strikes on Venezuelan territory from July 2025 to 5 January 2026,
    with a receiver on this machine that checks every signature and prints the Slack messages.
    """
    from rich.console import Console

    from jobs.demo import fresh_folder, ingest, replay
    from jobs.examples import example_folder

    if out.is_symlink():
        raise UsageError("is a symbolic link: name the folder itself", at=str(out))
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    fresh_folder(example_folder(EXAMPLE), out)
    facts = ingest(out)
    counted = ", ".join(f"{n} {kind}" for kind, n in facts.items())
    note(f"Took in {counted} into {out}. Replaying day by day:")
    with _Progress(console, quiet) as progress:
        story = replay(out, progress.on_slot, progress.on_message, workers)
    pages = write_pages(out)
    if as_json:
        print_json(_as_json(story, pages))
    else:
        tell(story, pages)


def write_pages(folder: Path) -> Path:
    """The HTML reports of all questions and their index; the flagship's path."""
    from forecast.reports.html import question_html, watch_html
    from jobs.cli.report import write_page
    from jobs.demo import END, demo_app
    from jobs.reporting import question_report, watch_report

    reports = folder / "reports"
    with demo_app(folder) as app:
        for question in app.store.questions():
            page = question_html(question_report(app, question, END))
            write_page(reports / page_name(question.question_id), page, say=False)
        # the name is quoted once more: a browser takes the address as quoted
        index = watch_html(watch_report(app, END), link=lambda name: quote(page_name(name)))
        write_page(reports / "index.html", index, say=False)
    return reports / page_name(FLAGSHIP)


def page_name(question_id: str) -> str:
    """A file name for a question's page: another for each, short, and never a path.

    >>> page_name("uv-any-strike-1225"), page_name("../x")
    ('uv-any-strike-1225.html', '..%2Fx.html')
    """
    name = quote(question_id, safe="")
    if len(name) > 200 or name.lower() == "index":  # file systems take 255; the index has its own
        name = f"{name[:180]}-{sha256(question_id.encode()).hexdigest()[:16]}"
    return f"{name}.html"


class _Progress:
    """A bar on stderr, with the messages above it as they arrive."""

    def __init__(self, console: "Console", quiet: bool) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console, self._quiet = console, quiet
        self._slot = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} days"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bar.add_task("starting the models", total=None)

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def on_slot(self, slot: datetime, place: int, of: int) -> None:
        """One more day."""
        self._slot = f"{slot:%d %b %Y}"
        self._bar.update(self._task, description=self._slot, completed=place, total=of)

    def on_message(self, kind: str, text: str) -> None:
        """A message that the receiver accepted."""
        if kind == "slack" and not self._quiet:
            self._console.print(f"\nSlack, {self._slot}", style="bold")
            self._console.print("\n".join(map(plain, text.splitlines())))


def tell(story: "Story", pages: Path) -> None:
    """The summary of a replay, on stdout."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    console.print(_answers(story), _rings(story), sep="\n")
    console.print(_scores(story))
    console.print(
        f"{story.slots} days, {story.estimates} estimates ({story.held} held), "
        f"{story.slack} Slack messages and {story.webhooks} signed webhooks received"
        + (f", {len(story.refused)} refused: {plain(story.refused[0])}" if story.refused else ""),
        "The timeline was compiled with hindsight (README.md in the folder): this shows that "
        "the machine works, not how well it would have forecast.",
        sep="\n",
    )
    # not through the console, which would break a path in two
    click.echo()
    say(f"Report:         {pages}")
    say(f"All questions:  {pages.parent / 'index.html'}")


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> "Table":
    """Fits 80 columns with ids of 29 letters; a longer id is folded, never cut."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(
        title=title,
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        title_justify="left",
        title_style="bold",
    )
    table.add_column(columns[0], overflow="fold")
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(cell, row))
    return table


def _answers(story: "Story") -> "Table":
    columns = ("question", "highest", "last", "others (ours)", "outcome")
    return _table("Answers", columns, [_answer(line) for line in story.lines if line.history])


def _answer(line: "Course[Estimate]") -> tuple[str, ...]:
    highest = max(line.history, key=lambda e: e.probability)
    end = line.resolution
    return (
        line.question.question_id,
        f"{percent(highest.probability)}, {_day(highest.as_of)}",
        percent(line.history[-1].probability),
        _others(line),
        f"{end.outcome.value}, {_day(end.known_at)}" if end else "open",
    )


def _others(line: "Course[Estimate]") -> str:
    """The last number of others, and ours of the same moment."""
    if not line.crowd:
        return ""
    last = line.crowd[-1]
    ours = line.at(last.at)
    return f"{percent(last.probability)} ({percent(ours.probability) if ours else '-'})"


def _rings(story: "Story") -> "Table":
    columns = ("question", "rang", "at", "cleared", "lead time")
    return _table("Alerts", columns, [_ring(ring) for ring in story.rings])


def _ring(ring: "Ring") -> tuple[str, ...]:
    return (
        ring.question.question_id,
        _day(ring.rang_at),
        percent(ring.probability),
        _day(ring.cleared_at) if ring.cleared_at else "still on",
        _lead(ring),
    )


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"


def _lead(ring: "Ring") -> str:
    if ring.event is None or ring.lead_days is None:
        return "no event"
    if ring.lead_days < 0:
        return f"{-ring.lead_days:.0f} days late"
    lead = f"{ring.lead_days:.0f} days"
    if ring.cleared_at is None or ring.cleared_at >= ring.event.occurred_at:
        return lead
    return f"{lead}, last {days_between(ring.cleared_at, ring.event.occurred_at):.0f} quiet"


def _scores(story: "Story") -> str:
    from forecast.reports.track_record import track_record

    found = track_record(story.lines)
    words = (
        f"Scores so far: {found.n} questions ended, Brier {found.brier:.3f}, "
        f"log loss {found.log_loss:.3f}"
    )
    if found.moments:
        words += (
            f"; at the {found.moments} moments when others gave a number beforehand: "
            f"Brier {found.ours:.3f}, theirs {found.theirs:.3f}"
        )
    return words + ". Too few, and too alike, to tell skill from luck."


def _as_json(story: "Story", pages: Path) -> dict[str, object]:
    from forecast.reports.track_record import track_record

    found = track_record(story.lines)
    return {
        "schema_version": 1,
        "slots": story.slots,
        "estimates": story.estimates,
        "held": story.held,
        "messages": {
            "slack": story.slack,
            "webhook": story.webhooks,
            "refused": len(story.refused),
        },
        "questions": [_line_json(line) for line in story.lines],
        "alerts": [
            {
                "question": ring.question.question_id,
                "rule": ring.rule_id,
                "rang_at": ring.rang_at.isoformat(),
                "probability": ring.probability,
                "cleared_at": ring.cleared_at.isoformat() if ring.cleared_at else None,
                "lead_days": ring.lead_days,
            }
            for ring in story.rings
        ],
        "scores": {"n": found.n, "brier": found.brier, "log_loss": found.log_loss},
        "report": str(pages),
    }


def _line_json(line: "Course[Estimate]") -> dict[str, object]:
    scores = {"brier": line.score(brier), "log_loss": line.score(log_loss)}
    return {
        "question": line.question.question_id,
        "outcome": line.resolution.outcome.value if line.resolution else None,
        "probabilities": {e.as_of.date().isoformat(): e.probability for e in line.history},
        "scores": {name: None if math.isnan(v) else v for name, v in scores.items()},
    }
