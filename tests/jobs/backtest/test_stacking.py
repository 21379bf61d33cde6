"""Stacking in a walk: by the record of then, and nothing that was known later."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from forecast.backtest import BacktestTask, Forecasts
from forecast.clock import parse_instant
from jobs.backtest.origins import to_days
from jobs.backtest.stacking import PRIOR, stacked
from models.panel.facts import Facts

START = parse_instant("2000-01-01")
TASK = BacktestTask("t", "hit", 30.0, "30 days", START, START, START)
UNITS, ORIGINS = 40, 48
FIRST = to_days(START)
REFITS = [FIRST + 30.0 * 12 * year for year in range(4)]
DELAY = 400.0  # days


def world(late: frozenset[int] = frozenset()) -> tuple[Forecasts, Facts]:
    """Units of known risk; `history` knows it, `panel` is twice too sure, `logistic` is noise.

    The events of the windows at the places `late` are known long after.
    """
    rng = np.random.default_rng(5)
    unit = np.tile(np.arange(UNITS), ORIGINS)
    origin = np.repeat(FIRST + 30.0 * np.arange(ORIGINS), UNITS)
    risk = rng.normal(-2.0, 1.0, UNITS)[unit]
    happened = rng.random(len(unit)) < expit(risk)
    names = tuple(f"u{i:02}" for i in range(UNITS))
    events = [
        (names[unit[i]], "hit", origin[i] + 3.0, origin[i] + (DELAY if i in late else 4.0))
        for i in np.flatnonzero(happened)
    ]
    facts = Facts.of([(name, "sign", FIRST, FIRST, 1.0) for name in names], events)
    p = expit(2.0 * risk + 2.0)
    rows = Forecasts(
        names, unit, origin, p, p / 2, (1 + p) / 2, happened.astype(float),
        np.where(happened, origin + 3.0, np.nan),
        {"history": expit(risk), "logistic": rng.uniform(0.05, 0.3, len(unit))},
    )  # fmt: skip
    return rows, facts


def test_before_any_record_it_is_the_default_pool() -> None:
    rows, facts = world()
    found = stacked(rows, facts, TASK, REFITS)
    first = rows.origin < REFITS[1]
    members = [logit(m[first]) for m in (rows.p, *rows.baselines.values())]
    expected = expit(sum(v * m for v, m in zip(PRIOR.weights(), members, strict=True)))
    np.testing.assert_allclose(found.p[first], expected)


def test_the_record_moves_the_weights_to_who_was_right() -> None:
    rows, facts = world()
    found = stacked(rows, facts, TASK, REFITS)
    last = rows.origin >= REFITS[3]
    off = abs(logit(found.p) - logit(rows.baselines["history"]))
    assert off[last].mean() < 0.6 * off[~last & (rows.origin < REFITS[1])].mean()


def test_nothing_that_came_after_a_refit_touches_what_it_forecast() -> None:
    rows, facts = world()
    changed = replace(facts, events=facts.events.where(facts.events.known < REFITS[2]))
    ours, theirs = (stacked(rows, each, TASK, REFITS).p for each in (facts, changed))
    early = rows.origin < REFITS[3]
    np.testing.assert_array_equal(ours[early], theirs[early])
    assert (ours[~early] != theirs[~early]).any()


def test_an_event_counts_from_when_it_was_known() -> None:
    rows, facts = world()
    hits = np.flatnonzero((rows.outcome > 0) & (rows.origin < REFITS[1] - 30.0))
    late_rows, late_facts = world(frozenset(hits.tolist()))
    ours, late = (
        stacked(rows, facts, TASK, REFITS).p,
        stacked(late_rows, late_facts, TASK, REFITS).p,
    )
    second = (rows.origin >= REFITS[1]) & (rows.origin < REFITS[2])
    assert (ours[second] != late[second]).any()
    last = rows.origin >= REFITS[3]  # by then all is known
    np.testing.assert_array_equal(ours[last], late[last])


def test_the_band_goes_along_and_holds_the_number() -> None:
    rows, facts = world()
    found = stacked(rows, facts, TASK, REFITS)
    assert (found.lower <= found.p).all()
    assert (found.p <= found.upper).all()
    assert found.baselines is rows.baselines
    moved = logit(found.p) - logit(rows.p)
    np.testing.assert_allclose(logit(found.lower) - logit(rows.lower), moved, atol=1e-9)
    assert found.outcome == pytest.approx(rows.outcome)
