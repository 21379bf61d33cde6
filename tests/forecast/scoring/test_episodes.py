"""Episodes against small cases by hand, and their matching against one found by brute force."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from forecast.alert import clear_line
from forecast.backtest import Forecasts
from forecast.scoring.episodes import (
    THRESHOLDS,
    Episode,
    Path,
    alert_scores,
    paths_of,
    replay,
    score_paths,
    told,
)
from forecast.scoring.results import AlertScore


def path(p: list[float], events: list[float], spacing: float = 10.0) -> Path:
    at = spacing * np.arange(len(p), dtype=float)
    return Path(at, np.array(p), np.array(events, dtype=float), spacing * len(p))


def spans(p: list[float], events: list[float], horizon: float = 30.0) -> list[tuple[float, float]]:
    found = replay(path(p, events), horizon, fire_at=0.5, clear_at=0.3, step=10.0)
    return [(e.rang_at, e.over_at) for e in found.episodes]


@pytest.mark.parametrize(
    ("p", "events", "expected"),
    [
        ([0.1, 0.2, 0.4], [], []),
        ([0.1, 0.5, 0.4, 0.3, 0.4], [], [(10.0, 30.0)]),  # it stands between the lines
        ([0.5, 0.3, 0.5, 0.3], [], [(0.0, 10.0), (20.0, 30.0)]),
        ([0.1, 0.6, 0.6, 0.6], [24.0], [(10.0, 24.0), (30.0, 60.0)]),  # and rings anew
        ([0.1, 0.6, 0.4, 0.4], [24.0], [(10.0, 24.0)]),  # unless it stands below the line
        ([0.1, 0.6], [], [(10.0, 40.0)]),  # forecasts end: their last window counts
        ([0.1, 0.6], [40.0], [(10.0, 40.0)]),
        ([0.1, 0.6], [40.5], [(10.0, 40.0)]),
        ([0.6, 0.2], [0.0], [(0.0, 0.0)]),  # at the very moment of the forecast
    ],
)  # fmt: skip
def test_an_episode_lasts_to_its_event_the_all_clear_or_the_last_window(
    p: list[float], events: list[float], expected: list[tuple[float, float]]
) -> None:
    assert spans(p, events) == expected


def test_a_unit_that_is_not_at_risk_has_no_open_episode() -> None:
    apart = Path(np.array([0.0, 10.0, 100.0, 110.0]), np.full(4, 0.6), np.array([]), 120.0)
    found = replay(apart, 30.0, 0.5, 0.3, step=10.0)
    assert found.episodes == (Episode(0.0, 40.0), Episode(100.0, 140.0))
    assert replay(apart, 30.0, 0.5, 0.3).episodes == (Episode(0.0, 140.0),)


def test_a_question_is_watched_to_its_end() -> None:
    question = Path(np.array([0.0, 3.0]), np.array([0.2, 0.6]), np.array([]), 21.0)
    assert replay(question, math.inf, 0.5, 0.3).episodes == (Episode(3.0, 21.0),)
    answered = Path(question.at, question.p, np.array([20.0]), 20.0)
    score = score_paths([answered, question], math.inf, 0.5)
    assert (score.hits, score.false_alarms, score.misses) == (1, 1, 0)
    assert score.lead_days == (17.0,) * 5
    assert score.false_alarms_per_100_weeks == pytest.approx(100 / (41 / 7))


def test_one_event_makes_one_hit() -> None:
    """Two rings within a horizon of one event: one told it, the other is a false alarm."""
    score = score_paths([path([0.5, 0.1, 0.5, 0.1, 0.1], [25.0])], 30.0, 0.5, 0.3, step=10.0)
    assert (score.episodes, score.hits, score.false_alarms, score.misses) == (2, 1, 1, 0)
    assert score.precision == 0.5
    assert score.recall == 1.0


def test_an_event_after_the_horizon_of_a_ring_counts_only_while_it_lasts() -> None:
    stands, cleared = [0.5, 0.4, 0.4, 0.4, 0.4, 0.4], [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert score_paths([path(stands, [45.0])], 30.0, 0.5, 0.3, step=10.0).hits == 1
    assert score_paths([path(cleared, [45.0])], 30.0, 0.5, 0.3, step=10.0).misses == 1
    assert score_paths([path(cleared, [30.0])], 30.0, 0.5, 0.3, step=10.0).hits == 1


moments = st.lists(st.integers(0, 60), max_size=8, unique=True).map(sorted)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 25)), max_size=7),
    moments,
    st.integers(0, 20),
)
def test_no_other_matching_makes_more_pairs(
    drawn: list[tuple[int, int]], events: list[int], horizon: int
) -> None:
    episodes = sorted((Episode(float(a), float(a + d)) for a, d in drawn), key=lambda e: e.rang_at)
    found = told(episodes, np.array(events, dtype=float), float(horizon))
    assert all(lead >= 0.0 for lead in found)
    most = 0
    if episodes and events:
        fits = [
            [e.rang_at <= t <= max(e.rang_at + horizon, e.over_at) for t in events]
            for e in episodes
        ]
        pairs = maximum_bipartite_matching(csr_array(np.array(fits, dtype=int)))
        most = int((pairs >= 0).sum())
    assert len(found) == most


ps = st.lists(st.integers(0, 10).map(lambda n: n / 10), min_size=1, max_size=20)


@given(st.lists(st.tuples(ps, moments), min_size=1, max_size=4), st.sampled_from([0.2, 0.5, 0.8]))
def test_everything_is_counted_once(
    drawn: list[tuple[list[float], list[int]]], line: float
) -> None:
    paths = [path(p, [float(t) for t in events], spacing=3.0) for p, events in drawn]
    found = score_paths(paths, 7.0, line, step=3.0)
    assert found.hits + found.misses == sum(len(e) for _, e in drawn)
    assert found.hits + found.false_alarms == found.episodes
    assert len(found.lead_days) == (5 if found.hits else 0)
    assert found.value is None or found.value <= 1.0 + 1e-9


@given(ps, moments)
def test_episodes_follow_one_another(p: list[float], events: list[int]) -> None:
    found = replay(path(p, [float(t) for t in events], 3.0), 7.0, 0.5, 0.3, 3.0).episodes
    assert all(e.rang_at <= e.over_at for e in found)
    assert all(a.over_at <= b.rang_at for a, b in pairwise(found))


def test_rates_are_of_the_time_at_risk() -> None:
    score = score_paths([path([0.5, 0.1, 0.5, 0.1] * 5, [])], 5.0, 0.5, 0.3, step=10.0)
    assert score.episodes == 10
    assert score.false_alarms_per_100_weeks == pytest.approx(10 / (200 / 7) * 100)
    assert score.flip_flops == pytest.approx(20 / (200 / 365.25))
    assert score.recall is None
    assert score.value is None
    # not at risk from the second forecast's step to the third
    apart = Path(np.array([0.0, 10.0, 500.0]), np.array([0.5, 0.1, 0.1]), np.array([]), 510.0)
    found = score_paths([apart], 5.0, 0.5, 0.3, step=10.0)
    assert found.false_alarms_per_100_weeks == pytest.approx(1 / (30 / 7) * 100)


def test_leads_are_quantiles_from_ring_to_event() -> None:
    paths = [path([0.5, 0.5, 0.5], [float(days)]) for days in (2, 4, 6, 8, 10)]
    found = score_paths(paths, 30.0, 0.5, step=10.0)
    assert found.lead_days == pytest.approx((2.8, 4.0, 6.0, 8.0, 9.2))


def test_who_knows_is_worth_1_and_who_never_acts_nothing() -> None:
    events = [12.0, 44.0]
    came = [float(any(t <= e <= t + 10 for e in events)) for t in range(0, 100, 10)]
    assert sum(came) == 2
    knows = score_paths([path(came, events)], 10.0, 0.5, 0.3, step=10.0)
    assert knows.value == pytest.approx(1.0)
    silent = score_paths([path([0.1] * 10, events)], 10.0, 0.5, 0.3, step=10.0)
    assert silent.value == pytest.approx(0.0)


def test_value_is_richardsons() -> None:
    """Acts 3 times in 10, rightly once; an event in 2 of 10 windows; cost-loss ratio 0.5."""
    p = [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1]
    found = score_paths([path(p, [25.0, 85.0])], 9.0, 0.5, 0.3, step=10.0)
    hit_rate, false_rate, s, a = 1 / 2, 2 / 8, 0.2, 0.5
    expected = (min(a, s) - false_rate * a * (1 - s) + hit_rate * s * (1 - a) - s) / (
        min(a, s) - s * a
    )
    assert found.value == pytest.approx(expected)
    assert expected < 0


def test_an_event_at_the_end_of_a_window_is_not_in_it() -> None:
    assert score_paths([path([0.1, 0.9], [20.0])], 10.0, 0.5, step=10.0).value is None


def walk() -> Forecasts:
    """Two units, three origins, rows in no order; one event is in two windows."""
    unit, origin = np.array([1, 0, 1, 0, 0]), np.array([0.0, 30.0, 30.0, 0.0, 60.0])
    p = np.array([0.6, 0.6, 0.1, 0.1, 0.2])
    event_at = np.array([np.nan, 70.0, np.nan, 70.0, 70.0])
    return Forecasts(
        ("a", "b"), unit, origin, p, p, p, np.isfinite(event_at).astype(float), event_at
    )


def test_a_walk_is_a_path_a_unit_in_order_of_time() -> None:
    paths, step = paths_of(walk())
    assert step == 30.0
    assert [found.at.tolist() for found in paths] == [[0.0, 30.0, 60.0], [0.0, 30.0]]
    assert [found.p.tolist() for found in paths] == [[0.1, 0.6, 0.2], [0.6, 0.1]]
    assert [found.events.tolist() for found in paths] == [[70.0], []]


def test_the_curve_of_a_walk_has_a_score_at_each_line() -> None:
    low, high = alert_scores(walk(), 90.0, (0.5, 0.7))
    assert (low.episodes, low.hits, low.misses, low.false_alarms) == (2, 1, 0, 1)
    assert low.lead_days == (40.0,) * 5
    assert low.clear_at == clear_line(0.5)
    assert (high.episodes, high.hits, high.misses) == (0, 0, 1)
    assert high.precision is None
    assert len(alert_scores(walk(), 90.0)) == len(THRESHOLDS)


def test_no_forecasts_ring_nothing() -> None:
    nothing = np.array([])
    codes = np.array([], dtype=np.int64)
    empty = Forecasts((), codes, *(nothing,) * 6)
    for found in alert_scores(empty, 30.0):
        assert isinstance(found, AlertScore)
        assert (found.episodes, found.misses, found.value) == (0, 0, None)


@pytest.mark.parametrize(("fire", "clear"), [(0.0, None), (1.0, None), (0.5, 0.6), (0.5, 0.0)])
def test_lines_that_cannot_be_are_refused(fire: float, clear: float | None) -> None:
    with pytest.raises(ValueError, match="are not 1 > fire >= clear > 0"):
        score_paths([], 30.0, fire, clear)
