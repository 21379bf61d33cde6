"""Reports for the terminal, on a Rich console that the caller brings.

The console decides on colour, width and NO_COLOR; every mark differs in shape as well.
Rich is imported inside the functions, so that importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from forecast.estimate import Estimate
from forecast.likelihood import percent
from forecast.reports.checks import checks_of, summary
from forecast.reports.console import print_line, print_paragraph, print_section
from forecast.reports.phrases import (
    clean,
    counted,
    day_words,
    instant_words,
)
from forecast.reports.sections import sections
from forecast.reports.sentence import opening
from forecast.reports.table import Section, Table
from forecast.reports.view import QuestionReport
from forecast.reports.watch import Attention, WatchReport
from forecast.reports.watch_table import shared_words, watch_cells

if TYPE_CHECKING:
    from rich.console import Console

_BLOCKS = "▁▂▃▄▅▆▇█"
_TOP = 6
_LONG = ("evidence", "incidents", "prior")


def print_question(report: QuestionReport, console: Console) -> None:
    """The report of one question, from the sentence down to the small print."""
    width = min(console.width, 100)
    _said(console, clean(report.question.title, 300), "bold", width)
    _said(console, opening(report), "", width)
    for caveat in report.caveats:
        _said(console, f"Caveat: {clean(caveat, 500)}", "italic", width)
    _said(console, " ".join(report.asides), "dim", width)
    if checks := checks_of(report):
        _said(console, summary(checks), "", width)
    if report.estimate is not None:
        _history(report, console, width)
    for section in sections(report):
        print_section(console, _shown(section), width)


def print_watch(report: WatchReport, console: Console) -> None:
    """Every question in a line, the ones that need attention first."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"{clean(report.title, 200)} · {instant_words(report.now)}", "bold"))
    if not report.rows:
        console.print("No questions yet.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", width=min(console.width, 110))
    table.add_column("", no_wrap=True)
    for name in ("P", "band", report.span.replace("since ", "since\n")):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("question", ratio=1)
    table.add_column("deadline", no_wrap=True)
    for row in report.rows:
        style = "bold" if row.attention is Attention.FIRING else ""
        *cells, title, name, deadline, troubles = watch_cells(row)
        shown = (*cells, "\n".join(filter(None, (title, name, troubles))), deadline)
        table.add_row(*(Text(cell, style) for cell in shown))
    console.print(table)
    if words := shared_words(report):
        console.print(Text(f"\n{words}"))


def sparkline(values: Sequence[float], width: int) -> str:
    """The values as blocks between 0 and their largest, at most `width` of them.

    Each block is the largest value of its stretch, so that a short peak stays to be seen.

    >>> sparkline([0.0, 0.1, 0.2, 0.4], 4)
    '▁▃▅█'
    """
    peaks = _peaks(values, width)
    top = max(*peaks, 1e-9) if peaks else 1.0
    return "".join(_BLOCKS[min(7, round(7 * peak / top))] for peak in peaks)


def above(values: Sequence[float], level: float, width: int) -> str:
    """A mark under each block of the sparkline that reaches `level`.

    >>> above([0.0, 0.1, 0.2, 0.4], 0.2, 4)
    '  ▲▲'
    """
    return "".join("▲" if peak >= level else " " for peak in _peaks(values, width)).rstrip()


def _peaks(values: Sequence[float], width: int) -> list[float]:
    count = min(width, len(values))
    edges = [n * len(values) // count for n in range(count + 1)] if count else []
    return [max(values[a:b]) for a, b in pairwise(edges)]


def band_bar(estimate: Estimate, marks: Iterable[float], width: int) -> str:
    """The band from 0 to 100 %, the probability in it, and the thresholds beside it."""
    cells = ["·"] * width

    def cell(p: float) -> int:
        return min(width - 1, int(min(max(p, 0.0), 1.0) * width))

    for n in range(cell(estimate.interval.lower), cell(estimate.interval.upper) + 1):
        cells[n] = "─"
    for mark in marks:
        cells[cell(mark)] = "┊"
    cells[cell(estimate.probability)] = "●"
    return "".join(cells)


def _history(report: QuestionReport, console: Console, width: int) -> None:
    from rich.text import Text

    estimate = report.history[-1]
    values = [e.probability for e in report.history]
    span = f"{day_words(report.history[0].as_of)} to {day_words(estimate.as_of)}"
    peak = f"highest {percent(max(values))}, {counted(len(values), 'update')}"
    levels = [standing.rule.fire_at for standing in report.standings]
    if len(values) > 1:
        console.print(Text(sparkline(values, width - 2), "cyan"))
        if levels and (marks := above(values, min(levels), width - 2)):
            console.print(Text(marks, "bold"))
            peak += f", ▲ at or above {percent(min(levels))}"
        console.print(Text(f"{span}; {peak}\n", "dim"))
    bar = Text(f"0 {band_bar(estimate, levels, min(60, width - 10))} 100 %")
    bar.highlight_regex("●", "bold cyan")
    console.print(bar)
    if levels:
        fires = " and ".join(percent(level) for level in sorted(set(levels)))
        console.print(Text(f"┊ alert fires at {fires}", "dim"))


def _said(console: Console, words: str, style: str, width: int) -> None:
    """A paragraph with a blank line after it."""
    if words.strip():
        print_paragraph(console, words, style, width)
        print_line(console, "", "")


def _shown(section: Section) -> Section:
    """A section as a terminal has room for it: the strongest first, the rest by number."""
    if section.key == "prior" and section.table is not None:
        section = replace(section, table=_words_below(section.table))
    if section.key in _LONG and section.table is not None:
        rows = section.table.rows
        more = (f"and {len(rows) - _TOP} more",) if len(rows) > _TOP else ()
        return replace(section, table=replace(section.table, rows=rows[:_TOP]), after=more)
    if section.key == "made":  # of a digest its beginning
        facts = [(name, words if " " in words else words[:16]) for name, words in section.facts]
        return replace(section, facts=tuple(facts))
    return section


def _words_below(table: Table) -> Table:
    """The last column, of words, as a second line of the first."""
    rows = tuple((f"{first}\n{words}", *rest) for first, *rest, words in table.rows)
    return replace(table, columns=table.columns[:-1], rows=rows)
