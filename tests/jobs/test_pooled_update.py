"""A pool in a watch: others' numbers come from the store, its record from what has come out."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from forecast.clock import parse_instant
from forecast.estimate import Estimate
from forecast.evidence import CrowdForecast, Event, Outcome, Resolution
from forecast.question import Question
from jobs.app import App, open_app
from jobs.decisions import Occasion
from jobs.update import update_questions

START = parse_instant("2022-01-01")
WATCH = """
[watch]
title = "Strikes"

[definitions.strike]
model = "pool"
base_rate = "5%..40% per quarter"
recurrent = true
observed_since = 2022-01-01
pool = { families = ["base-rate"], stale_after = "20 days" }
"""
LEARNS = 'learns = { units = ["plant-*"], every = "10 days" }\n'


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def ask(app: App, name: str, unit: str, opens: float, days: float = 30.0) -> None:
    question = Question(name, name, unit, "strike", day(opens), day(opens + days))
    app.store.add_questions([question], day(0))


def say(app: App, name: str, at: float, p: float) -> None:
    app.store.add_crowd([CrowdForecast(name, day(at), p, "market")], day(at))


def updated(app: App, name: str, at: float) -> Estimate:
    questions = [q for q in app.store.questions() if q.question_id == name]
    found = update_questions(app, questions, day(at), Occasion(day(at), rings=False))
    assert found.failures == []
    return found.estimates[0]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """Twenty questions at one plant came out as a market had said; one at another is open."""
    (tmp_path / "watch.toml").write_text(WATCH)
    with open_app(tmp_path) as app:
        for nth in range(20):
            name, opens, came = f"past-{nth}", nth * 30.0, nth % 4 == 0
            ask(app, name, "plant-a", opens)
            say(app, name, opens + 1, 0.9 if came else 0.03)
            outcome = Outcome.YES if came else Outcome.NO
            app.store.add_resolutions([Resolution(name, outcome, day(opens + 30), "-")], day(0))
            if came:
                at = day(opens + 28)
                app.store.add_events([Event(name, "plant-a", "strike", at, at)], day(0))
        ask(app, "here", "plant-a", 640)
        ask(app, "there", "plant-b", 640)
        for name in ("here", "there"):
            say(app, name, 645, 0.8)
        yield app


def weight(estimate: Estimate) -> float:
    return estimate.diagnostics["weight of crowd: market"]


def test_a_unit_learns_from_its_own_questions(app: App) -> None:
    here, there = updated(app, "here", 650), updated(app, "there", 650)
    assert here.diagnostics["resolved questions"] == 20
    assert weight(here) > 0.6
    assert there.diagnostics["resolved questions"] == 0
    assert weight(there) == pytest.approx(0.5)


def test_a_class_learns_from_all_its_units_and_keeps_what_it_learnt(app: App) -> None:
    (app.watch.folder / "watch.toml").write_text(WATCH + LEARNS)
    with open_app(app.watch.folder) as other:
        there = updated(other, "there", 650)
        assert there.diagnostics["resolved questions"] == 20
        assert weight(there) > 0.6
        assert other.store.model_state("class/strike/pool", day(650)) is not None
        again = updated(other, "there", 661)
        assert again.moved is not None
        assert again.diagnostics["resolved questions"] == 20


def test_what_others_say_anew_moves_the_number_and_is_an_input(app: App) -> None:
    first = updated(app, "here", 650)
    assert updated(app, "here", 650) == first
    say(app, "here", 649, 0.2)
    second = updated(app, "here", 650)
    assert second.probability < first.probability
    assert second.inputs_digest != first.inputs_digest
    assert updated(app, "here", 651).probability == pytest.approx(second.probability, rel=0.1)


def test_what_others_said_long_ago_counts_no_more(app: App) -> None:
    assert "p of crowd: market" in updated(app, "here", 664).diagnostics
    assert "p of crowd: market" not in updated(app, "here", 666).diagnostics
