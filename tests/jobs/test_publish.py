"""What does not beat its baselines is published as the baseline, in every update, and says so."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast.backtest import Backtest, BacktestTask, Forecasts
from forecast.clock import days_between, parse_instant
from forecast.evidence import Event
from forecast.question import Question
from forecast.scoring.results import Calibration, Gain, Scores, Skill, Verdict
from jobs.app import App, open_app
from jobs.audit import audit_questions
from jobs.backtest.blocks import References
from jobs.backtest.packing import pack_forecasts
from jobs.decisions import Occasion
from jobs.learning import class_of
from jobs.publish import EPOCH, numbers
from jobs.update import update_questions
from models.panel.family import class_facts
from models.priors.beliefs import beliefs_of
from tests.command import Done, run

START = parse_instant("2022-01-01")
WATCH = """
[watch]
title = "Strikes"

[definitions.strike]
model = "base-rate"
base_rate = "5%..40% per quarter"
recurrent = true
observed_since = 2022-01-01
"""
EVERY = {"plant-a": 30, "plant-b": 60, "plant-c": 200, "plant-d": 400}  # days


def day(n: float) -> datetime:
    return START + timedelta(days=n)


TASK = BacktestTask(
    name="strikes",
    definition="strike",
    horizon_days=30.0,
    every="30 days",
    score_start=day(300),
    score_end=day(660),
    data_end=day(690),
    model="base-rate",
)


def skill(name: str, gain: float) -> Skill:
    return Skill(name, Gain(gain, None, None, 9), Gain(gain, None, None, 9), 0.0)


def record(gains: dict[str, float], run_id: str = "run", made: float = 700) -> Backtest:
    """A stored result in which the model gained so much over each baseline."""

    def scores(loss: float) -> Scores:
        return Scores(400, 60, 60.0, 0.1, loss, 0.7, 0.3)

    return Backtest(
        run_id=run_id,
        made_at=day(made),
        task=TASK,
        model_hash="-",
        seed=1,
        digest="-",
        units=4,
        origins=12,
        scores=scores(0.4),
        baselines={name: scores(0.4 + gain) for name, gain in gains.items()},
        skill={name: skill(name, gain) for name, gain in gains.items()},
        calibration=Calibration(
            0.0, 0.0, 0.0, (), None, None, None, None, None, None, None, Verdict.TOO_FEW, "-"
        ),
        by_period={},
        first_alert=(),
        alerts=(),
        movement_z=None,
        leak_check=None,
        fits=(),
        seconds=1.0,
    )


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    (tmp_path / "watch.toml").write_text(WATCH)
    with open_app(tmp_path) as app:
        events = [
            Event(f"{unit}-{n}", unit, "strike", day(n), day(n + 0.5))
            for unit, every in EVERY.items()
            for n in range(7, 700, every)
        ]
        app.store.add_events(events, day(700))
        questions = [
            Question(u, u, u, "strike", day(700), day(730)) for u in ("plant-a", "plant-d")
        ]
        app.store.add_questions(questions, day(0))
        yield app


def updated(app: App, at: float = 700.0) -> dict[str, tuple[str, float, tuple[str, ...]]]:
    """The model's name, the number and the findings by question."""
    asked = app.store.questions(("plant-*", "new"))
    found = update_questions(app, asked, day(at), Occasion(day(at), rings=False))
    assert found.failures == []
    return {e.question_id: (e.model, e.probability, e.findings) for e in found.estimates}


LOST = {"pooled": 0.1, "unit": 0.01, "history": -0.01}
WON = {"pooled": 0.1, "unit": 0.01, "history": 0.01}


def test_without_a_record_the_model_is_published(app: App) -> None:
    assert {name for name, *_ in updated(app).values()} == {"base-rate"}


def test_a_model_that_lost_is_published_as_the_baseline_that_won_and_says_so(app: App) -> None:
    app.store.backtests.add(record(LOST), b"")
    found = updated(app)
    assert {name for name, *_ in found.values()} == {"baseline: history"}
    for _, _, findings in found.values():
        assert findings[0].startswith("published as the baseline 'history', which the model does")
        assert findings[0].endswith("(backtest run)")
    assert found["plant-a"][1] > 3 * found["plant-d"][1]


def test_a_record_that_comes_in_counts_for_the_very_same_inputs(app: App) -> None:
    assert {name for name, *_ in updated(app).values()} == {"base-rate"}
    app.store.backtests.add(record(LOST), b"")
    assert {name for name, *_ in updated(app).values()} == {"baseline: history"}


def test_a_model_that_won_is_published(app: App) -> None:
    app.store.backtests.add(record(WON), b"")
    assert {name for name, *_ in updated(app).values()} == {"base-rate"}


def test_the_newest_record_of_the_definition_and_family_decides(app: App) -> None:
    app.store.backtests.add(record(LOST, "old", made=700), b"")
    app.store.backtests.add(record(WON, "new", made=701), b"")
    assert {name for name, *_ in updated(app).values()} == {"base-rate"}
    for at, task in enumerate((replace(TASK, model="panel"), replace(TASK, definition="fire"))):
        other = record(LOST, f"other{at}", made=702)
        app.store.backtests.add(replace(other, task=task), b"")
    assert {name for name, *_ in updated(app, 701).values()} == {"base-rate"}
    app.store.backtests.add(record(LOST, "newest", made=703), b"")
    assert {name for name, *_ in updated(app, 702).values()} == {"baseline: history"}


def test_an_update_of_the_past_does_not_know_a_record_of_later(app: App) -> None:
    app.store.backtests.add(record(LOST), b"")
    assert {name for name, *_ in updated(app, 689).values()} == {"base-rate"}
    assert {name for name, *_ in updated(app, 690).values()} == {"baseline: history"}


def test_the_gate_can_be_off_or_ask_for_less(app: App) -> None:
    app.store.backtests.add(record(LOST), b"")
    for table in ('gate = "off"', 'against = ["unit"]', "min_forecasts = 401"):
        (app.watch.folder / "watch.toml").write_text(f"{WATCH}\n[publish]\n{table}\n")
        with open_app(app.watch.folder) as other:
            assert {name for name, *_ in updated(other).values()} == {"base-rate"}


def test_when_the_model_wins_again_it_is_back(app: App) -> None:
    app.store.backtests.add(record(LOST), b"")
    first = updated(app)
    app.store.backtests.add(record(WON, "again", made=701), b"")
    assert first != updated(app)
    [*_, last] = app.store.estimates("plant-a", day(0), day(1000))
    assert last.model == "base-rate"


@pytest.mark.parametrize("baseline", ["pooled", "unit", "recency", "history", "persistence"])
def test_the_number_is_the_one_that_the_walk_scores(app: App, baseline: str) -> None:
    beliefs = beliefs_of(app.config, "strike")
    snapshots = class_of(app, "strike", day(660))
    found = numbers(TASK, baseline, snapshots, beliefs, day(660))
    facts, origins = class_facts(snapshots, beliefs), np.arange(300.0, 661.0, 30.0)
    start = days_between(EPOCH, START)
    references = References.of(facts, TASK, (start + origins).tolist())
    rows = references.marks.origin == start + 660
    p = references.forecasts(start + 660.0, rows)[baseline]
    units = [facts.units[code] for code in references.marks.unit[rows]]
    assert found == pytest.approx(dict(zip(units, p, strict=True)))


def test_a_unit_that_the_class_does_not_know_has_its_base_rate(app: App) -> None:
    stranger = Question("new", "new", "plant-new", "strike", day(700), day(730))
    app.store.add_questions([stranger], day(0))
    app.store.backtests.add(record(LOST), b"")
    name, p, _ = updated(app)["new"]
    assert name == "baseline: history"
    assert 0.0 < p < 1.0


def of_questions(app: App, sharp: float, run_id: str = "desk") -> None:
    """Keep a walk over the watch's questions; the model goes so far towards the outcome."""
    rng = np.random.default_rng(1)
    count = 60
    names = tuple(f"past-{nth:02}" for nth in range(count))
    asked = [Question(n, n, "plant-a", "strike", day(0), day(90)) for n in names]
    app.store.add_questions(asked, day(0))
    unit = np.repeat(np.arange(count), 3)
    outcome = (rng.random(count) < 0.3).astype(float)[unit]
    base = np.full(len(unit), 0.3)
    p = np.clip(base + sharp * (outcome - base), 0.01, 0.99)
    rows = Forecasts(
        names, unit, np.tile(np.arange(3.0), count), p, p, p, outcome, p, {"base-rate": base}
    )
    task = replace(TASK, definition="*", model="own")
    app.store.backtests.add(replace(record({}, run_id), task=task), pack_forecasts(rows))


def desk(app: App, model: str) -> App:
    """The same watch with another family."""
    (app.watch.folder / "watch.toml").write_text(WATCH.replace('"base-rate"', f'"{model}"'))
    return open_app(app.watch.folder)


def test_questions_that_lost_to_their_base_rate_are_published_as_it(app: App) -> None:
    of_questions(app, -0.2)
    plain = updated(app)
    assert {name for name, *_ in plain.values()} == {"base-rate"}  # which is no loss to itself
    with desk(app, "panel") as other:
        found = updated(other)
    assert {name for name, *_ in found.values()} == {"baseline: base-rate"}
    assert {name: p for name, (_, p, _) in found.items()} == pytest.approx(
        {name: p for name, (_, p, _) in plain.items()}
    )
    words = found["plant-a"][2][0]
    assert words.startswith("published as the baseline 'base-rate', which the model does not beat")
    assert words.endswith("of 60 questions (backtest desk)")


def test_questions_that_won_are_the_models(app: App) -> None:
    of_questions(app, 0.2)
    with desk(app, "panel") as other:
        assert {name for name, *_ in updated(other).values()} == {"panel"}


def test_a_walk_over_units_goes_before_one_over_questions_but_not_for_a_pool(app: App) -> None:
    of_questions(app, -0.2)
    for nth, model in enumerate(("panel", "pool")):
        won = replace(record(WON, f"units{nth}"), task=replace(TASK, model=model))
        app.store.backtests.add(won, b"")
    with desk(app, "panel") as other:
        assert {name for name, *_ in updated(other).values()} == {"panel"}
    with desk(app, "pool") as other:
        assert {name for name, *_ in updated(other).values()} == {"baseline: base-rate"}


def test_a_walk_over_units_counts_for_the_pool_that_it_walks(app: App) -> None:
    app.store.backtests.add(replace(record(LOST), task=replace(TASK, model="pool")), b"")
    with desk(app, "pool") as other:  # of other families
        assert {name for name, *_ in updated(other).values()} == {"pool"}
    families = '"pool"\npool = { families = ["logistic", "panel", "history"] }'
    (app.watch.folder / "watch.toml").write_text(WATCH.replace('"base-rate"', families))
    with open_app(app.watch.folder) as other:
        assert {name for name, *_ in updated(other, 701).values()} == {"baseline: history"}


def test_questions_of_another_class_and_too_few_of_this_decide_nothing(app: App) -> None:
    of_questions(app, -0.2)
    with desk(app, "panel") as other:
        names = [q.question_id for q in other.store.questions() if q.question_id[:5] == "past-"]
        moved = [Question(n, n, "plant-a", "fire", day(0), day(90)) for n in names[8:]]
        other.store.add_questions(moved, day(1))
        assert {name for name, *_ in updated(other).values()} == {"panel"}


def test_questions_whose_deadline_is_to_come_decide_nothing(app: App) -> None:
    of_questions(app, -0.2)
    with desk(app, "panel") as other:
        names = [q.question_id for q in other.store.questions() if q.question_id[:5] == "past-"]
        open_ = [Question(n, n, "plant-a", "strike", day(0), TASK.data_end) for n in names]
        other.store.add_questions(open_, day(1))
        assert {name for name, *_ in updated(other).values()} == {"panel"}


def test_an_audit_leaves_a_baseline_alone(app: App) -> None:
    watch = WATCH.replace('"base-rate"', '"hazard"')
    (app.watch.folder / "watch.toml").write_text(watch)
    app.store.backtests.add(replace(record(LOST), task=replace(TASK, model="hazard")), b"")
    with open_app(app.watch.folder) as other:
        found = audit_questions(other, other.store.questions(), day(700), lambda audits: None)
        assert {name for name, *_ in updated(other).values()} == {"baseline: history"}
    assert (found.audits, found.failures) == ([], [])


def test_the_report_says_it_too(app: App) -> None:
    app.store.backtests.add(record(LOST), b"")

    def tocsin(*words: str) -> Done:
        return run(*words, folder=app.watch.folder)

    assert tocsin("update", "--as-of", day(700).isoformat()).returncode == 0
    told = json.loads(tocsin("report", "plant-a", "--json").stdout)["estimate"]
    assert told["model"] == "baseline: history"
    assert told["findings"][0].startswith("published as the baseline 'history'")
    assert "published as the baseline" in " ".join(tocsin("report", "plant-a").stdout.split())
    explained = tocsin("explain", "plant-a")
    assert explained.returncode == 2
    assert "published as the baseline 'history'" in explained.stderr
