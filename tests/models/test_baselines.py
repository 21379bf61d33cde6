"""References: each sees what was known at its origin, and learns from windows that had ended."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from models.baselines import (
    FLAT,
    NAMES,
    RIDGE,
    Columns,
    columns,
    forecasts,
    logistic,
    outcomes,
)
from models.covariates import Array
from models.panel.facts import Facts, Spans
from models.panel.landmarks import Landmarks

HORIZON = 10.0
UNITS = ("a", "b")
type Event = tuple[str, str, float, float]


def facts(events: list[Event], rows: list[tuple[str, str, float, float, float]] = []) -> Facts:  # noqa: B006
    """Facts of two units, watched from day 0 on."""
    return Facts.of(rows, events, [(unit, 0.0, np.inf) for unit in UNITS])


def every(step: float, last: float) -> Landmarks:
    """Both units every so many days."""
    origin = np.arange(step, last + step / 2, step)
    return Landmarks.of(np.repeat([0, 1], len(origin)), np.tile(origin, 2))


def seen(of: Facts, marks: Landmarks, **more: Any) -> Columns:
    assert of.spans is not None
    return columns(of, "hit", marks, HORIZON, 10.0, of.spans, 40.0, **more)


# Outcomes


def test_a_window_holds_the_events_from_its_start_up_to_its_end() -> None:
    of = facts([("a", "hit", 10.0, 10.0), ("a", "hit", 25.0, 40.0), ("b", "other", 12.0, 12.0)])
    held = outcomes(of, "hit", every(10.0, 30.0), HORIZON)
    assert held.first.tolist() == [10.0, 25.0, np.inf, np.inf, np.inf, np.inf]
    assert held.known.tolist() == [10.0, 40.0, np.inf, np.inf, np.inf, np.inf]
    assert held.ended.tolist() == [20.0, 30.0, 40.0] * 2


@given(st.lists(st.tuples(st.sampled_from(UNITS), st.integers(0, 60), st.integers(0, 30))))
def test_outcomes_are_those_of_looking_at_every_event(
    happened: list[tuple[str, int, int]],
) -> None:
    events = [(u, "hit", float(day), float(day + late)) for u, day, late in happened]
    marks = every(5.0, 50.0)
    held = outcomes(facts(events), "hit", marks, HORIZON)
    for row, (unit, origin) in enumerate(zip(marks.unit, marks.origin, strict=True)):
        inside = [e for e in events if e[0] == UNITS[unit] and origin <= e[2] < origin + HORIZON]
        assert held.first[row] == min([e[2] for e in inside], default=np.inf)
        assert held.known[row] == min([e[3] for e in inside], default=np.inf)


# What a row sees


def test_windows_count_once_they_have_ended_and_hits_once_they_are_known() -> None:
    of = facts([("a", "hit", 12.0, 12.0), ("a", "hit", 25.0, 45.0)])
    found = seen(of, every(10.0, 60.0))
    assert found.windows[:6].tolist() == [0, 1, 2, 3, 4, 5]
    # the window of day 10 ended on day 20; that of day 20 was known as a hit on day 45
    assert found.hits[:6].tolist() == [0, 1, 1, 1, 2, 2]
    assert found.hits[6:].tolist() == [0] * 6
    assert found.lately[:6].tolist() == [0, 1, 0, 0, 0, 0]


def test_overlapping_windows_count_as_the_part_of_one() -> None:
    of = facts([("a", "hit", 12.0, 12.0)])
    assert of.spans is not None
    found = columns(of, "hit", every(5.0, 60.0), HORIZON, 5.0, of.spans, 40.0)
    whole = seen(of, every(10.0, 60.0))
    assert found.windows[11] == 5.0  # ten windows of ten days, five days apart
    assert (found.hits[11], whole.hits[5]) == (1.0, 1.0)


LATER = [("a", "hit", 20.0, 55.0), ("b", "hit", 52.0, 52.0), ("a", "other", 30.0, 60.0)]
ROWS = [("a", "news", 3.0, 4.0, 1.0), ("b", "level", 5.0, 5.0, 7.0), ("a", "news", 20.0, 21.0, 1.0)]
LATER_ROWS = [("a", "news", 10.0, 70.0, 1.0), ("b", "level", 60.0, 60.0, 9.0)]


def test_what_is_known_later_changes_no_row_of_before() -> None:
    events = [("a", "hit", 12.0, 12.0), ("b", "other", 15.0, 15.0)]
    marks = every(10.0, 50.0)
    now = seen(facts(events, ROWS), marks, levels=("level",))
    then = seen(facts(events + LATER, ROWS + LATER_ROWS), marks, levels=("level",))
    for name in ("windows", "hits", "lately", "own", "watched", "of_class", "tags", "levels"):
        assert np.array_equal(getattr(now, name), getattr(then, name), equal_nan=True), name


def test_whether_a_tag_is_a_level_is_told_from_what_was_usable_when_forecasts_began() -> None:
    gauge = [("a", "gauge", float(d), float(d), float(d % 7)) for d in range(0, 39, 2)]
    chaos = [("a", "gauge", 41.0 + d**2 / 9, 41.0 + d**2 / 9, 1.0) for d in range(60)]
    marks = every(10.0, 50.0)
    assert seen(facts([], gauge + chaos), marks).levels.shape[1] > 0
    assert seen(facts([], chaos), marks).levels.shape[1] == 0


# What is learnt


def learnt(of: Facts, last: float, as_of: float) -> tuple[dict[str, Array], Array]:
    """Forecasts of both units at the last origin, and the outcomes that they were learnt from."""
    marks = every(10.0, last)
    held = outcomes(of, "hit", marks, HORIZON)
    past = held.ended <= as_of
    happened = (held.known[past] < as_of).astype(float)
    return forecasts(seen(of, marks), past, happened, marks.origin == last), happened


BUSY = [("a", "hit", 10.0 * n + 1, 10.0 * n + 1) for n in range(1, 40, 2)]


def test_every_reference_gives_a_probability() -> None:
    found, _ = learnt(facts(BUSY, ROWS), 400.0, 400.0)
    assert tuple(found) == NAMES
    for p in found.values():
        assert p.shape == (2,)
        assert np.all((p > 0) & (p < 1))


def test_pooled_is_the_share_of_windows_with_an_event() -> None:
    found, happened = learnt(facts(BUSY), 400.0, 400.0)
    expected = (happened.sum() + 0.5) / (len(happened) + 1)
    assert found["pooled"].tolist() == [expected, expected]


def test_a_unit_is_told_apart_from_the_pool_as_far_as_units_differ() -> None:
    found, _ = learnt(facts(BUSY), 400.0, 400.0)
    busy, calm = found["unit"]
    assert calm < 0.05 < found["pooled"][0] < 0.45 < busy < 0.51


def test_alike_units_are_given_the_pooled_share() -> None:
    alike = [(unit, "hit", 10.0 * n + 1, 10.0 * n + 1) for unit in UNITS for n in range(1, 40, 2)]
    found, _ = learnt(facts(alike), 400.0, 400.0)
    assert found["unit"] == pytest.approx(found["pooled"], abs=0.005)


def test_persistence_is_two_rates() -> None:
    found, _ = learnt(facts(BUSY), 400.0, 400.0)
    # at day 400 the last window of the busy unit held a hit; after such a one none ever came
    after_hit, after_none = found["persistence"]
    assert after_hit < 0.05
    assert 0.2 < after_none < 0.5


def test_without_a_window_that_has_ended_every_forecast_is_one_half() -> None:
    found, _ = learnt(facts(BUSY), 400.0, -1.0)
    for name in set(NAMES) - {"unit"}:
        assert found[name] == pytest.approx([0.5, 0.5])


def test_the_logistic_is_at_the_mode_of_its_posterior() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(3.0, 2.0, (200, 3))
    raw[:, 2] = 1.0  # says nothing, and is left out
    y = (rng.random(200) < expit(0.5 * raw[:, 0] - 2)).astype(float)
    every_row = np.ones(200, bool)
    p = logistic(raw, every_row, y, every_row, RIDGE)
    z = (raw[:, :2] - raw[:, :2].mean(axis=0)) / raw[:, :2].std(axis=0)
    x = np.column_stack([np.ones(200), z])

    def loss(beta: Array) -> float:
        eta = x @ beta
        shrunk = FLAT * beta[0] ** 2 + RIDGE * beta[1:] @ beta[1:]
        return float(np.logaddexp(0, eta).sum() - y @ eta + 0.5 * shrunk)

    mode = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    assert p == pytest.approx(expit(x @ mode), abs=1e-5)


def test_what_is_missing_is_at_its_mean() -> None:
    raw = np.array([[1.0], [2.0], [3.0], [np.nan]])
    every_row, y = np.ones(4, bool), np.array([0.0, 1.0, 1.0, 0.0])
    p = logistic(raw, every_row, y, every_row, RIDGE)
    assert p[3] == pytest.approx(p[1])


def test_the_class_is_counted_over_the_time_that_its_units_were_watched() -> None:
    whole = facts(BUSY)
    half = replace(whole, spans=Spans(np.array([0]), np.array([0.0]), np.array([np.inf])))
    marks = every(10.0, 100.0)
    apart = seen(half, marks).of_class - seen(whole, marks).of_class
    assert apart[-1] == pytest.approx(np.log(2), abs=0.05)  # twice as often in half the time
