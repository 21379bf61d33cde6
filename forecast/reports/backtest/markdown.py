"""Backtests as Markdown, in GitHub's flavour: for a pull request, a wiki or a notebook."""

from collections.abc import Sequence

from forecast.reports.backtest.opening import opening
from forecast.reports.backtest.sections import sections
from forecast.reports.backtest.summary import summary_sentence, summary_table
from forecast.reports.backtest.view import BacktestReport, Result, build_report
from forecast.reports.markdown import section_markdown, table_markdown, words


def backtest_markdown(results: Sequence[Result]) -> str:
    """Each backtest from its sentence down to the small print; of several a summary first."""
    reports = [build_report(backtest, forecasts) for backtest, forecasts in results]
    if len(reports) == 1:
        return "\n\n".join(_one(reports[0], "#")) + "\n"
    parts = ["# Backtests"]
    if reports:
        parts += [words(summary_sentence(reports)), table_markdown(summary_table(reports))]
    for report in reports:
        parts += _one(report, "##")
    return "\n\n".join(parts) + "\n"


def _one(report: BacktestReport, level: str) -> list[str]:
    parts = [f"{level} {words(report.backtest.task.name, 200)}", words(opening(report))]
    for section in sections(report):
        parts += section_markdown(section, f"{level}#")
    return parts
