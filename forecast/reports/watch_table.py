"""The questions of a watch as one table, for every format without drawings."""

from forecast.likelihood import percent
from forecast.reports.phrases import band_words, clean, day_words
from forecast.reports.table import Column, Table
from forecast.reports.watch import Attention, WatchReport, WatchRow

ATTENTION_MARKS = {
    Attention.FIRING: "▲ firing",
    Attention.HELD: "‖ held",
    Attention.DUE: "? due",
    Attention.MOVED: "↕ moved",
    Attention.NEAR: "◷ near",
    Attention.CALM: "·",
    Attention.RESOLVED: "■ resolved",
}


def watch_table(report: WatchReport) -> Table:
    """A row a question, what needs attention first."""
    return Table(_columns(report), tuple(watch_cells(row) for row in report.rows))


def _columns(report: WatchReport) -> tuple[Column, ...]:
    numbers = (Column(name) for name in ("P", "band", report.span))
    words = (Column(name, is_number=False) for name in ("question", "id", "deadline", "checks"))
    return (Column("", is_number=False), *numbers, *words)


def watch_cells(row: WatchRow) -> tuple[str, str, str, str, str, str, str, str]:
    """Its mark, P, band, points in a week, title, id, deadline and what is wrong with it alone."""
    report, estimate = row.report, row.report.estimate
    moved = "" if row.points_in_week is None else f"{row.points_in_week:+d}"
    outcome = f" {report.resolution.outcome.value}" if report.resolution else ""
    return (
        ATTENTION_MARKS[row.attention] + outcome,
        percent(estimate.probability) if estimate else "none",
        band_words(estimate.interval) if estimate else "",
        moved.replace("-", "−").replace("+0", "0"),
        clean(report.question.title, 140),
        clean(report.question.question_id, 80),
        day_words(report.question.deadline),
        "; ".join(row.troubles),
    )


def shared_words(report: WatchReport) -> str:
    """What is wrong with every number: 'Every number that stands: ‖ uncertified.'; else empty."""
    said = "; ".join(report.shared)
    return f"Every number that stands: {said}." if said else ""
