"""Backtests as one HTML file; see `forecast.reports.page` for what every such page is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from forecast.reports.backtest.figures import (
    days_words,
    fixed,
    interval,
    mass_words,
    signed,
    whole,
)
from forecast.reports.backtest.opening import opening
from forecast.reports.backtest.sections import sections
from forecast.reports.backtest.summary import leak_mark, summary_sentence, summary_table
from forecast.reports.backtest.view import BacktestReport, Result, build_report
from forecast.reports.charts.alert_curve import alert_curve, lead_times
from forecast.reports.charts.forest import Row, forest
from forecast.reports.charts.reliability import reliability
from forecast.reports.charts.years import expected_by_year, loss_by_year
from forecast.reports.page import both, environment, render
from forecast.reports.phrases import clean
from forecast.scoring.results import Gain

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

type Charts = dict[str, list[dict[str, Markup]]]


def backtest_html(results: Sequence[Result]) -> str:
    """All backtests as a page that stands alone; of several a summary first."""
    reports = [build_report(backtest, forecasts) for backtest, forecasts in results]
    shown = [
        {
            "report": report,
            "opening": opening(report),
            "tiles": _tiles(report),
            "sections": sections(report),
            "charts": _charts(report, f"t{number}"),
            "key": f"t{number}",
        }
        for number, report in enumerate(reports, start=1)
    ]
    many = len(reports) > 1
    return render(
        _environment(),
        "backtest.html",
        ("report.css", "backtest.css"),
        shown=shown,
        summary=summary_table(reports) if many else None,
        sentence=summary_sentence(reports) if many else "",
        overview=[both(partial(_overview, reports), "overview")] if many else [],
    )


def _charts(report: BacktestReport, key: str) -> Charts:
    """The charts of each section, those that there are."""
    drawn = {
        "skill": [("brier", partial(_brier, report)), ("loss", partial(_loss, report))],
        "calibration": [("reliability", partial(reliability, report))],
        "years": [
            ("by-year", partial(loss_by_year, report)),
            ("expected", partial(expected_by_year, report)),
        ],
        "alerts": [("curve", partial(alert_curve, report)), ("lead", partial(lead_times, report))],
    }
    return {
        section: [chart for name, draw in charts if (chart := both(draw, f"{key}-{name}"))]
        for section, charts in drawn.items()
    }


def _brier(report: BacktestReport, key: str, width: float) -> str:
    digits = report.brier_places
    found = report.backtest.skill
    gains = [_row(name, found[name].brier, digits) for name in report.ranked if name in found]
    return forest(gains, "Brier gain over each baseline", key, width, _tick)


def _loss(report: BacktestReport, key: str, width: float) -> str:
    digits = report.loss_places
    found = report.backtest.skill
    gains = [_row(name, found[name].log_loss, digits) for name in report.ranked if name in found]
    return forest(gains, "Log-loss gain over each baseline", key, width, _tick)


def _row(name: str, gain: Gain, digits: int) -> Row:
    bounds = "" if gain.lower is None else f" ({interval(gain.lower, gain.upper, digits)})"
    return Row(clean(name, 60), gain, signed(gain.value, digits) + bounds)


def _tick(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−") if value else "0"


def _overview(reports: Sequence[BacktestReport], key: str, width: float) -> str:
    """The gain of each task as a share of its strongest baseline's Brier score."""
    gains = [_as_share(report) for report in reports if report.skill and report.strongest]
    title = "Brier gain over the strongest baseline, %"
    return forest([gain for gain in gains if gain], title, key, width, lambda v: f"{_tick(v)} %")


def _as_share(report: BacktestReport) -> Row | None:
    if report.skill is None or report.strongest is None:
        return None
    gain = report.skill.brier
    own = report.backtest.baselines[report.strongest].brier
    if not own > 0.0:
        return None
    value, lower, upper = (
        None if v is None else 100 * v / own for v in (gain.value, gain.lower, gain.upper)
    )
    made = Gain(value or 0.0, lower, upper, gain.blocks, gain.mass)
    row = _row(clean(report.backtest.task.name, 60), made, 1)
    return Row(row.name, made, row.words)


def _tiles(report: BacktestReport) -> list[tuple[str, str, str]]:
    """What a hurried reader looks for: a name, the number, and what to hold it against."""
    backtest, found = report.backtest, report.backtest.scores
    if not found.n:
        return []
    tiles = [("log loss", fixed(found.log_loss, report.loss_places), _beside(report))]
    if report.skill is not None:
        gain, digits = report.skill.brier, report.brier_places
        bounds = interval(gain.lower, gain.upper, digits)
        note = f"{mass_words(gain)} {bounds}" if gain.lower is not None else "too few blocks"
        tiles.append(("Brier gain", signed(gain.value, digits), note))
    came = f"expected {fixed(found.expected, 1)}"
    tiles.append(("events", whole(found.events), came))
    tiles.append(("leak check", leak_mark(backtest.leak_check), ""))
    return tiles


def _beside(report: BacktestReport) -> str:
    if report.strongest is None:
        return "no baseline"
    best = report.backtest.baselines[report.strongest].log_loss
    return f"{clean(report.strongest, 40)} {fixed(best, report.loss_places)}"


@cache
def _environment() -> Environment:
    return environment({"days": days_words}, {})
