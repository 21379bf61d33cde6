"""Scores of open questions: exact where they can be worked out, and proper."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from forecast.estimate import CurvePoint
from forecast.scoring.censored import score_so_far, survival
from forecast.scoring.proper import brier, log_loss, mean

START = datetime(2026, 1, 1, tzinfo=UTC)
SCORES = ("brier", "log_loss", "integrated_brier", "censored_log")


def on(day: float) -> datetime:
    return START + timedelta(days=day)


def curve(*points: tuple[float, float]) -> list[CurvePoint]:
    return [CurvePoint(on(day), p, p, p) for day, p in points]


def exponential(rate: float, days: float = 100.0) -> list[CurvePoint]:
    return curve(*((day, -math.expm1(-rate * day)) for day in (days / 4, days / 2, days)))


def expected(forecast: list[CurvePoint], rate: float, now: float) -> dict[str, float]:
    """Mean scores at `now` over 1,000 evenly drawn events of a constant hazard."""
    shares = (np.arange(1000) + 0.5) / 1000
    events = [float(e) for e in -np.log1p(-shares) / rate]
    found = [score_so_far(forecast, START, on(e), on(now)) for e in events]
    return {name: mean([getattr(score, name) for score in found]) for name in SCORES}


@pytest.mark.parametrize("now", [20.0, 60.0, 100.0])
@pytest.mark.parametrize("truth", [0.004, 0.02])
def test_the_truth_scores_best_whenever_one_looks(truth: float, now: float) -> None:
    factors = (0.5, 0.8, 1.0, 1.25, 2.0)
    found = {f: expected(exponential(truth * f), truth, now) for f in factors}
    for name in SCORES:
        assert min(factors, key=lambda f: found[f][name]) == 1.0


def test_when_it_comes_counts_in_two_of_them() -> None:
    """A curve with the right chance by now, but all of it early."""
    truth, now = 0.02, 60.0
    by_now = -math.expm1(-truth * now)
    early = curve((10.0, 0.9 * by_now), (now, by_now), (100.0, -math.expm1(-truth * 100)))
    right, wrong = expected(exponential(truth), truth, now), expected(early, truth, now)
    assert wrong["brier"] == pytest.approx(right["brier"])
    assert wrong["log_loss"] == pytest.approx(right["log_loss"])
    assert wrong["integrated_brier"] > right["integrated_brier"] + 0.01
    assert wrong["censored_log"] > right["censored_log"] + 0.1


def test_to_score_at_the_moment_of_the_event_would_reward_crying_wolf() -> None:
    """Why `now` is a moment chosen beforehand: else 1.3 times too much scores better."""
    truth, horizon = 0.02, 100.0
    shares = (np.arange(1000) + 0.5) / 1000
    events = -np.log1p(-shares) / truth

    def peeking(factor: float) -> float:
        forecast = exponential(truth * factor)
        moments = [min(float(e), horizon) for e in events]
        return mean(
            [
                score_so_far(forecast, START, on(float(e)), on(moment)).log_loss
                for e, moment in zip(events, moments, strict=True)
            ]
        )

    assert peeking(1.3) < peeking(1.0) - 0.05


def test_at_the_deadline_they_are_the_usual_scores_and_stay_so() -> None:
    forecast = curve((30.0, 0.2), (90.0, 0.6))
    for event, outcome in ((on(70), 1), (None, 0), (on(95), 0)):
        found = score_so_far(forecast, START, event, on(90))
        assert found.over == 1.0
        assert found.brier == pytest.approx(brier(0.6, outcome))
        assert found.log_loss == pytest.approx(log_loss(0.6, outcome))
        assert score_so_far(forecast, START, event, on(400)) == found


def test_before_the_deadline_they_are_of_what_is_over() -> None:
    forecast = curve((30.0, 0.2), (90.0, 0.6))
    half_way = 1 - math.sqrt(0.8 * 0.4)  # log survival is straight from day 30 to 90
    found = score_so_far(forecast, START, None, on(60))
    assert found.p == pytest.approx(half_way)
    assert found.over == pytest.approx(60 / 90)
    assert found.log_loss == pytest.approx(-math.log(1 - half_way))
    assert found.censored_log == pytest.approx(found.log_loss)
    assert score_so_far(forecast, START, on(75), on(60)) == found


def test_an_event_is_scored_by_its_density() -> None:
    forecast = curve((30.0, 0.2), (90.0, 0.6))
    found = score_so_far(forecast, START, on(60), on(80))
    density = math.log(0.8 / 0.4) / 60 * math.sqrt(0.8 * 0.4)
    assert found.censored_log == pytest.approx(-math.log(density))
    assert found.log_loss == pytest.approx(-math.log(found.p))


rises = st.lists(st.floats(0.0, 0.95), min_size=1, max_size=5).map(sorted)


@given(rises, st.floats(0.5, 60.0), st.one_of(st.none(), st.floats(0.0, 60.0)))
def test_the_integral_is_that_of_quadrature(
    p: list[float], now: float, event: float | None
) -> None:
    forecast = curve(*((10.0 * (place + 1), value) for place, value in enumerate(p)))
    found = score_so_far(forecast, START, None if event is None else on(event), on(now))
    line = survival(forecast, START)
    end = min(now, 10.0 * len(p))

    def squared(day: float) -> float:
        return (line.by(day) - (event is not None and event <= day)) ** 2

    breaks = [10.0 * (n + 1) for n in range(len(p))] + ([] if event is None else [event])
    inside = sorted({b for b in breaks if 0.0 < b < end})
    whole, _ = quad(squared, 0.0, end, points=inside or None, limit=200)
    assert found.integrated_brier == pytest.approx(whole / end, abs=1e-5)


def test_a_sure_miss_is_finite() -> None:
    never, surely = curve((50.0, 0.0), (90.0, 0.0)), curve((50.0, 1.0), (90.0, 1.0))
    for found in (
        score_so_far(never, START, on(10), on(20)),
        score_so_far(surely, START, None, on(60)),
    ):
        assert all(math.isfinite(getattr(found, name)) for name in SCORES)
        assert found.log_loss == pytest.approx(-math.log(1e-12), rel=1e-3)


def test_a_curve_that_falls_is_lifted_and_points_before_the_start_are_left_out() -> None:
    line = survival(curve((-5.0, 0.1), (20.0, 0.3), (40.0, 0.25), (60.0, 0.5)), START)
    assert line.days.tolist() == [0.0, 20.0, 40.0, 60.0]
    assert [line.by(day) for day in (20, 40, 60)] == pytest.approx([0.3, 0.3, 0.5])


def test_what_cannot_be_scored_says_why() -> None:
    forecast = curve((30.0, 0.2))
    with pytest.raises(ValueError, match="is not after the start"):
        score_so_far(forecast, START, None, START)
    with pytest.raises(ValueError, match="is before the start"):
        score_so_far(forecast, START, on(-1), on(5))
    with pytest.raises(ValueError, match="no point after"):
        score_so_far(curve((-1.0, 0.1)), START, None, on(5))
