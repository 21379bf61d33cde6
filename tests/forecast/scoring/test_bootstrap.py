"""Intervals of gains: they cover the truth, also where windows overlap and units move together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from forecast.scoring.bootstrap import block_length, blocks, gain, resampled_means, skill
from forecast.scoring.results import Gain

type Floats = NDArray[np.float64]
UNITS = 10


def overlapping_losses(seed: int, origins: int, overlap: int) -> tuple[Floats, Floats]:
    """Losses (row,) of mean 0 with a shock common to the units, a moving sum over `overlap`."""
    rng = np.random.default_rng(seed)
    shocks = rng.standard_normal(origins + overlap - 1)
    shared = np.convolve(shocks, np.ones(overlap) / math.sqrt(overlap), "valid")
    losses = np.repeat(shared, UNITS) + rng.standard_normal(origins * UNITS)
    return losses, np.repeat(30.0 * np.arange(origins), UNITS)


def coverage(origins: int, overlap: int, horizon: float, worlds: int = 300) -> float:
    hits = 0
    for seed in range(worlds):
        losses, origin = overlapping_losses(seed, origins, overlap)
        found = gain(np.zeros_like(losses), losses, origin, horizon, seed, replicates=400)
        assert found.lower is not None
        assert found.upper is not None
        hits += found.lower <= 0.0 <= found.upper
    return hits / worlds


@pytest.mark.parametrize(("origins", "overlap"), [(216, 1), (216, 3), (60, 3), (30, 1)])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(
    origins: int, overlap: int
) -> None:
    assert 0.91 <= coverage(origins, overlap, 30.0 * overlap) <= 0.99


def test_without_blocks_it_would_not() -> None:
    """The same losses at origins of their own, in any order: as if each were drawn alone."""
    losses, origin = overlapping_losses(1, 216, 3)
    alone = gain(
        np.zeros_like(losses), losses, np.random.default_rng(2).permutation(len(losses)), 1.0, 1
    )
    together = gain(np.zeros_like(losses), losses, origin, 90.0, 1)
    assert width(together) > 2 * width(alone)


def width(found: Gain) -> float:
    assert found.lower is not None
    assert found.upper is not None
    return found.upper - found.lower


@given(
    st.lists(st.floats(-1.0, 1.0), min_size=40, max_size=80),
    st.floats(0.5, 6.0),
    st.integers(0, 100),
)
def test_the_interval_holds_the_value(losses: list[float], horizon: float, seed: int) -> None:
    found = gain(np.zeros(len(losses)), losses, np.arange(len(losses)), horizon, seed)
    assert found.lower is not None
    assert found.upper is not None
    assert found.value == pytest.approx(np.mean(losses))
    assert found.lower - 1e-12 <= found.value <= found.upper + 1e-12


def test_the_same_seed_says_the_same_and_rows_may_come_in_any_order() -> None:
    losses, origin = overlapping_losses(3, 60, 3)
    nothing = np.zeros_like(losses)
    first = gain(nothing, losses, origin, 90.0, 7)
    assert gain(nothing, losses, origin, 90.0, 7) == first
    assert gain(nothing, losses, origin, 90.0, 8).lower != first.lower
    order = np.random.default_rng(1).permutation(len(losses))
    shuffled = gain(nothing, losses[order], origin[order], 90.0, 7)
    assert shuffled.lower == pytest.approx(first.lower)
    assert shuffled.upper == pytest.approx(first.upper)


def test_an_origin_with_more_rows_weighs_more() -> None:
    origin = [0.0, 1.0, 1.0, 1.0]
    assert gain([0.0] * 4, [1.0, 0.0, 0.0, 0.0], origin, 1.0, 1).value == 0.25
    means = resampled_means(np.array([1.0, 0.0]), np.array([1.0, 3.0]), 1, 1, 2000)
    assert set(np.round(means, 6)) == {0.0, 0.25, 1.0}


def test_a_stretch_runs_on_from_the_last_origin_to_the_first() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0])
    means = resampled_means(values, np.ones(4), 3, 1, 4000)
    stretches, singles = (7, 14, 13, 11), (1, 2, 4, 8)
    assert set(4 * means) == {float(a + b) for a in stretches for b in singles}


def test_too_few_blocks_have_no_bounds() -> None:
    four = gain(np.zeros(20), np.ones(20), np.arange(20), 3.0, 1)
    assert (four.blocks, four.lower, four.upper, four.value) == (4, None, None, 1.0)
    five = gain(np.zeros(21), np.ones(21), np.arange(21), 3.0, 1)
    assert five.blocks == 5
    assert five.lower is not None


def test_no_rows_have_no_gain() -> None:
    found = gain([], [], [], 30.0, 1)
    assert math.isnan(found.value)
    assert (found.blocks, found.lower) == (0, None)


@pytest.mark.parametrize(
    ("origins", "spacing", "horizon", "length"),
    [
        (216, 30.4, 30.0, 6),
        (216, 30.4, 365.0, 18),
        (27, 1.0, 3.0, 5),
        (27, 1.0, 3.5, 6),
        (2, 1.0, 9.0, 2),
    ],
)
def test_a_block_is_longer_than_a_horizon_and_grows_with_the_root(
    origins: int, spacing: float, horizon: float, length: int
) -> None:
    assert block_length(spacing * np.arange(origins), horizon) == length


def test_a_single_origin_is_one_block() -> None:
    assert block_length([5.0], 30.0) == 1
    assert blocks([5.0, 5.0], 30.0).tolist() == [0, 0]


def test_blocks_are_stretches_of_time_whatever_the_order_of_rows() -> None:
    origin = [150.0, 0.0, 30.0, 60.0, 0.0, 90.0, 120.0]
    assert blocks(origin, 60.0).tolist() == [1, 0, 0, 0, 0, 1, 1]


def test_skill_is_the_gain_of_both_scores() -> None:
    origin = np.arange(40.0)
    outcome = np.tile([0.0, 1.0], 20)
    p, reference = np.where(outcome, 0.8, 0.2), np.full(40, 0.5)
    found = skill(p, reference, outcome, origin, 1.0, "pooled", 1)
    assert found.against == "pooled"
    assert found.brier.value == pytest.approx(0.25 - 0.04)
    assert found.log_loss.value == pytest.approx(math.log(2) + math.log(0.8))
    assert found.share == pytest.approx(1 - 0.04 / 0.25)


def test_nothing_is_gained_over_oneself() -> None:
    p, outcome = np.linspace(0, 1, 40), np.tile([0.0, 1.0], 20)
    found = skill(p, p, outcome, np.arange(40.0), 1.0, "itself", 1)
    assert found.brier == Gain(0.0, 0.0, 0.0, found.brier.blocks)
    assert found.share == 0.0


def test_no_share_is_gained_over_a_perfect_reference() -> None:
    outcome = np.tile([0.0, 1.0], 20)
    found = skill(np.full(40, 0.5), outcome, outcome, np.arange(40.0), 1.0, "oracle", 1)
    assert math.isnan(found.share)


def test_a_reference_that_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"row 0: forecast 1\.5"):
        skill([0.5], [1.5], [1.0], [0.0], 1.0, "x", 1)
