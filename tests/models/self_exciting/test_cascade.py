"""What is still to come: closed forms and simulation, day by day and life by life."""

import math

import numpy as np
import pytest

from models.covariates import Array
from models.self_exciting.cascade import Ahead, days_ahead, power_series_exp

LIVES = 100_000
NOW, HORIZON = 3.3, 40.0
MU, N, DECAY = 0.08, 0.6, math.exp(-1 / 5)
LEFT, TODAY = 1.7, 1  # of earlier events, and of those of today, which count from tomorrow
ONE = np.ones(1)


def ahead(mu: float = MU, n: float = N, left: float = LEFT, today: int = TODAY) -> Ahead:
    width = days_ahead(NOW, HORIZON)
    expected = []
    for day, length in enumerate(width):
        expected.append(length * (mu + n * (1 - DECAY) * left))
        left = DECAY * left + (today if day == 0 else 0)
    return Ahead(width, np.array(expected)[:, None], np.array([n]), np.array([DECAY]))


@pytest.fixture(scope="module")
def lives() -> Array:
    """Days of what happens (life, day), lived from the intensity of each day forward."""
    rng = np.random.default_rng(4)
    width = days_ahead(NOW, HORIZON)
    left = np.full(LIVES, LEFT)
    found = np.empty((LIVES, len(width)))
    for day, length in enumerate(width):
        found[:, day] = rng.poisson(length * (MU + N * (1 - DECAY) * left))
        left = DECAY * left + found[:, day] + (TODAY if day == 0 else 0)
    return found


def seen(lives: Array, start: float, end: float, share: float) -> Array:
    """How many events of a kind (life,) each life has in a window."""
    rng = np.random.default_rng(5)
    part = ahead().inside(start, np.array([end]))[0] / days_ahead(NOW, HORIZON)
    return np.asarray(rng.binomial(lives.astype(int), share * part).sum(axis=1))


def test_the_days_ahead_begin_with_what_is_left_of_today() -> None:
    assert days_ahead(3.3, 2.5) == pytest.approx([0.7, 1.0, 0.8])
    assert days_ahead(3.0, 2.0) == pytest.approx([1.0, 1.0])
    assert days_ahead(3.9, 0.05) == pytest.approx([0.05])


def test_a_window_takes_parts_of_days() -> None:
    inside = ahead().inside(0.5, np.array([0.6, 2.0]))
    assert inside[0, :2] == pytest.approx([0.1, 0.0])
    assert inside[1, :4] == pytest.approx([0.2, 1.0, 0.3, 0.0])


def test_the_exponential_of_a_power_series() -> None:
    series = np.array([0.3, -1.0, 0.5, 0.2, -0.1])
    z = 0.01
    exact = math.exp(sum(a * z**k for k, a in enumerate(series)))
    assert sum(c * z**k for k, c in enumerate(power_series_exp(series))) == pytest.approx(
        exact, rel=1e-10
    )


def test_the_compensator_by_hand() -> None:
    # half of the memory goes each day: 0.5 (0.5 + 0.25) of one event felt in full from today
    found = Ahead(np.ones(2), np.array([[0.1 + 0.25], [0.1 + 0.125]]), np.array([0.5]), ONE / 2)
    inside = found.inside(0.0, np.array([1.0, 1.5, 2.0]))
    exact = [0.35, 0.35 + 0.1125, 0.575]
    assert found.any(inside)[:, 0] == pytest.approx([1 - math.exp(-h) for h in exact], rel=1e-12)


def test_the_next_event_needs_no_cascade() -> None:
    inside = ahead().inside(0.0, np.array([0.4, 5.0, 40.0]))
    by_cascade = 1 - ahead().fewer(inside, ONE, 1)[0]
    assert ahead().any(inside) == pytest.approx(by_cascade, rel=1e-12)


@pytest.mark.parametrize(
    ("start", "end", "share"), [(0.0, 12.0, 1.0), (0.0, 40.0, 0.4), (10.5, 30.2, 1.0), (5, 9, 0.3)]
)
def test_the_law_of_the_count_is_that_of_many_lives(
    lives: Array, start: float, end: float, share: float
) -> None:
    counts = seen(lives, start, end, share)
    inside = ahead().inside(start, np.array([end]))
    law = ahead().fewer(inside, ONE * share, 6)[:, 0, 0]
    for k, p in enumerate(law):
        assert p == pytest.approx(np.mean(counts == k), abs=4.5 * math.sqrt(p * (1 - p) / LIVES))
    mean = ahead().mean(inside[0], ONE * share)[0]
    assert mean == pytest.approx(counts.mean(), abs=4.5 * counts.std() / math.sqrt(LIVES))


@pytest.mark.parametrize(("start", "end"), [(3.0, 25.0), (0.0, HORIZON)])
def test_the_law_sums_to_one_and_to_the_mean(start: float, end: float) -> None:
    inside = ahead().inside(start, np.array([end]))
    law = ahead().fewer(inside, ONE * 0.7, 120)[:, 0, 0]
    assert law.sum() == pytest.approx(1.0, abs=1e-12)
    assert law @ np.arange(120) == pytest.approx(ahead().mean(inside[0], ONE * 0.7)[0], rel=1e-9)


def test_without_branching_counts_are_poisson() -> None:
    inside = ahead(n=0.0).inside(2.0, np.array([20.0]))
    mean = 18 * MU * 0.5
    law = ahead(n=0.0).fewer(inside, ONE * 0.5, 4)[:, 0, 0]
    exact = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(4)]
    assert law == pytest.approx(exact, rel=1e-12)
    assert ahead(n=0.0).mean(inside[0], ONE * 0.5) == pytest.approx(mean)


def test_in_the_long_run_each_background_event_comes_to_a_whole_family() -> None:
    width = days_ahead(0.0, 3000.0)
    steady = Ahead(width, np.full((3000, 1), MU), np.array([N]), np.array([DECAY]))
    inside = steady.inside(1000.0, np.array([1100.0]))
    assert steady.mean(inside[0], ONE)[0] == pytest.approx(100 * MU / (1 - N), rel=1e-9)


def test_no_event_by_one_day_and_by_a_later_one_follow_the_chain_rule() -> None:
    """P(T2) = P(T1) + (1 - P(T1)) P(T2 | none by T1): after silence only what was left is left."""
    first, last = 10.7, 30.0  # the first ends with a day
    whole = ahead()
    p = whole.any(whole.inside(0.0, np.array([first, last])))[:, 0]
    silent = len(days_ahead(NOW, first))
    later = Ahead(whole.width[silent:], whole.expected[silent:], whole.branching, whole.decay)
    then = later.any(later.inside(0.0, np.array([last - first])))[0, 0]
    assert p[1] == pytest.approx(p[0] + (1 - p[0]) * then, rel=1e-12)


def test_parts_of_a_kind_and_the_rest_make_up_the_whole() -> None:
    inside = ahead().inside(0.0, np.array([25.0]))
    part, rest = (ahead().mean(inside[0], ONE * q)[0] for q in (0.3, 0.7))
    assert part + rest == pytest.approx(ahead().mean(inside[0], ONE)[0], rel=1e-12)


def test_draws_and_windows_do_not_mix() -> None:
    one, other = ahead(), ahead(mu=0.2, n=0.3, left=0.0)
    both = Ahead(
        one.width,
        np.concatenate([one.expected, other.expected], axis=1),
        np.concatenate([one.branching, other.branching]),
        np.concatenate([one.decay, other.decay]),
    )
    windows = both.inside(2.0, np.array([3.0, 9.5, 40.0]))
    law = both.fewer(windows, np.array([0.5, 0.9]), 3)
    for place, (single, share) in enumerate(((one, 0.5), (other, 0.9))):
        for window in range(3):
            alone = single.fewer(windows[[window]], ONE * share, 3)[:, 0, 0]
            assert law[:, window, place] == pytest.approx(alone, rel=1e-12)
