"""Scores against their definitions, and that they are proper."""

import math

import pytest

from forecast.scoring.proper import brier, log_loss, mean


@pytest.mark.parametrize("truth", [0.1, 0.37, 0.9])
def test_the_expected_score_is_best_for_the_truth(truth: float) -> None:
    grid = [i / 1000 for i in range(1, 1000)]
    for score in (brier, log_loss):
        expected = {p: truth * score(p, 1) + (1 - truth) * score(p, 0) for p in grid}
        assert min(expected, key=lambda p: expected[p]) == pytest.approx(truth, abs=1e-3)


def test_a_sure_miss_costs_everything() -> None:
    assert log_loss(0.0, 1) == math.inf
    assert brier(0.0, 1) == 1.0


def test_the_mean_of_no_scores_is_not_a_number() -> None:
    assert math.isnan(mean([]))
    assert mean([0.1, 0.2]) == pytest.approx(0.15)
