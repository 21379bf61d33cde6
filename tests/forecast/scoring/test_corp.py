"""The decomposition adds up, is that of an isotonic fit, and its band holds calibrated curves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.scoring.corp import decomposition, points, recalibrated
from forecast.scoring.dependence import design_effect
from forecast.scoring.scores import scores
from tests.forecast.scoring.oracle import P, Y
from tests.forecast.scoring.worlds import MONTH, world

tenths = st.integers(0, 10).map(lambda n: n / 10)
rows = st.lists(st.tuples(tenths, st.integers(0, 1)), min_size=1, max_size=40)


def test_it_is_that_of_an_isotonic_fit_by_scikit_learn() -> None:
    found = decomposition(P, Y)
    assert found.mcb == pytest.approx(0.019777777777777783)
    assert found.dsc == pytest.approx(0.023999999999999994)
    assert found.unc == pytest.approx(0.17888888888888888)


@given(rows)
def test_the_parts_add_up_and_none_is_negative(found: list[tuple[float, int]]) -> None:
    p, y = [a for a, _ in found], [b for _, b in found]
    parts = decomposition(p, y)
    assert parts.mcb - parts.dsc + parts.unc == pytest.approx(scores(p, y).brier)
    assert min(parts.mcb, parts.dsc, parts.unc) >= 0.0


@given(rows)
def test_what_is_recalibrated_never_falls_and_needs_nothing_more(
    found: list[tuple[float, int]],
) -> None:
    p, y = np.array([a for a, _ in found]), np.array([b for _, b in found])
    better = recalibrated(p, y)
    assert (np.diff(better[np.argsort(p, kind="stable")]) >= 0.0).all()
    assert decomposition(better, y).mcb == pytest.approx(0.0, abs=1e-12)
    assert decomposition(better, y).dsc == pytest.approx(decomposition(p, y).dsc, abs=1e-12)


@given(rows)
def test_an_order_that_is_kept_keeps_discrimination(found: list[tuple[float, int]]) -> None:
    p, y = np.array([a for a, _ in found]), [b for _, b in found]
    assert decomposition(p**2 / 2, y).dsc == pytest.approx(decomposition(p, y).dsc)


def test_forecasts_in_the_wrong_order_discriminate_nothing() -> None:
    found = decomposition([0.9, 0.9, 0.1, 0.1], [0, 0, 1, 1])
    assert found.dsc == 0.0
    assert found.mcb == pytest.approx(0.81 - 0.25)


def test_the_steps_are_the_pools_and_hold_every_forecast() -> None:
    found = points([0.1, 0.3, 0.2, 0.8, 0.6], [0, 0, 1, 1, 1], seed=1)
    assert [q.forecast for q in found] == pytest.approx([0.1, 0.25, 0.7])
    assert [(q.observed, q.n) for q in found] == [(0.0, 1), (0.5, 2), (1.0, 2)]


@given(rows, st.integers(0, 5))
def test_a_band_lies_within_0_and_1_and_every_row_in_a_step(
    found: list[tuple[float, int]], seed: int
) -> None:
    steps = points([a for a, _ in found], [b for _, b in found], seed, replicates=20)
    assert sum(q.n for q in steps) == len(found)
    assert sum(q.n * q.observed for q in steps) == pytest.approx(sum(b for _, b in found))
    for q in steps:
        assert q.lower is not None
        assert q.upper is not None
        assert 0.0 <= q.lower <= q.upper <= 1.0


def share_inside(power: float, worlds: int = 40) -> float:
    inside = []
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        truth = rng.uniform(0.05, 0.95, 1000)
        p = truth**power / (truth**power + (1 - truth) ** power)
        y = rng.random(1000) < truth
        steps = points(p, y, seed, replicates=100)
        inside += [(q.n, q.lower <= q.observed <= q.upper) for q in steps if q.n >= 20]  # type: ignore[operator]
    return sum(n for n, held in inside if held) / sum(n for n, _ in inside)


def test_the_band_holds_what_is_calibrated_and_not_what_is_too_sure() -> None:
    assert 0.85 <= share_inside(1.0) <= 0.98
    assert share_inside(2.0) < 0.4


def test_rows_that_say_less_widen_the_band() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.2, 0.8, 2000)
    y = rng.random(2000) < p
    plain, dependent = (points(p, y, 3, effect) for effect in (1.0, 4.0))
    widths = [np.mean([q.upper - q.lower for q in found]) for found in (plain, dependent)]  # type: ignore[operator]
    # n^(-1/3): four rows of one are 4^(1/3) = 1.6 times as wide
    assert 1.4 < widths[1] / widths[0] < 1.8


def test_the_band_allows_for_windows_that_overlap() -> None:
    held: dict[float, list[bool]] = {}
    for seed in range(20):
        p, y, origin = world(seed)
        for effect in (1.0, design_effect(p, y, origin, 3 * MONTH)):
            steps = points(p, y, 1, effect, replicates=100)
            inside = [q.lower <= q.observed <= q.upper for q in steps if q.n >= 50]  # type: ignore[operator]
            held.setdefault(min(effect, 2.0), []).extend(inside)
    assert np.mean(held[1.0]) < 0.8
    assert np.mean(held[2.0]) > 0.87


def test_the_same_seed_draws_the_same_band() -> None:
    assert points(P, Y, 1) == points(P, Y, 1)
    assert points(P, Y, 1) != points(P, Y, 2)


def test_no_forecasts_have_no_parts_and_no_points() -> None:
    assert math.isnan(decomposition([], []).mcb)
    assert points([], [], 1) == ()
    assert len(recalibrated([], [])) == 0


def test_what_is_no_forecast_is_refused() -> None:
    with pytest.raises(ValueError, match="row 0: forecast nan"):
        decomposition([math.nan], [1])
