"""Facts that cannot teach: a clear finding and a sane answer, never a crash."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.errors import InputError
from models.panel.facts import Facts, Stream
from models.panel.fitted import PanelFit
from models.panel.learn import fit
from models.panel.lesson import prepare
from models.panel.settings import Settings

FEW = Settings(draws=100, weigh=False, shrinkage=(0.03, 0.1), windows=2000)
ROW = tuple[str, str, float, float, float]
FOREVER = float("inf")


def panel(units: int, event_days: dict[int, list[float]], rows: list[ROW] | None = None) -> Facts:
    """Units u0, u1, ... watched from day 0, with events on these days."""
    return Facts.of(
        rows or [],
        [(f"u{u}", "hit", day, day) for u, days in event_days.items() for day in days],
        [(f"u{u}", 0.0, FOREVER) for u in range(units)],
    )


def learn(facts: Facts, as_of: float = 1000.0) -> tuple[PanelFit, np.ndarray]:
    found = fit(facts, "hit", as_of, 10.0, FEW)
    p = found.predict(facts, as_of).p
    assert np.isfinite(p).all()
    assert ((p > 0) & (p < 1)).all()
    return found, p


def has(found: PanelFit, words: str) -> bool:
    return any(words in finding for finding in found.findings)


def test_no_events_leave_a_low_rate() -> None:
    found, p = learn(panel(5, {}))
    assert has(found, "no event hit in")
    assert p.max() < 0.02


def test_events_in_every_window_leave_a_high_rate() -> None:
    found, p = learn(panel(2, {u: list(np.arange(1.0, 1000.0, 2.0)) for u in range(2)}))
    assert has(found, "every window has an event")
    assert p.min() > 0.9


def test_one_unit_says_so() -> None:
    found, p = learn(panel(1, {0: [100.0, 430.0, 777.0]}))
    assert has(found, "one unit only")
    assert 0.005 < p[0] < 0.12


def test_before_anything_was_watched_the_prior_speaks() -> None:
    facts = panel(2, {0: [500.0]})
    found, p = learn(facts, as_of=5.0)
    assert has(found, "only the priors speak")
    assert p == pytest.approx(np.full(2, p[0]))


def test_no_facts_at_all() -> None:
    found = fit(Facts.of([], []), "hit", 10.0, 5.0, FEW)
    assert has(found, "only the priors speak")
    assert found.predict(Facts.of([], []), 10.0).p.shape == (0,)


def test_a_column_that_never_changes_or_repeats_is_left_out() -> None:
    rng = np.random.default_rng(0)
    rows: list[ROW] = []
    for day in rng.uniform(0, 990, 60):
        unit = f"u{rng.integers(4)}"
        rows += [(unit, tag, day, day, 1.0) for tag in ("one", "copy")]
    rows.append(("u0", "late", 995.0, 995.0, 1.0))
    found, _ = learn(panel(4, {0: [50.0, 300.0], 2: [700.0]}, rows))
    assert has(found, "late, half-life 10 days")
    assert has(found, "repeats another")
    assert {c.of for c in found.made.columns if c.kind == "tag"} in ({"one"}, {"copy"})


def test_a_million_rows_of_nothing() -> None:
    n = 1_000_000
    rng = np.random.default_rng(0)
    days = rng.uniform(0, 990, n)
    facts = panel(4, {0: [50.0, 300.0], 2: [700.0]}, [("u0", "zero", 1.0, 1.0, 0.0)])
    tag = np.zeros(n, np.int64)
    rows = Stream.of(rng.integers(0, 4, n), tag, days, days, np.zeros(n))
    whole = Facts(facts.units, facts.tags, facts.kinds, rows, facts.events, facts.spans)
    found, p = learn(whole)
    assert has(found, "zero, half-life 2.5 days")
    np.testing.assert_allclose(p, learn(facts)[1], rtol=1e-9)


def test_perfect_separation_is_held_by_the_prior() -> None:
    """A gauge jumps a day before each ten days that hold an event, and never else."""
    rng = np.random.default_rng(1)
    events = {u: list(np.arange(45.0 + 10 * u, 1000.0, 240.0)) for u in range(6)}
    rows = [
        (f"u{u}", "gauge", day, day, rng.normal() + 50 * (day + 6 in events[u]))
        for u in range(6) for day in np.arange(0.0, 1000.0)
    ]  # fmt: skip
    facts = panel(6, events, rows)
    found = fit(facts, "hit", 1000.0, 10.0, replace(FEW, step=1.0))
    assert has(found, "gauge")
    assert has(found, "parts windows with an event from all others")
    assert np.isfinite(found.draws).all()
    safe, near = found.predict(facts, 990.0).p, found.predict(facts, 40.0).p
    assert safe.max() < 0.05 < near.max() < 0.98


def test_an_event_before_exposure_is_history_and_nothing_else() -> None:
    facts = Facts.of(
        [], [("u0", "hit", -50.0, -50.0), ("u1", "hit", 300.0, 300.0)],
        [("u0", 0.0, FOREVER), ("u1", 0.0, FOREVER)],
    )  # fmt: skip
    found, _ = learn(facts)
    assert found.draws.shape[0] == 100


def test_a_level_that_went_silent_is_missing_and_not_stuck() -> None:
    rng = np.random.default_rng(2)
    rows = [
        (f"u{u}", "gauge", day, day, float(rng.normal()))
        for u in range(4) for day in np.arange(0.0, 500.0, 5.0)
    ]  # fmt: skip
    facts = panel(4, {u: list(rng.uniform(10, 990, 5)) for u in range(4)}, rows)
    found, _ = learn(facts)
    assert "gauge" in {c.of for c in found.made.columns if c.kind == "level"}
    changed = [(u, t, o, k, 99.0 if o > 490 else v) for u, t, o, k, v in rows]
    other = found.predict(panel(4, {}, changed), 1000.0).p
    np.testing.assert_allclose(other, found.predict(panel(4, {}, rows), 1000.0).p)
    assert not np.allclose(
        found.predict(panel(4, {}, rows), 499.0).p, found.predict(panel(4, {}, changed), 499.0).p
    )


@pytest.mark.parametrize("place", ["value", "known", "unit"])
def test_rows_that_are_not_facts_are_refused(place: str) -> None:
    unit, code = np.array([7 if place == "unit" else 0]), np.zeros(1, np.int64)
    known, value = (np.array([np.nan if place == name else 0.0]) for name in ("known", "value"))
    rows = Stream.of(unit, code, np.zeros(1), known, value)
    none = Stream.of(code[:0], code[:0], np.zeros(0), np.zeros(0))
    with pytest.raises(InputError):
        Facts(("u0",), ("tag",), (), rows, none)


def test_short_horizons_keep_every_event_among_few_windows() -> None:
    rng = np.random.default_rng(5)
    days = {u: sorted(rng.uniform(0, 2000, 20)) for u in range(5)}
    facts = panel(5, days)
    lesson = prepare(facts, "hit", 2000.0, 1.0, replace(FEW, windows=1000))
    assert len(lesson.windows.x) == 1000
    assert lesson.windows.weight @ lesson.windows.happened == pytest.approx(100, abs=5)
    assert len(np.unique(lesson.windows.weight)) == 2
    assert lesson.windows.weight.sum() == pytest.approx(5 * 2000, rel=0.01)
    assert lesson.made.rate == pytest.approx(100 / (5 * 2000), rel=0.05)


def test_a_rate_believed_against_all_that_was_seen_is_a_finding() -> None:
    facts = panel(4, {u: [100.0 + u, 400.0, 800.0] for u in range(4)})
    doubted = fit(facts, "hit", 1000.0, 10.0, replace(FEW, log_rate=(float(np.log(0.5)), 0.3)))
    assert has(doubted, "as often as was believed")
    agreed = fit(facts, "hit", 1000.0, 10.0, replace(FEW, log_rate=(float(np.log(0.003)), 0.3)))
    assert not has(agreed, "as often as was believed")


def test_only_windows_that_have_ended_teach() -> None:
    lesson = prepare(panel(3, {1: [500.0]}), "hit", 1003.0, 40.0, FEW)
    assert len(lesson.windows.x) == 3 * len(np.arange(963.0, 0.0, -40.0 * FEW.step))


def test_windows_begin_where_training_does_and_older_facts_are_still_heard() -> None:
    hits = {1: [100.0, 200.0, 700.0], 2: [150.0, 800.0]}
    whole = prepare(panel(3, hits), "hit", 1003.0, 40.0, FEW)
    late = prepare(panel(3, hits), "hit", 1003.0, 40.0, replace(FEW, since=500.0))
    assert late.windows.weight.sum() < 0.7 * whole.windows.weight.sum()
    assert late.counts.sum() < whole.counts.sum()
    # what came before is history all the same: of units 1 and 2 more than of the third
    history = [i for i, c in enumerate(late.made.columns) if c.kind == "history"][-1]
    first = [late.windows.x[late.windows.unit == unit, history][0] for unit in (0, 1, 2)]
    assert len(set(np.round(first, 6))) > 1
