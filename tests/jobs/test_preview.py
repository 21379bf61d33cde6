"""A preview tells what rang where the rule was watching, and what would have, judged by events."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.replay import REPLAYED, replay
from forecast.alert import Transition
from forecast.clock import parse_instant
from forecast.errors import UsageError
from forecast.evidence import Event, Outcome
from forecast.store import Store, open_store
from jobs.app import App
from jobs.demo import _rings
from jobs.overreaction import calibrated
from jobs.preview import Preview, Verdict, edited, preview, rule_table
from jobs.track_records import course_of
from tests.jobs.desk import Desk, make_desk
from tests.jobs.scripted import RULES, STALE, played

START = parse_instant("2026-01-01")
NOW = START + timedelta(days=100)
EXPECT = 'expect = [{ rule = "likely", question = "q", episode = 0, at = "0 days" }]\n'


@pytest.fixture
def memory() -> Iterator[Store]:
    with open_store("sqlite://") as opened:
        yield opened


def scenario(values: str, *more: str, rules: str = RULES) -> str:
    """One question `q` of the unit `scripted`, and other tables of the test."""
    series = f'series = [{{ question = "q", values = "{values}", spread = "1.5x", mcse = 0.004 }}]'
    return "\n".join([rules, "[[tests]]", 'name = "a test"', series, EXPECT, *more])


def in_hours(text: str) -> str:
    """The same with an update an hour, between which the clock need not stop."""
    return 'interval = "1 hour"\n' + text.replace("days", "hours").replace("1 day", "1 hour")


def told(app: App, rule: str = "likely", **edits: object) -> Preview:
    return preview(app, edited(rule_table(app.config, rule), edits), NOW)


def ended(outcome: str, days: int) -> str:
    resolve = f'resolve = {{ question = "q", outcome = "{outcome}" }}'
    return f'events = [{{ at = "{days} days", {resolve} }}]'


def happened(store: Store, days: float) -> None:
    at = START + timedelta(days=days)
    store.add_events([Event("e1", "scripted", "scripted", at, at)], at)


# It is what rang


def _but_when(transition: Transition) -> Transition:
    """Live, an end is seen with the next update; in a replay, when it became known."""
    is_end = transition.reason == "question_resolved"
    return replace(transition, at=START) if is_end else transition


percents = st.sampled_from(
    ["15%", "22%", "29.9%", "31%", "39.5%", "40.5%", "55%", "80%:prior", "_", "unhealthy"]
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    st.lists(percents, min_size=3, max_size=14).filter(lambda words: set(words) != {"_"}),
    st.sampled_from(["", ended("yes", 9), ended("no", 12), ended("void", 7)]),
    st.sampled_from(["", 'events = [{ at = "2 days", report = {} }]']),
)
def test_replaying_the_stored_estimates_gives_what_rang_at_the_time(
    words: list[str], end: str, report: str
) -> None:
    with open_store("sqlite://") as store:
        text = scenario(" ".join(words), end or report, rules=RULES + STALE)
        app, _ = played(store, in_hours(text))
        stored = store.estimates("q")
        resolution = store.resolution("q")
        is_stale = {
            t.at: t.after.value in ("firing", "recovering")
            for t in store.alerts.transitions("scripted", "quiet")
        }
        stale_at = [
            e.as_of
            for e in stored
            if is_stale.get(max((at for at in is_stale if at < e.as_of), default=NOW), False)
        ]
        for rule in app.config.rules_for(store.question("q")):
            if rule.kind not in REPLAYED:
                continue
            rang = store.alerts.transitions("q", rule.rule_id)
            again = replay(rule, stored, resolution, stale_at)
            seen = [(t.before, t.after, t.notify, t.reason, t.detail, t.route) for t in again]
            assert seen == [
                (t.before, t.after, t.notify, t.reason, t.detail, t.route) for t in rang
            ]
            assert [t.at for t in again if t.reason != "question_resolved"] == [
                t.at for t in rang if t.reason != "question_resolved"
            ]


def test_stopped_reports_hold_a_rule_in_a_preview_as_they_did(memory: Store) -> None:
    report = 'events = [{ at = "1 day", report = {} }]'
    text = scenario("20%x10 50%x4", report, rules=RULES + STALE)
    app, _ = played(memory, in_hours(text))
    assert memory.alerts.transitions("q", "likely") == []
    assert told(app).rings == []
    assert len(preview(app, rule_table(app.config, "likely"), NOW).pasts) == 1


def test_the_rings_and_leads_are_those_that_the_demo_tells(store: Store) -> None:
    app, _ = played(store, scenario("20%x3 45%x4 10%x3 50%x8", ended("yes", 16)))
    happened(store, 14.5)
    line = course_of(app, store.question("q"), NOW)
    demo = [ring for ring in _rings(app, line, NOW) if ring.rule_id == "likely"]
    ours = told(app).rings
    assert len(demo) == 2
    assert [r.episode.rang_at for r in ours] == [r.rang_at for r in demo]
    assert [r.episode.probability for r in ours] == [r.probability for r in demo]
    assert [r.lead_days for r in ours if r.event_at] == [demo[-1].lead_days]


# What rings are worth


def test_of_two_rings_before_an_event_the_one_that_was_called_off_is_a_false_alarm(
    memory: Store,
) -> None:
    app, _ = played(memory, scenario("45%x4 10%x3 50%x8", ended("yes", 12)))
    happened(memory, 11.0)
    seen = told(app)
    assert [r.verdict for r in seen.rings] == [Verdict.FALSE_ALARM, Verdict.HIT]
    assert seen.leads == [3.0]
    assert seen.missed == []
    assert seen.events_hit == 1


def test_a_ring_that_was_called_off_before_its_event_says_how_long_it_was_quiet(
    memory: Store,
) -> None:
    app, _ = played(memory, scenario("45%x4 10%x8", ended("yes", 12)))
    happened(memory, 11.0)
    (ring,) = told(app).rings
    assert (ring.verdict, ring.lead_days, ring.quiet_days) == (Verdict.HIT, 10.0, 6.0)


@pytest.mark.parametrize(
    ("values", "end", "event_on", "verdicts", "missed"),
    [
        ("45%x8", "no", None, ["false alarm"], []),
        ("45%x8", "void", None, ["undecided"], []),
        ("45%x8", "", None, ["undecided"], []),
        ("20%x6 45%x8", "yes", 3.0, ["late"], ["q"]),
        ("20%x12", "yes", 3.0, [], ["q"]),
        ("20%x12", "no", None, [], []),
        ("45%x8", "yes", None, ["hit"], []),
    ],
)
def test_each_ring_is_judged_by_how_its_question_ended(
    memory: Store,
    values: str,
    end: str,
    event_on: float | None,
    verdicts: list[str],
    missed: list[str],
) -> None:
    app, _ = played(memory, scenario(values, ended(end, 10) if end else ""))
    if event_on is not None:
        happened(memory, event_on)
    seen = told(app)
    assert [ring.verdict.value for ring in seen.rings] == verdicts
    assert seen.missed == missed


def test_rates_count_the_weeks_in_which_questions_were_watched(store: Store) -> None:
    two = 'series = [{ question = "p", values = "10%x15" }, { question = "q", values = "45%x8" }]'
    events = 'events = [{ at = "7 days", resolve = { question = "q", outcome = "no" } }]'
    text = "\n".join([RULES, "[[tests]]", 'name = "two"', two, EXPECT, events])
    app, _ = played(store, text)
    seen = told(app)
    assert seen.weeks == pytest.approx((14 + 6) / 7)
    assert seen.weeks_passed == 2.0
    assert seen.false_alarms_per_100_weeks == pytest.approx(35.0)


def test_an_episode_that_a_retune_began_is_counted_apart(memory: Store) -> None:
    rules = RULES.replace('clear_at = "30%"', 'clear_at = "30%"\ndwell = 1')
    app, _ = played(memory, scenario("20%x3 60%:prior 61%x3", rules=rules))
    (past,) = told(app).pasts
    assert past.rings == ()
    assert len(past.digests) == 1


# Edits and what cannot be previewed


def test_a_lower_line_rings_earlier_and_more(memory: Store) -> None:
    app, _ = played(memory, scenario("20%x3 33%x5 20%x3 45%x4"))
    assert [len(told(app).rings), len(told(app, fire_at="32%", clear_at="25%").rings)] == [1, 2]
    assert len(told(app, dwell=5).rings) == 0
    assert told(app, questions=["other-*"]).pasts == ()


def test_an_edit_that_cannot_be_is_refused(memory: Store) -> None:
    app, _ = played(memory, scenario("20%x3"))
    with pytest.raises(UsageError, match="likely as edited: clear_at 30% must be below fire_at"):
        told(app, fire_at="20%")
    with pytest.raises(UsageError, match="there is no rule 'likly'; did you mean 'likely'"):
        rule_table(app.config, "likly")
    with pytest.raises(UsageError, match="model-unhealthy is of kind unhealthy: it foretells no"):
        told(app, "model-unhealthy")


def test_what_became_known_later_is_not_seen(memory: Store) -> None:
    app, _ = played(memory, scenario("20%x3 45%x4 10%x3", ended("no", 8)))
    early = preview(app, rule_table(app.config, "likely"), START + timedelta(days=5))
    assert [len(past.estimates) for past in early.pasts] == [6]
    assert [ring.verdict for ring in early.rings] == [Verdict.UNDECIDED]


# What calibrated forecasts would do


def test_the_bounds_stand_beside_what_happened(memory: Store) -> None:
    app, _ = played(memory, scenario("10%x3 45%x4", ended("no", 8)))
    after = NOW + timedelta(days=4000)  # past the deadline: what ended early is no fair pick
    bounds = calibrated(preview(app, rule_table(app.config, "likely"), after))
    assert bounds is not None
    assert bounds.open == ()
    assert bounds.frequency is not None
    assert bounds.frequency.rang == 1
    assert bounds.frequency.expected_at_most == pytest.approx(0.25)
    assert bounds.frequency.tail == bounds.frequency.tail_if_dependent == pytest.approx(0.25)
    assert bounds.precision is not None
    assert (bounds.precision.rings, bounds.precision.came_true) == (1, 0)
    assert bounds.precision.tail == pytest.approx(0.55)
    assert bounds.movement.moved == pytest.approx(0.35**2 + 0.45**2)
    assert bounds.movement.resolved == pytest.approx(0.09)


def test_an_open_question_has_an_outlook(memory: Store) -> None:
    app, _ = played(memory, scenario("10%x3 20% unhealthy"))
    bounds = calibrated(told(app))
    assert bounds is not None
    assert bounds.frequency is not None
    assert bounds.frequency.rang == 0
    assert bounds.precision is None
    (outlook,) = bounds.open
    assert (outlook.probability, outlook.is_firing) == (0.2, False)
    assert outlook.ring_at_most == pytest.approx(0.5)
    assert outlook.false_alarm_at_most == pytest.approx(0.3)
    assert calibrated(told(app, "doubled")) is None


# The command


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = make_desk(tmp_path)
    desk.rewrite('questions = ["*"]\nfire_at = "2%"', 'questions = ["q*"]\nfire_at = "40%"')
    desk.rewrite('clear_at = "1%"', 'clear_at = "30%"')
    return desk


def test_a_desk_without_history_is_told_how_to_get_one(desk: Desk) -> None:
    result = desk.run("alerts", "preview", "likely")
    assert result.returncode == 2
    assert "none of the 2 questions that likely watches has an estimate yet" in result.stderr
    assert "tocsin update --as-of" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_command_says_what_a_rule_would_have_rung(desk: Desk) -> None:
    with desk.store() as store:
        app, _ = played(store, scenario("20%x3 45%x4 10%x6", ended("yes", 12)))
        happened(app.store, 10.0)
    said = desk.run("alerts", "preview", "likely", "--as-of", "2026-02-01")
    assert said.returncode == 0, said.stderr
    assert "It would have rung 1 time on 1 question over 2 question-weeks: 1 hit," in said.stdout
    assert "Median lead 7 days." in said.stdout
    assert "Too few to judge the rule by" in said.stdout
    assert "Without any estimate yet: q-" in said.stdout
    shown = desk.run("alerts", "preview", "likely", "--questions", "q", "--dwell", "1", "--json")
    body = json.loads(shown.stdout)
    assert (body["rings"], body["hits"], body["lead_days"]) == (1, 1, {"median": 7.0, "all": [7.0]})
    assert body["rule"]["dwell_up"] == 1
    (question,) = body["questions"]
    assert question["outcome"] == Outcome.YES
    assert question["rings"][0]["verdict"] == "hit"
    assert body["calibrated"]["frequency"]["expected_at_most"] == pytest.approx(0.5)


def test_a_wrong_edit_is_one_line(desk: Desk) -> None:
    result = desk.run("alerts", "preview", "likely", "--fire-at", "25%")
    assert result.returncode == 2
    assert result.stderr == ("tocsin: likely as edited: clear_at 30% must be below fire_at 25%\n")


def test_a_ring_that_is_on_is_a_false_alarm_unless_the_event_comes(memory: Store) -> None:
    """Also where P has come down between the lines, and no new ring could come."""
    app, _ = played(memory, scenario("20%x2 45%x3 32%"))
    bounds = calibrated(told(app))
    assert bounds is not None
    (outlook,) = bounds.open
    assert outlook.is_firing
    assert outlook.ring_at_most == 1.0
    assert outlook.false_alarm_at_most == pytest.approx(0.68)
