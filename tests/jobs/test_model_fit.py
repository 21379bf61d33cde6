"""Settings picked on simulated panels, where it is known what should be picked, and what not."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.backtest import BacktestTask
from forecast.errors import HeldError
from forecast.panel_table import PanelTable
from jobs.backtest.origins import from_days
from jobs.backtest.packing import pack_facts
from jobs.backtest.planting import plant
from jobs.backtest.run import no_fair_record
from jobs.choice_report import choice_json, sentences, settings_toml
from jobs.executor import Here
from jobs.model_fit import Choice, Plan, choose_settings, plan_of
from models.panel.choosing.candidates import AXES
from models.panel.facts import Facts
from models.panel.settings import QUICK
from tests.models.panel.panels import world

HORIZON = 30.0


def task(days: float, start: float, every: str = "30 days") -> BacktestTask:
    begin, end = from_days(start), from_days(days)
    return BacktestTask("sim", "hit", HORIZON, every, begin, end, end)


def choose(facts: Facts, plan: Plan, *axes: str) -> Choice:
    packed, some = pack_facts(facts), {axis: AXES[axis] for axis in axes}
    return choose_settings(plan, packed, Here(packed), 1, lambda what, fits: None, some)


def few_events() -> Facts:
    return world(12, 2400, {"a": 0.0}, rate=0.0002, shape=2.0, seed=1).facts


@pytest.fixture(scope="module")
def brief() -> Choice:
    """The effects of a tag fade with a half-life of three days, a tenth of the horizon."""
    made = world(50, 2000, {"alarm": 7.0}, 0.0003, 2.0, seed=3, half_life=3.0, every=100.0)
    return choose(made.facts, plan_of(task(2000, 800, "10 days"), 3), "tags")


def test_signs_that_fade_within_days_get_half_lives_of_days(brief: Choice) -> None:
    assert ("tags", "short half-lives") in [(t.axis, t.name) for t in brief.picked]
    assert brief.is_changed
    assert brief.stands.half_lives == (0.1, 0.3, 1.0)
    assert brief.words == "the held-out stretch confirms the choice"


def test_both_gains_are_told_and_what_lies_between_them_is_optimism(brief: Choice) -> None:
    assert brief.judged.gain.value > 0
    assert brief.held.gain.value > 0
    assert brief.optimism == brief.judged.gain.value - brief.held.gain.value
    for found in (brief.judged, brief.held):
        assert found.gain.value == pytest.approx(found.default - found.log_loss)
    text = "\n".join(sentences(brief))
    assert f"{brief.judged.gain.value:+.5f}" in text
    assert f"{brief.held.gain.value:+.5f}" in text
    assert f"{brief.optimism:+.5f}" in text


def test_what_is_written_says_until_when_it_is_no_fair_record(brief: Choice) -> None:
    text = settings_toml(brief)
    assert "half_lives = [0.1, 0.3, 1.0]" in text
    assert "chosen_until = 1975-06-24T00:00:01Z" in text
    told = choice_json(brief, ("one row was left out",))
    assert told["settings"]["half_lives"] == [0.1, 0.3, 1.0]
    assert told["stands"] == "picked"
    assert told["findings"][-1] == "one row was left out"
    chosen = PanelTable(chosen_until=from_days(brief.plan.until))
    old, new = (replace(task(4000, at), settings=chosen) for at in (1999, 2001))
    assert "until 1975-06-24" in no_fair_record(old)[0]
    assert no_fair_record(new) == no_fair_record(task(4000, 1999)) == ()


def test_tags_that_say_nothing_change_nothing_or_are_left_out() -> None:
    made = world(20, 2000, {"a": 0.0, "b": 0.0}, rate=0.003, shape=2.0, seed=1)
    found = choose(made.facts, plan_of(task(2000, 700), 3), "family", "tags")
    stands, default = found.stands.half_lives, QUICK.half_lives
    assert stands == () or stands == default or set(stands) < set(default)
    assert found.held.log_loss < found.references["pooled"] + 0.005


def test_many_tags_and_few_events_are_not_fitted_to() -> None:
    noise = {f"t{n:02}": 0.0 for n in range(60)}
    made = world(10, 4800, noise, rate=0.0014, shape=2.0, seed=3, every=120.0)
    far = tuple(np.arange(2400.0, 4770.0, HORIZON).tolist())  # long enough to tell
    plan = replace(plan_of(task(2400, 960), 2), held=(far,), until=4800.0)
    found = choose(made.facts, plan, "family", "tags", "shrinkage")
    assert found.support.columns == 240
    assert found.support.events < 35
    assert "more than they can tell apart" in found.findings[0]
    tried = [t for t in found.found.trials if t.log_loss is not None]
    assert all(set(t.settings.half_lives) <= set(QUICK.half_lives) for t in tried)
    assert "wider" not in [t.name for t in tried]
    held = found.held.log_loss if found.is_changed else found.held.default
    assert held < min(found.references["pooled"], found.references["unit"]) + 0.001


def test_four_events_are_refused_in_one_line_that_says_what_it_takes() -> None:
    facts = few_events()
    assert 0 < len(facts.events) < 10
    with pytest.raises(HeldError) as found:
        choose(facts, plan_of(task(2400, 1200), 4))
    assert found.value.at == "sim"
    assert "takes 10" in found.value.message
    assert "the default settings stand" in found.value.message
    assert found.value.exit_code == 3


def test_a_task_of_a_few_origins_is_refused() -> None:
    with pytest.raises(HeldError, match=r"6 origins to score, and .* takes 8"):
        plan_of(task(1000, 820), 6)


def test_what_decides_ends_before_what_is_held_out_and_what_is_known_before_it() -> None:
    plan = plan_of(task(2000, 800, "10 days"), 6)
    assert len(plan.judged) == 6
    assert len(plan.held) == 2
    assert max(o for part in plan.judged for o in part) + HORIZON <= plan.boundary
    assert plan.held[0][0] == plan.boundary
    assert max(o for part in plan.held for o in part) + HORIZON <= plan.until
    early = plan_of(task(2000, 800, "10 days"), 6, until=1500.0)
    assert early.until == 1500.0
    assert max(o for part in early.held for o in part) + HORIZON <= 1500.0


def test_what_became_known_later_changes_no_choice() -> None:
    made = world(8, 1600, {"a": 2.0}, rate=0.004, shape=2.0, seed=5)
    plan = plan_of(task(1600, 700, "15 days"), 2)
    before = choose(made.facts, plan, "drift")
    strange, planted = plant(made.facts, "hit", plan.boundary, seed=7)
    assert planted > 400
    after = choose(strange, plan, "drift")
    assert [t.log_loss for t in after.found.trials] == [t.log_loss for t in before.found.trials]
    assert [t.why for t in after.found.trials] == [t.why for t in before.found.trials]
    assert after.found.picked == before.found.picked
    assert np.array_equal(after.found.losses, before.found.losses)
    # the stretch after it was planted in
    assert after.held.default != before.held.default
    strange, _ = plant(made.facts, "hit", plan.until, seed=7)
    again = choose(strange, plan)
    assert again.held.default == before.held.default
    assert again.references == before.references
