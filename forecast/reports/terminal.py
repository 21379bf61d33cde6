"""Reports for the terminal, on a Rich console that the caller brings.

The console decides on colour, width and NO_COLOR; every mark differs in shape as well.
Rich is imported inside the functions, so that importing this module costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from forecast.estimate import Estimate
from forecast.likelihood import percent
from forecast.reports.checks import check_rows, count_rows, coupling_words
from forecast.reports.moves import CAUSES, Shift
from forecast.reports.phrases import (
    STATE_WORDS,
    age_words,
    band_words,
    clean,
    counted,
    day_words,
    instant_words,
    range_words,
    times,
)
from forecast.reports.sentence import change_words, opening
from forecast.reports.view import QuestionReport, Standing
from forecast.reports.watch import Attention, WatchReport, WatchRow

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ATTENTION_MARKS = {
    Attention.FIRING: "▲ firing",
    Attention.HELD: "‖ held",
    Attention.DUE: "? due",
    Attention.MOVED: "↕ moved",
    Attention.NEAR: "◷ near",
    Attention.CALM: "·",
    Attention.RESOLVED: "■ resolved",
}
_BLOCKS = "▁▂▃▄▅▆▇█"
_TOP = 6


def print_question(report: QuestionReport, console: Console) -> None:
    """The report of one question, from the sentence down to the small print."""
    width = min(console.width, 100)
    _paragraph(console, clean(report.question.title, 300), "bold", width)
    _paragraph(console, opening(report), "", width)
    for caveat in report.caveats:
        _paragraph(console, f"Caveat: {clean(caveat, 500)}", "italic", width)
    if report.estimate is not None:
        _history(report, console, width)
        _section(console, "By when", _curve(report, report.estimate))
        _section(console, "How many", _counts(report.estimate))
        _section(console, "What moved it", _moves(report))
        _section(console, "Evidence now", _effects(report))
        _section(console, "Moving together", _couplings(report.estimate))
    _section(console, "Alert rules", _rules(report))
    _section(console, "Others said", _crowd(report))
    _section(console, "Prior, in words", _prior(report))
    if report.estimate is not None:
        _section(console, "Diagnostics", _diagnostics(report.estimate, report.held_since))


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
    for name in ("P", "band", "7 days"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("question", ratio=1)
    table.add_column("deadline", no_wrap=True)
    for row in report.rows:
        style = "bold" if row.attention is Attention.FIRING else ""
        table.add_row(*(Text(cell, style) for cell in _watch_cells(row)))
    console.print(table)


def _watch_cells(row: WatchRow) -> tuple[str, ...]:
    report, estimate = row.report, row.report.estimate
    moved = "" if row.points_in_week is None else f"{row.points_in_week:+d}"
    outcome = f" {report.resolution.outcome.value}" if report.resolution else ""
    return (
        ATTENTION_MARKS[row.attention] + outcome,
        percent(estimate.probability) if estimate else "none",
        band_words(estimate.interval) if estimate else "",
        moved.replace("-", "−").replace("+0", "0"),
        f"{clean(report.question.title, 140)}\n{clean(report.question.question_id, 80)}",
        day_words(report.question.deadline),
    )


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


def _curve(report: QuestionReport, estimate: Estimate) -> Table | None:
    if not estimate.curve:
        return None
    wanted = report.question.at_least
    table = _table("event by" if wanted == 1 else f"{wanted} events by", "P", "band")
    for point in estimate.curve:
        _add(table, day_words(point.by), percent(point.probability), band_words(point))
    for other in report.related:
        if other.estimate is not None:
            kind, found = "wider" if other.wider else "narrower", other.estimate
            name = f"{kind}: {clean(other.question.definition, 40)}"
            _add(table, name, percent(found.probability), band_words(found.interval))
    return table


def _moves(report: QuestionReport) -> Table | None:
    shifts = [("last move", report.last_move), ("week", report.week_move)]
    found = [(name, shift) for name, shift in shifts if shift is not None]
    if not found:
        return None
    table = _table("hazard times", *(name for name, _ in found))
    causes = [c for c in CAUSES if any(abs(s.parts.get(c, 0.0)) > 0.01 for _, s in found)]
    for cause in causes:
        _add(table, CAUSES[cause], *(_factor(shift, cause) for _, shift in found))
    _add(table, "from, to", *(f"{percent(s.start)} → {percent(s.end)}" for _, s in found))
    _add(table, "altogether", *(change_words(shift) for _, shift in found))
    return table


def _factor(shift: Shift, cause: str) -> str:
    size = shift.parts.get(cause, 0.0)
    return times(math.exp(min(size, 50.0))) if abs(size) > 0.01 else "·"


def _effects(report: QuestionReport) -> Table | None:
    if not report.effects:
        return None
    table = _table("tag", "hazard", "band", "incidents", "newest")
    for effect in report.effects[:_TOP]:
        newest = effect.incidents[0] if effect.incidents else None
        _add(
            table,
            clean(effect.tag, 40),
            times(effect.median),
            range_words(effect.lower, effect.upper),
            str(effect.count),
            age_words(newest.occurred_at, report.now) if newest else "",
        )
    if len(report.effects) > _TOP:
        _add(table, f"and {len(report.effects) - _TOP} more", "", "", "", "")
    return table


def _rules(report: QuestionReport) -> Table | None:
    if not report.standings:
        return None
    table = _table("rule", "state", "fires at", "clears at", "since")
    for standing in report.standings:
        _add(table, *_rule_cells(standing))
    return table


def _rule_cells(standing: Standing) -> tuple[str, ...]:
    rule, last = standing.rule, standing.last
    since = day_words(last.at) if last else "the start"
    mark = STATE_WORDS[standing.state]
    return clean(rule.rule_id, 40), mark, percent(rule.fire_at), percent(rule.clear_at), since


def _crowd(report: QuestionReport) -> Table | None:
    newest = {forecast.source: forecast for forecast in report.crowd}
    if not newest:
        return None
    table = _table("source", "P", "on")
    for forecast in newest.values():
        name = clean(forecast.source, 40)
        _add(table, name, percent(forecast.probability), day_words(forecast.at))
    if report.estimate is not None:
        ours = report.estimate
        _add(table, "ours", percent(ours.probability), day_words(ours.as_of))
    return table


def _prior(report: QuestionReport) -> Table | None:
    prior = report.prior
    if prior is None:
        return None
    table = _table("key", "words", left=2)
    tags = [key for key in prior.words if key.startswith("effects.")]
    for key, words in prior.words.items():
        if not key.startswith(("effects.", "half_life.")):
            _add(table, clean(key, 60), clean(words, 120))
    if tags:
        _add(table, f"effects of {len(tags)} tags", "`tocsin priors show` lists them")
    note = f"{day_words(prior.at)}, {clean(prior.author, 60)}: {clean(prior.reason, 200)}"
    _add(table, f"version {prior.version}", note)
    return table


def _diagnostics(estimate: Estimate, since: datetime | None) -> Table:
    table = _table("check", "value", left=2)
    for name, words in check_rows(estimate, since):
        _add(table, name, words if " " in words else words[:16])  # a digest's beginning
    return table


def _counts(estimate: Estimate) -> Table | None:
    rows = count_rows(estimate)
    table = _table("events in the window", "P")
    for name, words in rows:
        _add(table, name, words)
    return table if rows else None


def _couplings(estimate: Estimate) -> Table | None:
    table = _table("unit", "probability", "", "multiplier", left=4)
    for coupling in estimate.couplings:
        _add(table, clean(coupling.unit, 60), *coupling_words(coupling))
    return table if estimate.couplings else None


def _table(*names: str, left: int = 1) -> Table:
    """A table without lines: the first `left` columns are words, the others numbers."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < left else "right")
    return table


def _add(table: Table, *cells: str) -> None:
    """A row of plain text: in a bare string Rich would read [brackets] as markup."""
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))


def _section(console: Console, title: str, table: Table | None) -> None:
    if table is None:
        return
    from rich.text import Text

    console.print(Text(f"\n{title}", "bold"))
    console.print(table)


def _paragraph(console: Console, words: str, style: str, width: int) -> None:
    from rich.text import Text

    if words.strip():
        console.print(Text(clean(words), style), width=width)
        console.print(Text(""))
