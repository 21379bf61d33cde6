"""Recalibration waits for a record, repairs what is wrong, and leaves alone what is right."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.covariates import Array
from models.pool import recalibrate
from models.pool.recalibrate import FEWEST, NONE, Recalibration, fit_recalibration


def world(
    seed: int, rows: int, shift: float = 0.0, slope: float = 1.0
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Forecasts of which the truth is logit(truth) = shift + slope logit(p)."""
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(-1.5, 1.2, rows))
    happened = rng.random(rows) < expit(shift + slope * logit(p))
    return p, happened.astype(float), np.arange(rows)


def log_loss(p: Array, outcome: Array) -> float:
    return float(-np.mean(np.where(outcome > 0, np.log(p), np.log1p(-p))))


def test_below_two_hundred_questions_nothing_is_touched_and_from_there_on_it_is() -> None:
    p, outcome, group = world(1, FEWEST, shift=1.5)
    few = fit_recalibration(p[1:], outcome[1:], group[1:], ["a"] * (FEWEST - 1))
    assert few is NONE
    assert np.array_equal(few.apply(p, ["a"] * FEWEST), p)
    enough = fit_recalibration(p, outcome, group, ["a"] * FEWEST)
    assert enough.questions == FEWEST
    assert (enough.apply(p, ["a"] * FEWEST) > p).all()


def test_many_forecasts_of_few_questions_are_few() -> None:
    p, outcome, group = world(2, 150, shift=1.5)
    again = np.repeat(np.arange(150), 10)
    assert fit_recalibration(p[again], outcome[again], group[again], ["a"] * 1500) is NONE


def test_shift_and_slope_are_found_again() -> None:
    p, outcome, group = world(3, 20_000, shift=-0.5, slope=0.7)
    found = fit_recalibration(p, outcome, group, ["a"] * len(p))
    asked = np.array([0.02, 0.1, 0.5, 0.8])
    expected = expit(-0.5 + 0.7 * logit(asked))
    assert found.apply(asked, ["a"] * 4) == pytest.approx(expected, abs=0.015)


def test_calibrated_forecasts_come_to_no_harm() -> None:
    fresh, happened, _ = world(0, 100_000)
    plain = log_loss(fresh, happened)
    touched, harm = 0, []
    for seed in range(1, 101):
        p, outcome, group = world(seed, 300)
        found = fit_recalibration(p, outcome, group, ["a"] * 300)
        touched += not found.is_none
        harm.append(log_loss(found.apply(fresh, ["a"] * len(fresh)), happened) - plain)
    assert touched <= 6
    assert np.mean(harm) < 0.0005
    assert np.max(harm) < 0.03


def test_miscalibrated_forecasts_are_repaired() -> None:
    fresh, happened, _ = world(0, 100_000, slope=0.5)
    repaired = []
    for seed in range(1, 21):
        p, outcome, group = world(seed, 600, slope=0.5)
        found = fit_recalibration(p, outcome, group, ["a"] * 600)
        repaired.append(log_loss(found.apply(fresh, ["a"] * len(fresh)), happened))
    best = log_loss(expit(0.5 * logit(fresh)), happened)
    plain = log_loss(fresh, happened)
    assert np.mean(repaired) - best < 0.25 * (plain - best)


def test_a_class_with_few_questions_leans_on_the_others() -> None:
    big, small = world(4, 3000, shift=1.0), world(5, 15, shift=-1.0)
    p = np.concatenate([big[0], small[0]])
    outcome = np.concatenate([big[1], small[1]])
    classes = ["big"] * 3000 + ["small"] * 15
    found = fit_recalibration(p, outcome, np.arange(len(p)), classes)
    asked = np.full(3, 0.2)
    of_big, of_small, of_new = found.apply(asked, ["big", "small", "never seen"])
    assert of_big == pytest.approx(expit(1.0 + logit(0.2)), abs=0.03)
    assert 0.2 < of_small < of_big
    assert 0.2 < of_new < of_big


def test_classes_with_records_of_their_own_keep_apart() -> None:
    worlds = {"up": world(6, 3000, shift=1.0), "down": world(7, 3000, shift=-1.0)}
    p = np.concatenate([w[0] for w in worlds.values()])
    outcome = np.concatenate([w[1] for w in worlds.values()])
    classes = ["up"] * 3000 + ["down"] * 3000
    found = fit_recalibration(p, outcome, np.arange(6000), classes)
    up, down = found.apply(np.array([0.3, 0.3]), ["up", "down"])
    assert up == pytest.approx(expit(1.0 + logit(0.3)), abs=0.04)
    assert down == pytest.approx(expit(-1.0 + logit(0.3)), abs=0.04)


def test_it_keeps_the_order_of_forecasts() -> None:
    p, outcome, group = world(8, 2000, slope=-0.5)  # worse than useless
    found = fit_recalibration(p, outcome, group, ["a"] * 2000)
    steps = found.apply(np.linspace(0.0, 1.0, 201), ["a"] * 201)
    assert (np.diff(steps) >= 0.0).all()
    assert 0.0 < steps[0] <= steps[-1] < 1.0


def test_what_was_not_known_yet_teaches_nothing() -> None:
    p, outcome, group = world(9, 800, shift=1.0)
    known = np.arange(800) < 400
    early = fit_recalibration(p[:400], outcome[:400], group[:400], ["a"] * 400)
    flipped = np.where(known, outcome, 1.0 - outcome)
    found = fit_recalibration(p, flipped, group, ["a"] * 800, known)
    assert np.array_equal(found.theta, early.theta)
    assert fit_recalibration(p, outcome, group, ["a"] * 800, np.arange(800) < 199) is NONE


def test_the_evidence_is_that_of_a_sum_over_a_grid() -> None:
    p, outcome, _ = world(10, 300, shift=0.4)
    x = logit(p) - logit(p).mean()
    code = np.zeros(300, int)
    fit = recalibrate._Fit(logit(p), x, outcome, np.ones(300), code, 1)
    s, t = 0.2, 0.1
    sd = np.hypot(s, t)
    axis = np.linspace(-5 * sd, 5 * sd, 121)
    cells = [
        fit.log_likelihood(np.array([[a, b]])) - (a * a + b * b) / (2 * sd**2)
        for a in axis
        for b in axis
    ]
    step = axis[1] - axis[0]
    total = np.logaddexp.reduce(cells) + 2 * np.log(step) - np.log(2 * np.pi * sd**2)
    assert fit.evidence(s, t) == pytest.approx(total, abs=0.05)  # Laplace's error


def test_it_comes_back_from_its_bytes() -> None:
    p, outcome, group = world(11, 400, shift=1.0)
    found = fit_recalibration(p, outcome, group, ["a", "b"] * 200)
    again = Recalibration.from_bytes(found.to_bytes())
    assert again.to_bytes() == found.to_bytes()
    assert np.array_equal(again.apply(p, ["b"] * 400), found.apply(p, ["b"] * 400))
    assert Recalibration.from_bytes(NONE.to_bytes()).is_none
