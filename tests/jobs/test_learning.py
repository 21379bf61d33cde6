"""Classes are learnt when they are due, from what was known then, and kept in the store."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from forecast.clock import parse_instant
from forecast.evidence import Event
from forecast.question import Question
from jobs.app import App, open_app
from jobs.decisions import Occasion
from jobs.learning import learnt_of
from jobs.update import update_questions
from models.panel.family import Learnt

START = parse_instant("2024-01-01")
WATCH = """
[watch]
title = "Strikes"

[definitions.strike]
model = "panel"
base_rate = "5%..40% per quarter"
recurrent = true
observed_since = 2024-01-01
learns = { units = ["plant-*"], every = "10 days" }

[definitions.other]
base_rate = "5%..40% per quarter"
"""


def day(n: float) -> datetime:
    return START + timedelta(days=n)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "watch.toml").write_text(WATCH)
    with open_app(tmp_path) as app:
        events = [
            Event(f"{unit}{n}", unit, "strike", day(n), day(n + 0.5))
            for unit, every in (("plant-a", 40), ("plant-b", 90), ("office", 5))
            for n in range(20, 400, every)
        ]
        app.store.add_events(events, day(400))
        asked = Question("q", "q", "plant-a", "strike", day(360), day(420))
        app.store.add_questions([asked], day(0))
        yield app


def test_it_is_learnt_once_until_it_is_due(app: App) -> None:
    first, to_keep = learnt_of(app, "strike", day(360))
    assert first is not None
    assert to_keep is not None
    app.store.record(model_states=[to_keep], recorded_at=day(360))
    assert learnt_of(app, "strike", day(369)) == (first, None)
    later, anew = learnt_of(app, "strike", day(370))
    assert later != first
    assert anew is not None


def test_the_past_learns_from_the_past_and_only_from_its_units(app: App) -> None:
    early, _ = learnt_of(app, "strike", day(300))
    app.store.add_events([Event("late", "plant-b", "strike", day(299), day(301))], day(400))
    app.store.add_events([Event("far", "office", "strike", day(200), day(201))], day(400))
    assert learnt_of(app, "strike", day(300))[0] == early


def test_a_definition_that_learns_from_nobody_is_given_nothing(app: App) -> None:
    assert learnt_of(app, "other", day(360)) == (None, None)


def test_an_update_keeps_what_was_learnt_and_uses_it(app: App) -> None:
    [question] = app.store.questions()
    updated = update_questions(app, [question], day(365), Occasion(day(365), rings=False))
    assert [e.health.value for e in updated.estimates] == ["healthy"]
    assert updated.failures == []
    blob = app.store.model_state("class/strike/panel", day(365))
    learnt, to_keep = learnt_of(app, "strike", day(366))
    assert blob is not None
    assert learnt is not None
    assert blob.endswith(learnt)
    assert to_keep is None


def test_a_class_is_learnt_as_its_settings_say(tmp_path: Path, app: App) -> None:
    def columns(of: App) -> set[tuple[str, float]]:
        learnt, _ = learnt_of(of, "strike", day(360))
        assert learnt is not None
        return {(c.kind, c.days) for c in Learnt.from_bytes(learnt).fitted.made.columns}

    assert ("drift", 30.0) in columns(app)
    (tmp_path / "how.toml").write_text("history = [2.0]\ndrift = []\nseason = false\n")
    named = WATCH.replace('every = "10 days"', 'every = "10 days", settings = "how.toml"')
    (tmp_path / "watch.toml").write_text(named)
    with open_app(tmp_path) as other:
        # known by other beliefs, so that what is kept of the old ones is not used
        assert columns(other) - {("age", 0.0)} == {("history", 60.0)}
