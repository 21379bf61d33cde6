"""Landmarks, stocks and last values against sums written out row by row."""

import numpy as np

from models.panel.clusters import at_least_chance, cluster_size
from models.panel.facts import Spans, Stream
from models.panel.landmarks import Landmarks, count_in, faded_time, landmarks, last_known, stocks

RNG = np.random.default_rng(4)
N = 200
ROWS = Stream.of(
    RNG.integers(0, 3, N),
    RNG.integers(0, 2, N),
    RNG.integers(0, 90, N).astype(float),
    RNG.integers(0, 100, N).astype(float),
    RNG.random(N),
)
MARKS = Landmarks.of(RNG.integers(0, 4, 40), RNG.integers(0, 110, 40).astype(float))


def test_stocks_are_faded_sums_of_what_was_usable() -> None:
    halves = np.array([5.0, np.inf])
    found = stocks(ROWS, 2, MARKS, halves)
    for i, (unit, origin) in enumerate(zip(MARKS.unit, MARKS.origin, strict=True)):
        for name in range(2):
            its = (ROWS.unit == unit) & (ROWS.name == name) & (ROWS.known < origin)
            age = origin - ROWS.occurred[its]
            for j, half in enumerate(halves):
                brute = (ROWS.value[its] * 2.0 ** (-age / half)).sum()
                np.testing.assert_allclose(found[i, name, j], brute, atol=1e-12)


def test_the_last_value_is_the_newest_that_was_usable() -> None:
    for lag in (0.0, 7.0):
        values, ages = last_known(ROWS, MARKS, lag)
        for i, (unit, origin) in enumerate(zip(MARKS.unit, MARKS.origin, strict=True)):
            its = np.flatnonzero((ROWS.unit == unit) & (ROWS.known < origin - lag))
            if not len(its):
                assert np.isnan(values[i])
                continue
            newest = max(its, key=lambda r: (ROWS.known[r], ROWS.occurred[r], r))
            assert values[i] == ROWS.value[newest]
            assert ages[i] == origin - ROWS.occurred[newest]


def test_a_window_holds_its_start_and_not_its_end() -> None:
    events = Stream.of(*(np.zeros(3, np.int64),) * 2, *(np.array([10.0, 20.0, 40.0]),) * 2)
    marks = Landmarks.of(np.zeros(3, np.int64), np.array([10.0, 20.0, 30.0]))
    assert count_in(events, marks, 0.0, 10.0).tolist() == [1.0, 1.0, 0.0]


def test_landmarks_lie_where_a_unit_is_at_risk() -> None:
    spans = Spans(
        np.array([0, 1, 2]), np.array([0.0, 25.0, 90.0]), np.array([np.inf, 45.0, np.inf])
    )
    marks = landmarks(spans, 70.0, 10.0)
    by_unit = [marks.origin[marks.unit == u].tolist() for u in range(3)]
    assert by_unit == [[10, 20, 30, 40, 50, 60, 70], [30, 40], []]


def test_faded_time_is_the_integral() -> None:
    age = np.linspace(0, 50, 200_001)
    halves = np.array([8.0, np.inf])
    brute = np.trapezoid(2.0 ** (-age[:, None] / halves), age, axis=0)
    np.testing.assert_allclose(faded_time(np.array([50.0]), halves)[0], brute, rtol=1e-6)


def test_counts_are_those_of_simulated_clusters() -> None:
    rng = np.random.default_rng(1)
    shape, odds, size, worlds = 1.7, 0.6, 1.8, 200_000
    clusters = rng.poisson(rng.gamma(shape, odds, worlds))
    extra = rng.negative_binomial(np.maximum(clusters, 1), 1 / size) * (clusters > 0)
    events = clusters + extra  # a geometric from 1 on is one and a geometric from 0 on
    for n in (1, 2, 3, 6):
        ours = float(at_least_chance(np.array(shape), np.array(odds), n, size))
        assert abs(ours - (events >= n).mean()) < 0.004
    assert abs(size * shape * odds - events.mean()) < 0.02


def test_a_cluster_is_what_came_over_what_was_expected_and_ten_of_one() -> None:
    weight = np.array([1.0, 0.5])
    assert cluster_size(np.array([2.0, 4.0]), np.array([1.0, 1.0]), weight) == (4.0 + 10.0) / (
        1.5 + 10.0
    )
    assert cluster_size(np.zeros(2), np.ones(2), weight) == 1.0
