"""The verdict: seldom wrong of calibrated forecasts, however they depend, and of gross errors."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import chi2, norm

from forecast.scoring.calibration import calibration
from forecast.scoring.calibration_tests import Power, Ties, likelihood_ratio, power, spiegelhalter
from forecast.scoring.regression import fit
from forecast.scoring.results import Calibration, Verdict
from forecast.scoring.scores import scores
from forecast.scoring.verdict import LEVEL, Evidence, verdict, words
from tests.forecast.scoring.oracle import P, Y
from tests.forecast.scoring.worlds import MONTH, world

type Floats = NDArray[np.float64]


def alone(n: int) -> tuple[Floats, float]:
    """Origins and horizon of rows that nothing ties."""
    return MONTH * np.arange(n, dtype=float), MONTH


def of_world(seed: int, change: Callable[[Floats], Floats], **kinds: float) -> Calibration:
    overlap = int(kinds.get("overlap", 3))
    p, y, origin = world(seed, units=40, months=120, overlap=overlap, shock=kinds["shock"])
    return calibration(change(p), y, origin, MONTH * overlap, seed=1)


def as_they_are(p: Floats) -> Floats:
    return p


def too_sure(p: Floats) -> Floats:
    """Slope 0.6 about the mean of the logits."""
    x = logit(p)
    centre = np.average(x, weights=p * (1 - p))
    return np.asarray(expit(centre + (x - centre) / 0.6))


def too_high(p: Floats) -> Floats:
    return np.asarray(expit(logit(p) + 0.5))


@pytest.mark.parametrize(("overlap", "shock"), [(3, 0.5), (1, 0.5), (3, 0.0), (12, 0.5)], ids=str)
def test_calibrated_forecasts_are_accused_about_as_often_as_is_said(
    overlap: int, shock: float
) -> None:
    found = []
    for seed in range(400):
        p, y, origin = world(seed, units=40, months=120, overlap=overlap, shock=shock)
        ties = Ties(origin, MONTH * overlap)
        tests = spiegelhalter(p, y, ties), likelihood_ratio(p, y, fit(p, y).ratio, ties)
        found.append([test.p_value for test in tests if test])
    values = np.array(found)
    assert (np.mean(values < 0.01, axis=0) <= 0.03).all()
    assert (np.mean(values < 0.05, axis=0) <= 0.10).all()
    assert (np.mean(values < 0.05, axis=0) >= 0.01).all()
    assert np.mean(2 * values.min(axis=1) < LEVEL) <= 0.02


def test_the_plain_tests_would_accuse_a_third_of_them() -> None:
    accused = 0
    for seed in range(100):
        p, y, _ = world(seed, units=40, months=120)
        accused += chi2.sf(fit(p, y).ratio, 2) < 0.05
    assert accused > 33


@pytest.mark.parametrize("wrong", [too_sure, too_high])
def test_gross_errors_are_found_about_as_often_as_the_power_says(
    wrong: Callable[[Floats], Floats],
) -> None:
    found = [of_world(seed, wrong, shock=0.5) for seed in range(60)]
    share = Counter(c.verdict for c in found)[Verdict.MISCALIBRATED] / 60
    assert share > 0.6
    assert np.mean([c.power or 0.0 for c in found]) == pytest.approx(share, abs=0.25)


def test_the_power_is_the_share_that_is_found() -> None:
    """Of 150 independent forecasts; the grosser error there is one of the slope."""
    hits, chances = 0, []
    rng = np.random.default_rng(1)
    origin, horizon = alone(150)
    for _ in range(400):
        truth = rng.uniform(-3, 3, 150)
        p = expit(truth / 0.6)
        y = (rng.random(150) < expit(truth)).astype(float)
        ties = Ties(origin, horizon)
        found = likelihood_ratio(p, y, fit(p, y).ratio, ties)
        strength = power(p, y, ties, 0.05)
        assert found is not None
        assert strength is not None
        assert strength.of_slope
        hits += found.p_value < 0.05
        chances.append(strength.chance)
    assert hits / 400 == pytest.approx(np.mean(chances), abs=0.12)


def test_spiegelhalters_z_is_his_formula() -> None:
    p = np.clip(P, 0.05, 0.95)
    found = spiegelhalter(p, Y.astype(float), Ties(*alone(60)))
    assert found is not None
    assert found.statistic == pytest.approx(0.9226108386677845)
    assert found.p_value == pytest.approx(2 * norm.sf(0.9226108386677845))


def test_the_regression_is_that_of_statsmodels() -> None:
    found = fit(np.clip(P, 0.05, 0.95), Y.astype(float))
    assert found.intercept == pytest.approx(-0.47063644, abs=1e-5)
    assert found.slope == pytest.approx(0.55144049, abs=1e-5)
    assert found.ratio == pytest.approx(1.7233236282088882)


def test_rows_that_are_alone_get_the_plain_tests() -> None:
    found = calibration(np.clip(P, 0.05, 0.95), Y, *alone(60), seed=1)
    assert found.likelihood_ratio == pytest.approx(1.7233236282088882)
    assert found.likelihood_ratio_p == pytest.approx(chi2.sf(1.7233236282088882, 2))
    assert found.spiegelhalter_z == pytest.approx(0.9226108386677845)


def test_a_statistic_has_the_p_value_beside_it() -> None:
    found = of_world(4, as_they_are, shock=0.5)
    assert found.spiegelhalter_z is not None
    assert found.spiegelhalter_p == pytest.approx(2 * norm.sf(abs(found.spiegelhalter_z)))
    assert found.likelihood_ratio is not None
    assert found.likelihood_ratio_p == pytest.approx(chi2.sf(found.likelihood_ratio, 2))


def test_dependence_never_makes_the_case_stronger() -> None:
    """Outcomes that lie more evenly over time than chance would: the plain p-value counts."""
    y = np.tile([1.0, 0.0, 0.0, 0.0], 100)
    p = np.full(400, 0.3)
    together = spiegelhalter(p, y, Ties(np.repeat(MONTH * np.arange(100), 4), MONTH))
    plain = spiegelhalter(p, y, Ties(*alone(400)))
    assert together == plain


def test_the_score_is_taken_apart_as_elsewhere() -> None:
    found = calibration(P, Y, *alone(60), seed=1)
    assert found.mcb - found.dsc + found.unc == pytest.approx(scores(P, Y).brier)
    assert sum(q.n for q in found.points) == 60


def test_a_handful_of_events_convicts_nobody() -> None:
    p, y = np.full(300, 0.001), np.zeros(300)
    y[:6] = 1.0
    found = calibration(p, y, *alone(300), seed=1)
    assert (found.verdict, found.spiegelhalter_p, found.likelihood_ratio_p) == (
        Verdict.TOO_FEW,
        None,
        None,
    )
    y[:12] = 1.0
    assert calibration(p, y, *alone(300), seed=1).verdict is Verdict.MISCALIBRATED


def test_too_short_a_time_is_no_evidence_and_says_so() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(300)
    found = calibration(p, rng.random(300) < p, np.repeat([0.0, 30.0, 60.0], 100), 30.0, seed=1)
    assert found.verdict is Verdict.TOO_FEW
    assert found.power is None
    assert found.words == (
        "Too few to tell: 300 forecasts from 3 origins are too short a time to know how they "
        "depend on each other."
    )


def test_forecasts_that_are_all_alike_have_no_slope_and_a_test_of_the_rate() -> None:
    y = np.tile([1.0, 0.0, 0.0, 0.0, 0.0], 80)
    right, wrong = (calibration(np.full(400, q), y, *alone(400), seed=1) for q in (0.2, 0.4))
    assert right.slope is None
    assert right.verdict is Verdict.CALIBRATED
    assert wrong.verdict is Verdict.MISCALIBRATED
    assert wrong.intercept == pytest.approx(logit(0.2) - logit(0.4))


def test_certainties_that_fail_are_finite_and_convicted() -> None:
    y = np.tile([1.0, 0.0], 100)
    found = calibration(1 - y, y, *alone(200), seed=1)
    assert found.verdict is Verdict.MISCALIBRATED
    assert found.likelihood_ratio is not None
    assert np.isfinite(found.likelihood_ratio)
    assert found.slope is None
    right = calibration(y, y, *alone(200), seed=1)
    assert right.verdict is not Verdict.MISCALIBRATED


def test_no_forecasts_are_too_few() -> None:
    found = calibration([], [], [], 30.0, seed=1)
    assert found.words == "Too few to tell: there are no forecasts."
    assert found.verdict is Verdict.TOO_FEW


STRONG, WEAK = Power(0.99, of_slope=True), Power(0.2, of_slope=True)


@pytest.mark.parametrize(
    ("p_values", "strength", "expected"),
    [
        ((0.5, 0.0049), STRONG, Verdict.MISCALIBRATED),
        ((0.5, 0.0051), STRONG, Verdict.CALIBRATED),
        ((0.0099,), STRONG, Verdict.MISCALIBRATED),
        ((0.5, 0.0049), WEAK, Verdict.MISCALIBRATED),
        ((0.5, 0.9), WEAK, Verdict.TOO_FEW),
        ((), None, Verdict.TOO_FEW),
    ],
)
def test_the_verdict_is_at_one_percent_for_both_tests_together(
    p_values: tuple[float, ...], strength: Power | None, expected: Verdict
) -> None:
    assert verdict(Evidence(100, 10, 20, 22.0, p_values, 1.0, strength)) is expected


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            Evidence(11448, 216, 250, 343.2, (0.0004, 0.2), 0.62, STRONG),
            "Miscalibrated: 343 events forecast, 250 came, and forecasts lie too far apart, by a "
            "slope of 0.62 (p = 0.0008).",
        ),
        (
            Evidence(900, 90, 20, 3.42, (1e-7, 0.2), 1.05, STRONG),
            "Miscalibrated: 3.4 events forecast, 20 came (p < 0.0001).",
        ),
        (
            Evidence(9000, 90, 1131, 1200.4, (0.31, 0.9), 1.4, STRONG),
            "No sign of miscalibration: 1,200 events forecast, 1,131 came (p = 0.62).",
        ),
        (
            Evidence(2737, 90, 751, 799.05, (0.0074, 0.009), 1.29, STRONG),
            "Perhaps miscalibrated, but not surely: 799 events forecast, 751 came, and forecasts "
            "lie too close together, by a slope of 1.29 (p = 0.015).",
        ),
        (
            Evidence(1, 1, 1, 0.7, (), None, Power(0.0063, of_slope=False)),
            "Too few to tell: with 1 forecast even odds 1.65 times too high would pass 99 times "
            "in 100.",
        ),
        (
            Evidence(2400, 24, 90, 81.0, (0.2, 0.3), 0.9, Power(0.31, of_slope=True)),
            "Too few to tell: with 2,400 forecasts from 24 origins, which move together, even a "
            "forecaster who is far too sure would pass 69 times in 100.",
        ),
    ],
)
def test_the_words_say_what_was_found(found: Evidence, said: str) -> None:
    assert words(found) == said


def test_the_sentence_of_a_world_holds_its_numbers() -> None:
    p, y, origin = world(5, units=40, months=120)
    found = calibration(p, y, origin, 3 * MONTH, seed=1)
    assert f"{p.sum():,.0f} events forecast, {int(y.sum()):,} came" in found.words


def test_a_forecast_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="row 1: forecast 2 is not a probability"):
        calibration([0.5, 2.0], [1, 0], [0.0, 1.0], 1.0, seed=1)
