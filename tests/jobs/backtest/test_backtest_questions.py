"""A watch's own questions and classes, forecast again as they would have been."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.clock import parse_instant
from forecast.errors import UsageError
from forecast.evidence import CrowdForecast, Event, Outcome, Report, Resolution
from forecast.question import Question
from jobs.app import App, open_app
from jobs.backtest.asked import Asked
from jobs.backtest.desk import from_watch, unfolded
from jobs.backtest.origins import to_days
from jobs.backtest.packing import unpack_facts
from jobs.backtest.questions import Plan, plan, run_questions, said_by_others, told
from jobs.backtest.replay import pack_desk
from jobs.backtest.run import Result, backtest_questions
from jobs.decisions import Occasion
from jobs.executor import Here
from jobs.update import update_questions
from models.panel.landmarks import Landmarks, stocks

START = parse_instant("2024-01-01")
WATCH = """
[watch]
title = "Harbour desk"

[indicators."union.ballot"]
effect = "1.5x..4x"
half_life = "30 days"

[definitions.strike]
base_rate = "20%..60% per quarter"
ceiling = "one in 2..6 weeks"
indicators = ["union.*"]
observed_since = 2023-06-01

[definitions.walkout]
model = "panel"
base_rate = "20%..60% per quarter"
recurrent = true
learns = { units = ["*"], horizon = "20 days" }

[[rules]]
id = "likely"
questions = ["*"]
fire_at = "20%"
clear_at = "10%"
dwell = 1
"""
NOW = START + timedelta(days=300)


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def ask(name: str, opens: float, deadline: float, definition: str = "strike") -> Question:
    return Question(name, name, "harbour", definition, day(opens), day(deadline))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A yes on day 52, a no, a void one, one that is open, and an early yes."""
    (tmp_path / "watch.toml").write_text(WATCH)
    with open_app(tmp_path) as app:
        store = app.store
        store.add_questions(
            [
                ask("came", 0, 60),
                ask("stayed", 60, 100),
                ask("void", 0, 90),
                ask("open", 250, 400),
                ask("early", 200, 350),
                ask("of-another-desk", 0, 50, "unknown"),
            ],
            day(0),
        )
        ballots = [
            Report(f"r{n}", "harbour", "union.ballot", day(n), day(n + 1)) for n in range(3, 290, 9)
        ]
        store.add_reports(ballots, day(290))
        store.add_events([Event("e1", "harbour", "strike", day(50), day(52))], day(52))
        store.add_events([Event("e2", "harbour", "strike", day(230), day(231))], day(231))
        store.add_resolutions([Resolution("void", Outcome.VOID, day(20), "")], day(20))
        store.add_crowd(
            [CrowdForecast("came", day(d), p, "market") for d, p in ((1, 0.3), (30, 0.6))], day(30)
        )
        yield app


def planned(app: App, check: bool = False) -> Plan:
    return plan(app, (), "7 days", NOW, check)


def walked(app: App, check: bool = False) -> Result:
    packed = pack_desk(app)
    asked = Asked(NOW, 1, check)
    return backtest_questions(planned(app, check), packed, Here(packed), asked, lambda a, b: None)


# What is asked


def test_questions_that_ended_are_forecast_until_they_were_known_to_have(app: App) -> None:
    ended = planned(app).ended()
    assert set(ended) == {"came", "stayed", "early"}
    came, stayed, early = (ended[name] for name in ("came", "stayed", "early"))
    assert (came.outcome, stayed.outcome, early.outcome) == (1, 0, 1)
    # known on day 52: the last forecast is that of day 49
    assert came.origins == tuple(day(n) for n in range(0, 50, 7))
    assert stayed.origins[-1] == day(95)
    assert came.event_at == to_days(day(50))
    assert np.isnan(stayed.event_at)
    assert (came.is_past, early.is_past) == (True, False)


def test_what_is_left_out_is_said(app: App) -> None:
    assert "2 questions are still open, 1 were void" in planned(app).findings
    with pytest.raises(UsageError, match="no question has ended"):
        plan(app, ("open",), "7 days", NOW, False)
    assert set(plan(app, ("st*",), "7 days", NOW, False).ended()) == {"stayed"}
    with pytest.raises(UsageError, match="every so many days"):
        plan(app, (), "MS", NOW, False)


def test_a_block_is_a_track_or_a_whole_class(app: App) -> None:
    other = replace(ask("x", 0, 60), unit="depot")
    walkouts = [ask("w1", 0, 60, "walkout"), replace(ask("w2", 0, 60, "walkout"), unit="depot")]
    app.store.add_questions([other, *walkouts], day(0))
    blocks = planned(app).blocks
    together = {frozenset(one.question_id for one in block.asked) for block in blocks}
    assert together == {
        frozenset({"came", "stayed", "early"}),
        frozenset({"x"}),
        frozenset({"w1", "w2"}),
    }


def test_the_crowd_is_what_each_source_said_last_before_and_not_long_ago() -> None:
    crowd = [
        CrowdForecast("q", day(1), 0.2, "market"),
        CrowdForecast("q", day(10), 0.4, "market"),
        CrowdForecast("q", day(12), 0.6, "others"),
    ]
    assert np.isnan(said_by_others(crowd, day(1)))
    assert said_by_others(crowd, day(2)) == 0.2
    assert said_by_others(crowd, day(12)) == 0.4
    assert said_by_others(crowd, day(13)) == pytest.approx(0.5)
    assert said_by_others(crowd, day(25)) == 0.6
    assert np.isnan(said_by_others(crowd, day(27)))


# What comes of it


def test_forecasts_are_those_that_updates_would_have_made(app: App, tmp_path: Path) -> None:
    result, rows = walked(app)
    assert result.scores.n == len(rows) == 8 + 6 + 5
    live = {}
    for name in ("came", "stayed"):
        for as_of in planned(app).ended()[name].origins:
            asked = [app.store.question(name)]
            for estimate in update_questions(
                app, asked, as_of, Occasion(as_of, rings=False)
            ).estimates:
                live[name, to_days(as_of)] = estimate.probability
    ours = {
        (rows.units[unit], origin): p
        for unit, origin, p in zip(rows.unit, rows.origin, rows.p, strict=True)
    }
    assert {key: ours[key] for key in live} == live


def test_nothing_is_written_into_the_watch(app: App) -> None:
    before = app.store.backtests.facts()
    walked(app, check=True)
    assert app.store.latest_estimates() == {}
    assert app.store.model_state("harbour/strike/hazard") is None
    assert app.store.alerts.transitions() == []
    assert app.store.backtests.facts() == before


def test_references_stand_where_they_say_something(app: App) -> None:
    result, rows = walked(app)
    assert result.baselines["crowd"].n == int(np.isfinite(rows.baselines["crowd"]).sum()) == 4
    assert result.skill["crowd"].against == "crowd"
    assert result.baselines["base-rate"].n == len(rows)
    came = rows.unit == rows.units.index("came")
    previous = rows.baselines["persistence"][came]
    assert previous[1:].tolist() == rows.p[came][:-1].tolist()
    assert previous[0] == rows.baselines["base-rate"][came][0]


def test_calibration_is_judged_on_questions_past_their_deadline(app: App) -> None:
    result, rows = walked(app)
    past = rows.unit != rows.units.index("early")
    share = rows.outcome[past].mean()
    assert result.calibration.unc == pytest.approx(share * (1 - share))
    assert sum(point.n for point in result.calibration.points) == past.sum()
    assert any(
        "3 questions have ended, 2 of them past their deadline" in f for f in result.findings
    )
    assert result.scores.n == len(rows)


def test_alerts_are_scored_by_question_and_on_those_past_their_deadline(app: App) -> None:
    result, _ = walked(app)
    lowest = result.alerts[0]
    assert lowest.hits + lowest.misses == 1  # the early yes has open neighbours, which may ring
    assert result.first_alert[0][-1] == 2


def test_the_same_desk_gives_the_same_result(app: App) -> None:
    one, rows = walked(app)
    other, again = walked(app)
    assert replace(one, seconds=0.0) == replace(other, seconds=0.0)
    assert rows.p.tobytes() == again.p.tobytes()


def test_what_is_known_later_changes_no_forecast_of_before(app: App) -> None:
    result, _ = walked(app, check=True)
    check = result.leak_check
    assert check is not None
    assert check.passed
    assert check.planted > 20


def test_a_family_that_fails_is_a_finding_and_its_forecasts_are_missing(app: App) -> None:
    with_walkouts(app)
    many = replace(ask("many", 100, 130, "walkout"), at_least=61)
    app.store.add_questions([many], day(0))
    result, rows = walked(app)
    assert rows.units.index("many") not in rows.unit
    assert len(rows) == 8 + 6 + 5
    assert any("at_least 61 is more than `panel` counts to" in words for words in result.findings)


# A class of a watch


def with_walkouts(app: App) -> None:
    events = [
        Event(f"{unit}{n}", unit, "walkout", day(n), day(n + 0.5))
        for unit, every in (("harbour", 20), ("depot", 45), ("plant", 90))
        for n in range(2, 290, every)
    ]
    app.store.add_events(events, day(291))


FLAGS = {"score_start": "2024-06-01", "every": "10 days"}


def test_a_definition_is_forecast_for_the_units_that_it_learns_from(app: App) -> None:
    with_walkouts(app)
    source = from_watch(app, "walkout", FLAGS, NOW)
    [task] = source.tasks
    assert (task.definition, task.horizon_days, task.model) == ("walkout", 20.0, "panel")
    assert task.data_end == NOW
    facts = unpack_facts(source.packed)
    assert facts.units == ("depot", "harbour", "plant")
    assert len(facts.events_of("walkout")) == 15 + 7 + 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("walkot", "no definition 'walkot'; did you mean 'walkout'"),
        ("strike", "is of the family 'hazard'"),
    ],
)
def test_a_definition_that_no_panel_forecasts_is_refused(app: App, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        from_watch(app, name, FLAGS, NOW)


def test_a_correction_counts_from_its_moment_on_and_what_it_corrected_until_then(app: App) -> None:
    def said(name: str, known: float, **more: Any) -> Report:
        return Report(name, "depot", "union.ballot", day(1), day(known), **more)

    store = app.store
    store.add_reports([said("a", 2, value=0.2), said("b", 2), said("c", 2)], day(2))
    store.add_reports([said("a", 10, value=0.9)], day(10))
    store.add_reports([said("b", 20, retracted=True)], day(20))
    snapshot = store.snapshot(replace(ask("q", 0, 9), unit="depot"), NOW)
    with_walkouts(app)
    facts = unpack_facts(from_watch(app, "walkout", FLAGS, NOW).packed)
    rows = facts.indicators.where(facts.indicators.unit == facts.units.index("depot"))
    origins = np.array([to_days(day(n)) for n in (2, 5, 10, 15, 20, 25)])
    marks = Landmarks(np.zeros(6, np.int64), origins)
    alone = replace(rows, unit=np.zeros_like(rows.unit), name=np.zeros_like(rows.name))
    found = stocks(alone, 1, marks, np.array([np.inf]))[:, 0, 0]
    assert found == pytest.approx([0, 2.2, 2.2, 2.9, 2.9, 1.9])
    assert len(unfolded(snapshot, ()).reports) == 2 + 2 * 2


def test_of_a_level_the_version_that_was_known_first_stands(app: App) -> None:
    def read(known: float, value: float) -> Report:
        return Report("price", "depot", "price", day(1), day(known), value=value)

    app.store.add_reports([read(2, 10.0)], day(2))
    app.store.add_reports([read(9, 12.0)], day(9))
    snapshot = app.store.snapshot(replace(ask("q", 0, 9), unit="depot"), NOW)
    [first] = unfolded(snapshot, ("price",)).reports
    assert (first.value, first.known_at) == (10.0, day(2))


def test_an_event_is_known_from_when_its_date_was(app: App) -> None:
    def came(occurred: float, known: float, summary: str) -> Event:
        return Event("e", "depot", "walkout", day(occurred), day(known), summary)

    asked = replace(ask("q", 0, 9), unit="depot")
    app.store.add_events([came(5, 6, "at noon")], day(6))
    app.store.add_events([came(5, 30, "at one")], day(30))
    [event] = unfolded(app.store.snapshot(asked, NOW), ()).events
    assert (event.occurred_at, event.known_at) == (day(5), day(6))
    app.store.add_events([came(4, 40, "the day before")], day(40))
    [event] = unfolded(app.store.snapshot(asked, NOW), ()).events
    assert (event.occurred_at, event.known_at) == (day(4), day(40))


def test_rows_are_told_by_origin_and_question(app: App) -> None:
    packed = pack_desk(app)
    rows = told(run_questions(packed, planned(app).blocks[0]).rows)
    keys = list(zip(rows.origin.tolist(), rows.unit.tolist(), strict=True))
    assert keys == sorted(keys)
    assert json.loads(packed.split(b"\n", 1)[0])["watch"]["title"] == "Harbour desk"
