"""The charts of a backtest: marks where the numbers are, readable where events are rare."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from forecast.reports.backtest.view import BacktestReport, build_report
from forecast.reports.charts import NARROW, WIDE
from forecast.reports.charts.alert_curve import alert_curve, lead_times
from forecast.reports.charts.forest import Row, forest
from forecast.reports.charts.plane import RootScale, even_ticks
from forecast.reports.charts.reliability import reliability
from forecast.reports.charts.years import expected_by_year, loss_by_year
from forecast.scoring.results import Gain, ReliabilityPoint
from tests.forecast import backtest_samples as samples

GAINS = (
    Row("sure", Gain(0.003, 0.001, 0.005, 20), "+0.003"),
    Row("not sure", Gain(0.001, -0.001, 0.003, 20), "+0.001"),
    Row("worse", Gain(-0.003, -0.004, -0.002, 20), "−0.003"),
    Row("unknown", Gain(0.002, None, None, 2), "+0.002"),
)


def gains_chart(report: BacktestReport, key: str, width: float) -> str:
    return forest(GAINS, "Gain", key, width, "{:g}".format)


CHARTS: dict[str, Callable[[BacktestReport, str, float], str]] = {
    "reliability": reliability,
    "losses": loss_by_year,
    "expected": expected_by_year,
    "alerts": alert_curve,
    "leads": lead_times,
    "gains": gains_chart,
}


def marks(svg: str, css: str) -> list[ET.Element]:
    return [e for e in ET.fromstring(svg).iter() if e.get("class") == css]


def words(svg: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(svg).iter("text")]


def at(mark: ET.Element) -> tuple[float, float]:
    return float(mark.get("cx", "nan")), float(mark.get("cy", "nan"))


def corners(mark: ET.Element) -> list[tuple[float, float]]:
    pairs = [pair.split(",") for pair in mark.get("points", "").split()]
    return [(float(x), float(y)) for x, y in pairs]


def with_points(*pairs: tuple[float, float]) -> BacktestReport:
    """The report with a curve through pairs of forecast and observed, and no rows."""
    points = tuple(ReliabilityPoint(p, came, 10) for p, came in pairs)
    made = samples.backtest()
    result = replace(made, calibration=replace(made.calibration, points=points))
    return build_report(result, samples.nothing_scored()[1])


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_named_described_and_within_its_frame(name: str, width: float) -> None:
    svg = CHARTS[name](samples.report(), "k", width)
    root = ET.fromstring(svg)
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "k-title k-desc")
    assert root.findtext("title")
    assert len(root.findtext("desc") or "") > 30
    assert not re.search(r"\bnan\b|\binf\b", svg)
    _, _, across, down = (float(n) for n in root.get("viewBox", "").split())
    for mark in root.iter():
        for x in ("x", "cx", "x1", "x2"):
            assert 0 <= float(mark.get(x, 0)) <= across
        for y in ("y", "cy", "y1", "y2"):
            assert 0 <= float(mark.get(y, 0)) <= down


def test_a_calibrated_step_lies_on_the_diagonal() -> None:
    svg = reliability(with_points((0.02, 0.02), (0.3, 0.1), (0.6, 0.6)), "k", WIDE)
    (line,) = marks(svg, "ideal")
    x1, y1, x2, y2 = (float(line.get(name, 0)) for name in ("x1", "y1", "x2", "y2"))
    off = []
    for dot in marks(svg, "dot"):
        x, y = at(dot)
        off.append((y - y1) - (x - x1) * (y2 - y1) / (x2 - x1))
    assert off[0] == pytest.approx(0.0, abs=0.2)
    assert off[1] > 20  # fewer came than were forecast: below the diagonal
    assert off[2] == pytest.approx(0.0, abs=0.2)


def test_axes_reach_as_far_as_the_data_and_are_bent_where_events_are_rare() -> None:
    svg = reliability(samples.report(), "k", WIDE)
    largest = samples.forecasts().p.max()
    ticks = [float(w.removesuffix("\u00a0%")) for w in words(svg) if re.match(r"[\d.]+(\s%)?$", w)]
    assert max(ticks) <= 104 * largest
    scale = RootScale(0.25, 0.0, 100.0)
    assert (scale(0.0), scale(0.01), scale(0.25)) == (0.0, 20.0, 100.0)
    first, second, *_ = (at(dot)[0] for dot in marks(svg, "dot"))
    assert second - first > 5  # 0.13 and 0.26 % can be told apart


def test_even_forecasts_are_shown_on_a_straight_scale() -> None:
    even = with_points((0.2, 0.2), (0.4, 0.4), (0.6, 0.6))
    dots = [at(dot)[0] for dot in marks(reliability(even, "k", WIDE), "dot")]
    assert dots[2] - dots[1] == pytest.approx(dots[1] - dots[0], abs=0.2)


def test_histograms_count_every_forecast_apart_by_what_came() -> None:
    svg = reliability(samples.report(), "k", WIDE)
    rows = samples.forecasts()
    assert {"58 came true", "3,782 did not"} <= set(words(svg))
    assert int(rows.outcome.sum()) == 58
    tallest = max(float(bar.get("height", 0)) for bar in marks(svg, "came"))
    assert tallest == max(float(bar.get("height", 0)) for bar in marks(svg, "came-not"))


def test_a_band_is_drawn_only_where_it_is_known() -> None:
    assert len(marks(reliability(samples.report(), "k", WIDE), "consistency")) == 1
    assert marks(reliability(with_points((0.1, 0.1), (0.2, 0.2)), "k", WIDE), "consistency") == []


def test_how_sure_a_gain_is_shows_by_the_shape_of_its_mark() -> None:
    svg = forest(GAINS, "Gain", "k", WIDE, "{:g}".format)
    (zero,) = marks(svg, "ideal")
    middle = float(zero.get("x1", 0))
    full = [e for e in marks(svg, "dot") if e.tag == "circle"]
    assert [at(dot)[0] > middle for dot in full] == [True]
    assert len(marks(svg, "held-dot")) == 2
    (triangle,) = [e for e in marks(svg, "dot") if e.tag == "polygon"]
    assert max(x for x, _ in corners(triangle)) < middle
    assert len(marks(svg, "whisker")) == 3


def test_bars_of_the_gain_stand_above_the_line_where_the_model_is_better() -> None:
    report = samples.report()
    svg = loss_by_year(report, "k", WIDE)
    gains = [year.gain for year in report.years if year.gain is not None]
    up, down = marks(svg, "raise"), marks(svg, "lower")
    assert (len(up), len(down)) == (sum(g > 0 for g in gains), sum(g < 0 for g in gains))
    zero = {corners(bar)[0][1] for bar in up + down}
    assert len(zero) == 1
    assert all(corners(bar)[1][1] < min(zero) for bar in up)
    assert all(corners(bar)[1][1] > min(zero) for bar in down)


def test_without_a_baseline_the_years_have_no_bars() -> None:
    svg = loss_by_year(samples.report(baselines={}, skill={}), "k", WIDE)
    assert marks(svg, "raise") + marks(svg, "lower") == []
    assert "2008" in words(svg)


def test_events_stand_above_the_line_where_more_came_than_were_expected() -> None:
    report = samples.report()
    svg = expected_by_year(report, "k", WIDE)
    (line,) = marks(svg, "ours")
    expected = [y for _, y in corners(line)]
    came = [np.mean([y for _, y in corners(mark)]) for mark in marks(svg, "crowd")]
    more = [year.scores.events > year.scores.expected for year in report.years]
    assert [y < x for y, x in zip(came, expected, strict=True)] == more


def test_the_chosen_line_is_marked_and_named() -> None:
    svg = alert_curve(samples.report(), "k", WIDE)
    (chosen,) = marks(svg, "fire")
    precision = [at(dot) for dot in marks(svg, "dot")]
    assert float(chosen.get("x1", 0)) == pytest.approx(precision[2][0], abs=0.2)
    assert "highest value" in words(svg)


def test_lead_times_are_in_order_within_a_row() -> None:
    svg = lead_times(samples.report(), "k", WIDE)
    for line, box, dot in zip(
        marks(svg, "whisker"), marks(svg, "box"), marks(svg, "dot"), strict=True
    ):
        left, right = float(box.get("x", 0)), float(box.get("x", 0)) + float(box.get("width", 0))
        assert float(line.get("x1", 0)) <= left < at(dot)[0] < right <= float(line.get("x2", 0))


@pytest.mark.parametrize("name", sorted(CHARTS.keys() - {"gains"}))
def test_without_anything_to_show_there_is_no_chart(name: str) -> None:
    assert CHARTS[name](build_report(*samples.nothing_scored()), "k", WIDE) == ""


@pytest.mark.parametrize("value", [None, 0.0])
def test_lines_without_hits_or_alarms_are_drawn_all_the_same(value: float | None) -> None:
    silent = [
        replace(a, episodes=1, hits=0, false_alarms=0, false_alarms_per_100_weeks=0.0,
                precision=value, recall=value, lead_days=(), value=value)
        for a in samples.backtest().alerts
    ]  # fmt: skip
    report = samples.report(alerts=tuple(silent))
    assert "nan" not in alert_curve(report, "k", NARROW)
    assert lead_times(report, "k", NARROW) == ""
    never = samples.report(alerts=tuple(replace(a, episodes=0) for a in silent))
    assert alert_curve(never, "k", NARROW) == ""


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [(0.0, 1.0, 5, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-3.0, 7.0, 4, [0, 5]), (2.0, 2.0, 4, [2.0])],
)
def test_ticks_are_plain_numbers(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert even_ticks(low, high, most) == ticks
