"""Backtests for the terminal, on a Rich console that the caller brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from forecast.reports.backtest.opening import opening
from forecast.reports.backtest.sections import sections
from forecast.reports.backtest.summary import summary_sentence, summary_table
from forecast.reports.backtest.view import BacktestReport, Result, build_report
from forecast.reports.console import print_line, print_paragraph, print_section, print_table
from forecast.reports.phrases import clean

if TYPE_CHECKING:
    from rich.console import Console

WIDEST = 110


def print_backtests(results: Sequence[Result], console: Console) -> None:
    """Each backtest from its sentence down to the small print; of several a summary first."""
    reports = [build_report(backtest, forecasts) for backtest, forecasts in results]
    width = min(console.width, WIDEST)
    if len(reports) > 1:
        print_paragraph(console, summary_sentence(reports), "bold", width)
        print_table(console, summary_table(reports), width)
    for number, report in enumerate(reports):
        if len(reports) > 1:
            print_line(console, "\n" + "─" * width, "dim")
        _one(report, console, width)
        if number + 1 < len(reports):
            print_line(console, "", "")


def _one(report: BacktestReport, console: Console, width: int) -> None:
    print_paragraph(console, clean(report.backtest.task.name, 200), "bold", width)
    print_paragraph(console, opening(report), "", width)
    for section in sections(report):
        print_section(console, section, width)
