"""What is walked over a class by default is what a watch publishes: panel, history and logistic."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from forecast.clock import parse_instant
from forecast.estimate import Estimate
from forecast.evidence import Event, Outcome, Report, Resolution
from forecast.question import Question
from jobs.app import App, open_app
from jobs.backtest.asked import Asked
from jobs.backtest.desk import from_watch
from jobs.backtest.origins import to_days
from jobs.backtest.run import backtest
from jobs.decisions import Occasion
from jobs.executor import Here
from jobs.update import update_questions
from tests.command import run

START = parse_instant("2022-01-01")
DAYS = 900
WATCH = """
[watch]
title = "Strikes"

[definitions.strike]
model = "pool"
base_rate = "5%..40% per quarter"
recurrent = true
learns = {{ units = ["plant-*"], horizon = "30 days", every = "100 days" }}
{pool}
"""
POOL = 'pool = { families = ["panel", "history", "logistic"] }'
UNITS = {f"plant-{name}": every for name, every in zip("abcdefgh", range(20, 180, 20), strict=True)}
WEIGHTS = {"panel": 0.6, "history": 0.2, "logistic": 0.2}


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def fill(app: App) -> None:
    """Each plant strikes at a rate of its own, mostly some days after a ballot."""
    rng = np.random.default_rng(3)
    for unit, every in UNITS.items():
        at = np.sort(rng.uniform(1, DAYS + 60, rng.poisson(DAYS / every)))
        events = [
            Event(f"{unit}{i}", unit, "strike", day(d), day(d + 0.5)) for i, d in enumerate(at)
        ]
        ballots = [*(at - rng.uniform(2, 9, len(at))), *rng.uniform(0, DAYS + 60, 5)]
        reports = [
            Report(f"{unit}r{i}", unit, "ballot", day(d), day(d + 0.5))
            for i, d in enumerate(ballots)
        ]
        app.store.add_events(events, day(0))
        app.store.add_reports(reports, day(0))
        app.store.add_questions([ask(unit, unit, DAYS)], day(0))


def ask(name: str, unit: str, opens: float) -> Question:
    return Question(name, name, unit, "strike", day(opens), day(opens + 30))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "watch.toml").write_text(WATCH.format(pool=POOL))
    with open_app(tmp_path) as app:
        fill(app)
        yield app


def desk(app: App, pool: str, model: str = "pool") -> App:
    """The same watch, pooled otherwise."""
    text = WATCH.format(pool=pool).replace('model = "pool"', f'model = "{model}"')
    (app.watch.folder / "watch.toml").write_text(text)
    return open_app(app.watch.folder)


def updated(app: App, at: float = DAYS) -> dict[str, Estimate]:
    asked = app.store.questions(tuple(UNITS))
    found = update_questions(app, asked, day(at), Occasion(day(at), rings=False))
    assert found.failures == []
    return {e.question_id: e for e in found.estimates}


def said(estimate: Estimate, what: str) -> dict[str, float]:
    kept = estimate.diagnostics
    return {n.removeprefix(what): p for n, p in kept.items() if n.startswith(what)}


def test_an_update_publishes_the_pool_of_what_the_class_taught(app: App) -> None:
    done = run("update", "--as-of", day(DAYS).isoformat(), folder=app.watch.folder)
    assert done.returncode == 0, done.stderr
    for unit in UNITS:
        [estimate] = app.store.estimates(unit)
        p = said(estimate, "p of ")
        assert said(estimate, "weight of ") == pytest.approx(WEIGHTS)
        assert min(p.values()) < estimate.probability < max(p.values())
        assert estimate.probability != p["panel"]
        mean = sum(WEIGHTS[name] * logit(number) for name, number in p.items())
        assert estimate.probability == pytest.approx(expit(mean))


def test_the_members_are_what_they_would_be_alone(app: App) -> None:
    pooled = updated(app)
    for name in WEIGHTS:
        with desk(app, "", name) as other:
            alone = updated(other)
        for unit in UNITS:
            assert said(pooled[unit], "p of ")[name] == pytest.approx(alone[unit].probability)
            assert alone[unit].model == name


def test_what_is_walked_is_what_is_published(app: App) -> None:
    live = updated(app)
    flags = {"score_start": day(DAYS).isoformat(), "every": "10 days"}
    source = from_watch(app, "strike", flags, day(DAYS + 35))
    assert source.findings == ("indicators and settings are those that the watch states today",)
    [task] = source.tasks
    asked = Asked(day(DAYS + 35), 1, check_leaks=False)
    _, rows = backtest(task, source.packed, Here(source.packed), asked, lambda a, b: None)
    first = rows.origin == to_days(day(DAYS))
    for row in np.flatnonzero(first):
        estimate = live[rows.units[rows.unit[row]]]
        p = said(estimate, "p of ")
        for name in ("history", "logistic"):
            assert p[name] == pytest.approx(rows.baselines[name][row], abs=1e-9)
        # the panel of a walk has fewer draws, and does not hear the base rate
        assert estimate.probability == pytest.approx(rows.p[row], rel=0.1)
    assert first.sum() == len(UNITS)


@pytest.mark.parametrize(
    "pool",
    [
        'pool = { families = ["panel", "history"] }',
        'pool = { families = ["panel", "history", "logistic"], weights = { panel = 2 } }',
    ],
)
def test_a_walk_in_the_place_of_another_pool_says_so(app: App, pool: str) -> None:
    flags = {"score_start": day(DAYS).isoformat(), "every": "10 days"}
    with desk(app, pool) as other:
        found = from_watch(other, "strike", flags, day(DAYS + 35)).findings
    assert found[-1] == (
        "the pool of this definition is another; "
        "what is walked is panel 0.6, history 0.2, logistic 0.2"
    )


def test_a_record_moves_the_weights_and_neither_sharpness_nor_shift(app: App) -> None:
    for nth, unit in enumerate(UNITS):
        for opens in range(500, 860, 60):
            name = f"past-{nth}-{opens}"
            past = ask(name, unit, opens)
            app.store.add_questions([past], day(0))
            events = app.store.snapshot(past, day(DAYS)).events
            came = any(past.opens_at <= e.occurred_at <= past.deadline for e in events)
            end = Resolution(name, Outcome.YES if came else Outcome.NO, day(opens + 30), "-")
            app.store.add_resolutions([end], day(0))
    found = updated(app)["plant-a"]
    assert found.diagnostics["resolved questions"] == 48
    assert said(found, "weight of ") != pytest.approx(WEIGHTS, abs=0.003)
    assert found.diagnostics["sharpness"] == pytest.approx(1.0, abs=0.03)
    assert found.diagnostics["shift"] == pytest.approx(0.0, abs=0.03)
