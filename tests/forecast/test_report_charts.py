"""The charts: right places, whole sums, marks that differ in shape, labels that do not touch."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.alert import Rule
from forecast.clock import parse_instant
from forecast.estimate import CurvePoint, log_hazard
from forecast.evidence import Outcome
from forecast.reports.charts import NARROW, WIDE
from forecast.reports.charts.curve import curve_chart, with_origin
from forecast.reports.charts.history import history_chart, runs, thin
from forecast.reports.charts.scale import Scale, date_ticks, probability_ticks, spread
from forecast.reports.charts.small import band_bar, spark
from forecast.reports.charts.waterfall import steps_of, waterfall
from forecast.reports.charts.whiskers import ROWS, whiskers
from forecast.reports.incidents import Effect
from forecast.reports.moves import Shift
from forecast.reports.phrases import day_words
from forecast.reports.view import QuestionReport
from tests.forecast import report_samples as samples


def marks(svg: str, css: str) -> list[ET.Element]:
    return [e for e in ET.fromstring(svg).iter() if css in e.get("class", "").split()]


def words(svg: str) -> list[str]:
    return [(e.text or "").replace("\u00a0", " ") for e in ET.fromstring(svg).iter("text")]


def points(element: ET.Element) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in element.get("points", "").split())
    return [(float(x), float(y)) for x, y in pairs]


def charts(report: QuestionReport, width: float = WIDE) -> list[str]:
    drawn = [
        band_bar(report, "bar", width),
        history_chart(report, "history", width),
        curve_chart(report, "curve", width),
        waterfall(report.last_move, "last", width),
        waterfall(report.week_move, "week", width),
        whiskers(report.effects, "evidence", width),
        spark(report, "spark"),
    ]
    return [svg for svg in drawn if svg]


LONG = samples.bare(
    history=[samples.estimate(day, min(0.999, (day / 399) ** 2)) for day in range(400)]
)
EDGES = {
    "full": samples.full(),
    "resolved": samples.resolved(),
    "one": samples.bare(),
    "held": samples.full(history=samples.history(103)),
    "only held": samples.bare(history=[samples.held(0, 0.2)]),
    "400 days": LONG,
    "0": samples.bare(history=[samples.estimate(d, 0.0) for d in range(3)]),
    "1": samples.bare(history=[samples.estimate(d, 1.0) for d in range(3)]),
    "0 to 1": samples.bare(history=[samples.estimate(d, float(d)) for d in range(2)]),
}


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", EDGES)
def test_every_mark_lies_on_its_chart(name: str, width: float) -> None:
    for svg in charts(EDGES[name], width):
        root = ET.fromstring(svg)
        _, _, right, bottom = map(float, root.get("viewBox", "").split())
        assert "nan" not in svg
        assert "inf" not in svg
        for element in root.iter():
            for key in ("x", "x1", "x2", "cx"):
                assert 0 <= float(element.get(key, 0)) <= right, (svg[:200], element.attrib)
            for key in ("y", "y1", "y2", "cy"):
                assert 0 <= float(element.get(key, 0)) <= bottom, (svg[:200], element.attrib)
            assert all(-6 <= x <= right + 6 for x, _ in points(element))


def test_every_chart_has_a_role_a_title_and_a_description_that_it_names() -> None:
    drawn = charts(samples.full())
    assert len(drawn) == 7
    for svg in drawn:
        root = ET.fromstring(svg)
        ids = {e.get("id"): e.text for e in root if e.tag in ("title", "desc")}
        assert root.get("role") == "img"
        assert root.get("aria-labelledby", "").split() == list(ids)
        assert len(ids) == 2
        assert all(ids.values())


def test_without_an_estimate_nothing_is_drawn() -> None:
    assert charts(samples.bare(None)) == []


def test_the_history_shows_band_alerts_evidence_and_others_by_shape() -> None:
    svg = history_chart(samples.full(), "history", WIDE)
    assert [len(marks(svg, css)) for css in ("fired", "cleared", "crowd", "number")] == [1, 1, 7, 7]
    assert [len(marks(svg, css)) for css in ("fire", "clear", "deadline")] == [1, 1, 1]
    assert len(points(marks(svg, "fired")[0])) == 3
    assert len(points(marks(svg, "crowd")[0])) == 4
    assert [e.tag for e in marks(svg, "number")] == ["circle"] * 7


def test_every_estimate_is_in_the_line_and_twice_in_the_band() -> None:
    report = samples.bare(history=[samples.estimate(day, 0.2) for day in range(300)])
    svg = history_chart(report, "history", WIDE)
    assert len(points(marks(svg, "ours")[0])) == 300
    assert len(points(marks(svg, "band")[0])) == 600


def test_the_fired_mark_points_up_and_the_cleared_mark_down() -> None:
    svg = history_chart(samples.full(), "history", WIDE)
    (_, left), (_, tip), (_, right) = points(marks(svg, "fired")[0])
    assert left == right
    assert tip < left
    (_, left), (_, tip), (_, right) = points(marks(svg, "cleared")[0])
    assert left == right
    assert tip > left


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("p", [0.29, 0.30, 0.31, 0.39, 0.40, 0.41, 0.0, 0.99])
def test_the_labels_at_the_edge_never_touch(p: float, width: float) -> None:
    rules = [samples.RULE, Rule("b", 0.41, 0.29), Rule("c", 0.42, 0.28)]
    report = samples.full(history=[samples.estimate(d, p) for d in range(5)], rules=rules)
    root = ET.fromstring(history_chart(report, "history", width))
    named = [e for e in root.iter("text") if re.match("now|fires|clears", e.text or "")]
    heights = sorted(float(e.get("y", 0)) for e in named)
    assert len(heights) == 7
    assert all(b - a >= 15.9 for a, b in pairwise(heights))


def test_a_resolved_question_has_its_mark_at_the_top_for_yes_and_the_bottom_for_no() -> None:
    def height(outcome: Outcome) -> float:
        (mark,) = marks(history_chart(samples.resolved(outcome), "history", WIDE), "outcome")
        return float(mark.get("y", 0))

    assert height(Outcome.YES) < height(Outcome.VOID) < height(Outcome.NO)


def test_held_estimates_are_hollow_and_dashed() -> None:
    svg = history_chart(samples.full(history=samples.history(103)), "history", WIDE)
    assert len(marks(svg, "ours-held")) == 1
    assert len(marks(svg, "held-dot")) == 3
    assert marks(svg, "dot") == []


def test_a_gap_in_the_history_is_not_drawn_over() -> None:
    past = [samples.estimate(day, 0.2) for day in (*range(10), *range(30, 40))]
    assert [len(run) for run in runs(past)] == [10, 10]
    assert len(marks(history_chart(samples.bare(history=past), "h", WIDE), "ours")) == 2


def test_a_held_stretch_hangs_on_to_the_last_good_estimate() -> None:
    past = [samples.estimate(0, 0.2), samples.held(1, 0.2), samples.estimate(2, 0.3)]
    assert [[e.as_of for e in run] for run in runs(past)] == [
        [samples.at(0)],
        [samples.at(0), samples.at(1)],
        [samples.at(1), samples.at(2)],
    ]


def test_a_long_history_is_thinned_evenly_and_keeps_its_ends_and_extremes() -> None:
    past = [samples.estimate(day / 24, 0.2) for day in range(5000)]
    past[1001:1003] = samples.estimate(1001 / 24, 0.9), samples.estimate(1002 / 24, 0.1)
    picked = thin(past)
    assert past[1001] in picked
    assert past[1002] in picked
    assert len(picked) == 400
    assert (picked[0], picked[-1]) == (past[0], past[-1])
    steps = [(b.as_of - a.as_of) / timedelta(hours=1) for a, b in pairwise(picked)]
    assert max(steps) <= 13
    assert thin(past[:400]) == tuple(past[:400])


def test_the_waterfall_leads_from_one_number_to_the_other_without_a_gap() -> None:
    shift = samples.full().week_move
    assert shift is not None
    steps = steps_of(shift)
    assert steps[0].start == log_hazard(shift.start)
    assert all(a.end == b.start for a, b in pairwise(steps))
    assert steps[-1].end == pytest.approx(log_hazard(shift.end), abs=1e-9)
    svg = waterfall(shift, "week", WIDE)
    assert {"19 %", "31 %", "from 19 %, 21 Nov 2025", "to 31 %, 28 Nov 2025"} <= set(words(svg))


def test_the_bars_of_the_waterfall_touch_and_point_the_way_they_push() -> None:
    parts = {"time": -0.4, "evidence": 0.9}
    end = -math.expm1(-math.exp(log_hazard(0.2) + 0.5))
    svg = waterfall(Shift(samples.at(0), samples.at(7), 0.2, end, parts), "week", WIDE)
    (down,), (up,) = marks(svg, "lower"), marks(svg, "raise")
    start, tip = points(down)[0][0], points(down)[2][0]
    assert tip < start
    assert points(up)[0][0] == pytest.approx(tip, abs=0.15)
    assert points(up)[2][0] > start
    assert {"×0.67", "×2.5"} <= set(words(svg))


def test_the_curve_starts_at_zero_and_names_the_nested_lines() -> None:
    report = samples.full()
    assert report.estimate is not None
    origin = with_origin(report.estimate, report.question.opens_at)[0]
    assert (origin.by, origin.probability) == (report.estimate.as_of, 0.0)
    svg = curve_chart(report, "curve", WIDE)
    assert [len(marks(svg, css)) for css in ("ours", "wider", "narrower")] == [1, 1, 1]
    assert {"31 % this question", "62 % any-kinetic-act", "19 % announced-strike"} <= set(
        words(svg)
    )


def test_a_curve_that_goes_beyond_the_deadline_names_the_answer_there_and_not_at_its_end() -> None:
    report = samples.full()
    last = report.history[-1]
    later = CurvePoint(report.question.deadline + timedelta(days=30), 0.55, 0.4, 0.7)
    beyond = replace(
        report, history=(*report.history[:-1], replace(last, curve=(*last.curve, later)))
    )
    told = set(words(curve_chart(beyond, "curve", WIDE)))
    assert f"31 % by {day_words(report.question.deadline)}" in told
    assert f"55 % by {day_words(later.by)}" in told
    assert not any("this question" in one for one in told)
    assert len(marks(curve_chart(beyond, "curve", WIDE), "deadline")) == 1


def test_a_curve_before_the_window_starts_at_its_opening() -> None:
    estimate = samples.estimate(0, 0.3)
    assert with_origin(estimate, samples.at(5))[0].by == samples.at(5)
    assert with_origin(estimate, samples.at(100)) == estimate.curve


def test_whiskers_are_on_a_log_scale() -> None:
    def effect(tag: str, median: float) -> Effect:
        return Effect(tag, median, median / 2, median * 2, 1, ())

    svg = whiskers([effect("a", 4.0), effect("b", 1.0), effect("c", 0.25)], "evidence", WIDE)
    a, b, c = (float(e.get("cx", 0)) for e in marks(svg, "dot"))
    assert a - b == pytest.approx(b - c, abs=0.2)
    assert a > b > c
    (first, *_) = marks(svg, "whisker")
    assert float(first.get("x2", 0)) - a == pytest.approx((a - b) / 2, abs=0.2)
    assert {"×0.25", "×0.5", "×1", "×2", "×4", "×8"} <= set(words(svg))


def test_only_the_strongest_tags_are_drawn_and_an_endless_one_stays_on_the_paper() -> None:
    many = [Effect(f"t{n}", math.inf, 0.0, math.inf, 1, ()) for n in range(30)]
    svg = whiskers(many, "evidence", WIDE)
    assert len(marks(svg, "dot")) == ROWS
    assert "inf" not in svg
    assert "nan" not in svg


def test_hostile_names_are_escaped_and_clamped() -> None:
    name = "</svg><script>alert(1)</script>" + "x" * 10_000
    rules = [replace(samples.RULE, rule_id=name)]
    estimate = samples.estimate(
        0, 0.3, contributions=(replace(samples.CONTRIBUTIONS[0], tag=name),)
    )
    for svg in charts(samples.full(history=[estimate], rules=rules)):
        assert "<script" not in svg
        assert len(svg) < 20_000
        ET.fromstring(svg)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=12), st.floats(1, 40), st.floats(10, 300))
def test_spread_labels_keep_their_gap_their_bounds_and_their_order(
    wanted: list[float], gap: float, high: float
) -> None:
    places = spread(wanted, gap, 0.0, high)
    room = min(gap, high / max(len(wanted) - 1, 1))
    ordered = sorted(places)
    assert all(b - a >= room - 1e-6 for a, b in pairwise(ordered))
    assert ordered[0] >= -1e-6
    assert ordered[-1] <= high + 1e-6
    for (a, x), (b, y) in pairwise(sorted(zip(wanted, places, strict=True))):
        assert a == b or x <= y + 1e-9


def test_labels_with_room_stay_where_they_are_wanted() -> None:
    assert spread([90.0, 10.0, 50.0], 10, 0, 100) == [90.0, 10.0, 50.0]


@given(st.floats(0, 1))
def test_probability_ticks_are_even_few_and_reach_the_top(largest: float) -> None:
    ticks = probability_ticks(largest)
    assert ticks[0] == 0.0
    assert largest <= ticks[-1] + 1e-9
    assert ticks[-1] <= 1.0
    assert 2 <= len(ticks) <= 6
    assert len({round(b - a, 6) for a, b in pairwise(ticks)}) == 1


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        ("2025-06-02", "2025-12-01", ["Jul 2025", "Aug", "Sep", "Oct", "Nov", "Dec"]),
        ("2024-11-15", "2025-10-20", ["Jan 2025", "Mar", "May", "Jul", "Sep"]),
        ("2025-12-29", "2026-01-02", ["29 Dec", "30 Dec", "31 Dec", "1 Jan", "2 Jan"]),
        ("2025-12-01", "2025-12-31", ["1 Dec", "8 Dec", "15 Dec", "22 Dec", "29 Dec"]),
        ("2018-05-01", "2026-02-01", ["2020", "2022", "2024", "2026"]),
        ("2025-12-01", "2025-12-02", ["00:00", "06:00", "12:00", "18:00", "00:00"]),
        ("2025-12-01", "2025-12-01", ["1 Dec"]),
    ],
)
def test_dates_fall_on_sensible_days(start: str, end: str, labels: list[str]) -> None:
    ticks = date_ticks(parse_instant(start), parse_instant(end), 6)
    assert [label for _, label in ticks] == labels


@given(st.integers(0, 5_000_000), st.integers(2, 10))
def test_dates_are_few_ordered_and_inside(minutes: int, most: int) -> None:
    start = parse_instant("2019-02-27T13:10:00Z")
    end = start + timedelta(minutes=minutes)
    moments = [moment for moment, _ in date_ticks(start, end, most)]
    assert moments == sorted(set(moments))
    assert all(start <= moment <= end for moment in moments)
    assert len(moments) <= most + 1


def test_a_scale_clamps_what_lies_outside_and_centres_what_has_no_extent() -> None:
    assert [Scale(0, 10, 0, 100)(v) for v in (-5, 5, 15)] == [0, 50, 100]
    assert Scale(3, 3, 0, 100)(3) == 50
    assert Scale(0, 1, 0, 100)(math.nan) == 50
