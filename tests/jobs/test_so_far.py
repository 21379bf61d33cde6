"""Scores before the deadline: of every running question, answered early or not, and of no other."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.clock import parse_instant
from forecast.estimate import CurvePoint, Estimate, Health, Interval
from forecast.evidence import Outcome
from forecast.store import Store
from jobs.app import App
from jobs.resolutions import state_outcome
from jobs.so_far import means, so_far
from tests.command import run
from tests.jobs.ending_desk import OPENS, WIDE, desk, event

JUNE = parse_instant("2025-05-31")  # half of the window is over


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return desk(store, tmp_path)


def forecast(app: App, probability: float = 0.36, days: int = 0) -> None:
    """A forecast of `q` whose curve goes on beyond the deadline, with a hazard that is even."""
    at = OPENS + timedelta(days=days)
    curve = tuple(
        CurvePoint(WIDE.deadline + timedelta(days=60 * n), 1 - (1 - probability) ** (1 + n), 0, 1)
        for n in range(2)
    )
    made = Estimate(
        "q", at, probability, Interval(0.1, 0.6), 0.0, Health.HEALTHY, "m", "", "T0", f"{days}",
        curve=curve,
    )  # fmt: skip
    app.store.record(estimates=[made], recorded_at=at)


def test_an_open_question_is_scored_on_what_is_over(app: App) -> None:
    forecast(app)
    [running] = so_far(app, JUNE).scored
    assert running.question == WIDE
    assert running.score.over == pytest.approx(0.5, abs=0.01)
    assert running.score.p == pytest.approx(0.2, abs=0.01)  # 1 - sqrt(1 - 0.36)
    assert running.score.brier == pytest.approx(running.score.p**2)
    assert means((running,))["brier"] == running.score.brier


def test_one_that_an_event_answered_early_is_scored_too(app: App) -> None:
    forecast(app)
    app.store.add_events([event("e", "2025-05-20", "2025-05-21")], JUNE)
    [running] = so_far(app, JUNE).scored
    assert running.event_at == parse_instant("2025-05-20")
    assert running.score.brier == pytest.approx((1 - running.score.p) ** 2)
    # before it was known, it had not come
    [before] = so_far(app, parse_instant("2025-05-21")).scored
    assert before.event_at is None


def test_what_is_judged_is_the_first_forecast(app: App) -> None:
    forecast(app)
    forecast(app, 0.9, days=5)
    [running] = so_far(app, JUNE).scored
    assert running.forecast.probability == 0.36


def test_what_cannot_be_scored_is_named(app: App) -> None:
    assert "no forecast" in so_far(app, JUNE).left_out["q"]
    forecast(app)
    yesterday = JUNE - timedelta(days=1)
    state_outcome(app, "q", Outcome.VOID, reason="the port closed", author="ann", now=yesterday)
    assert "void" in so_far(app, JUNE).left_out["q"]
    assert so_far(app, WIDE.deadline + timedelta(days=1)).left_out == {}
    assert means(()) == {}


def test_the_command_says_so(tmp_path: Path) -> None:
    made = run("init", "w", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    asked = ("questions", "scores", "--watch", "w")
    told = run(*asked, folder=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert "no running question" in told.stdout
    found = json.loads(run(*asked, "--json", folder=tmp_path).stdout)
    assert found["questions"] == []
