"""Paired differences, and how sure they are."""

import numpy as np
import pytest

from models.panel.choosing.differences import difference, stretches


def test_better_is_above_zero_and_its_error_is_that_of_independent_origins() -> None:
    rng = np.random.default_rng(1)
    origin = np.repeat(np.arange(1000.0), 3)
    ours, theirs = rng.normal(0.0, 1.0, 3000), rng.normal(0.1, 1.0, 3000)
    found = difference(ours, theirs, origin, 1.0, seed=1)
    assert found.value == pytest.approx((theirs - ours).mean())
    assert found.error == pytest.approx(np.sqrt(2 / 3000), rel=0.25)
    assert found.in_errors == pytest.approx(found.value / np.sqrt(2 / 3000), rel=0.25)


def test_what_lasts_over_neighbouring_origins_makes_it_less_sure() -> None:
    rng = np.random.default_rng(1)
    shocks = np.repeat(rng.normal(0.0, 1.0, 100), 10)
    origin, nothing = np.arange(1000.0), np.zeros(1000)
    found = difference(nothing, shocks, origin, 10.0, seed=1)
    assert found.error is not None
    assert found.error > 2 * np.sqrt(1 / 1000)


def test_one_standard_error_is_the_line() -> None:
    rng = np.random.default_rng(2)
    gained, origin = rng.normal(0.0, 1.0, 400), np.arange(400.0)
    gained -= gained.mean()
    error = difference(np.zeros(400), gained, origin, 1.0, seed=1).error
    assert error is not None
    for shift, is_sure in ((0.9, False), (1.1, True), (-1.1, False)):
        found = difference(np.zeros(400), gained + shift * error, origin, 1.0, seed=1)
        assert found.is_sure is is_sure


def test_a_few_stretches_of_time_say_nothing_however_many_rows() -> None:
    origin = np.repeat(np.arange(0.0, 240.0, 30.0), 500)
    assert stretches(np.unique(origin), 90.0) == 2
    found = difference(np.zeros(4000), np.ones(4000), origin, 90.0, seed=1)
    assert found.value == 1.0
    assert found.error is None
    assert not found.is_sure
    assert found.in_errors == 0.0


def test_equal_losses_are_not_better() -> None:
    found = difference(np.ones(60), np.ones(60), np.arange(60.0), 1.0, seed=1)
    assert (found.value, found.error, found.is_sure, found.in_errors) == (0.0, 0.0, False, 0.0)


def test_no_origin_makes_no_stretch() -> None:
    assert stretches(np.zeros(0), 30.0) == 0
