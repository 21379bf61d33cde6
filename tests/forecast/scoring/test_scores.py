"""Scores of many forecasts against scikit-learn's, their definitions, and what they refuse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.scoring import proper
from forecast.scoring.scores import CLIP, scores
from tests.forecast.scoring.oracle import P, W, Y

tenths = st.integers(0, 10).map(lambda n: n / 10)
rows = st.lists(st.tuples(tenths, st.integers(0, 1)), min_size=1, max_size=40)


def test_they_are_those_of_scikit_learn() -> None:
    found = scores(P, Y)
    assert (found.n, found.events) == (60, 14)
    assert found.expected == pytest.approx(P.sum())
    assert found.auc == pytest.approx(0.7119565217391304)
    assert found.average_precision == pytest.approx(0.37950225450225444)
    assert found.brier == pytest.approx(0.17466666666666666)
    assert found.log_loss == pytest.approx(0.9325487658695233)


def test_weighed_they_are_those_of_scikit_learn() -> None:
    found = scores(P, Y, W)
    assert found.auc == pytest.approx(0.6790399633317687)
    assert found.average_precision == pytest.approx(0.26998560520332937)
    assert found.brier == pytest.approx(0.14470408163265305)


def test_a_weight_of_two_is_a_row_twice() -> None:
    twice = scores([0.2, 0.2, 0.7, 0.4], [0, 0, 1, 1])
    once = scores([0.2, 0.7, 0.4], [0, 1, 1], [2.0, 1.0, 1.0])
    assert once.brier == pytest.approx(twice.brier)
    assert once.log_loss == pytest.approx(twice.log_loss)


@given(rows)
def test_means_are_those_of_the_single_scores(found: list[tuple[float, int]]) -> None:
    p, y = [a for a, _ in found], [b for _, b in found]
    result = scores(p, y)
    assert result.brier == pytest.approx(proper.mean([proper.brier(a, b) for a, b in found]))
    clipped = [min(proper.log_loss(a, b), -math.log(CLIP)) for a, b in found]
    assert result.log_loss == pytest.approx(proper.mean(clipped))


@given(rows)
def test_the_auc_counts_pairs_and_ties_by_half(found: list[tuple[float, int]]) -> None:
    yes, no = ([p for p, y in found if y == kind] for kind in (1, 0))
    pairs = [(a > b) + 0.5 * (a == b) for a in yes for b in no]
    auc = scores([p for p, _ in found], [y for _, y in found]).auc
    assert auc == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@given(rows)
def test_the_other_way_round_the_auc_is_its_complement(found: list[tuple[float, int]]) -> None:
    p, y = np.array([a for a, _ in found]), np.array([b for _, b in found])
    auc, other, opposite = scores(p, y).auc, scores(1 - p, y).auc, scores(1 - p, 1 - y).auc
    if auc is None:
        assert other is None
    else:
        assert other == pytest.approx(1 - auc)
        assert opposite == pytest.approx(auc)


@given(rows)
def test_equal_forecasts_have_the_precision_of_chance(found: list[tuple[float, int]]) -> None:
    y = [b for _, b in found]
    result = scores([0.3] * len(y), y)
    if 0 < sum(y) < len(y):
        assert result.auc == pytest.approx(0.5)
        assert result.average_precision == pytest.approx(sum(y) / len(y))


def test_outcomes_that_are_all_alike_have_no_areas() -> None:
    for y in (0, 1):
        found = scores([0.1, 0.9], [y, y])
        assert found.auc is None
        assert found.average_precision is None


def test_a_sure_miss_is_finite() -> None:
    assert scores([0.0], [1]).log_loss == pytest.approx(-math.log(1e-12))
    assert scores([1.0], [0]).log_loss == pytest.approx(-math.log(1e-12))
    assert scores([1.0], [1]).log_loss == 0.0


def test_no_forecasts_have_no_means() -> None:
    found = scores([], [])
    assert (found.n, found.events, found.auc) == (0, 0, None)
    assert math.isnan(found.brier)
    assert math.isnan(found.log_loss)


@pytest.mark.parametrize(
    ("p", "y", "said"),
    [
        ([0.1, math.nan], [0, 1], "row 1: forecast nan is not a probability"),
        ([0.1, 0.2, 1.5], [0, 1, 1], "row 2: forecast 1.5 is not a probability"),
        ([-0.1], [0], "row 0: forecast -0.1 is not a probability"),
        ([0.1, 0.2], [0, 2], "row 1: outcome 2 is not 0 or 1"),
        ([0.1], [math.nan], "row 0: outcome nan is not 0 or 1"),
        ([0.1, 0.2], [0], "not two columns"),
    ],
)
def test_what_is_no_forecast_is_refused_by_its_row(
    p: list[float], y: list[float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        scores(p, y)


def test_what_is_no_weight_is_refused_by_its_row() -> None:
    with pytest.raises(ValueError, match="row 1: weight -1 is not"):
        scores([0.1, 0.2], [0, 1], [1.0, -1.0])
    with pytest.raises(ValueError, match="for 2 forecasts"):
        scores([0.1, 0.2], [0, 1], [1.0])
