"""The view gathers facts: who stands where, which incidents matter, what moved the number."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from forecast.alert import State
from forecast.estimate import Move, log_hazard
from forecast.evidence import incident_key
from forecast.reports.incidents import MARKED, incidents_of
from forecast.reports.moves import UNRECORDED, week_shift
from forecast.reports.view import QuestionReport, Status, build_view
from forecast.reports.watch import Attention, build_watch
from tests.forecast import report_samples as samples

BOATS = samples.CONTRIBUTIONS[0]


def test_the_order_of_the_rows_does_not_matter() -> None:
    turned = samples.full(
        history=samples.history()[::-1],
        transitions=samples.transitions()[::-1],
        crowd=samples.crowd()[::-1],
        reports=samples.reports()[::-1],
    )
    assert turned == samples.full()


def test_a_rule_stands_where_its_last_change_of_mind_left_it() -> None:
    (standing,) = samples.full(transitions=samples.transitions()[:2]).standings
    assert (standing.state, standing.is_firing) == (State.FIRING, True)
    (standing,) = samples.full().standings
    assert (standing.state, standing.is_firing) == (State.OK, False)


def test_a_rule_that_is_recovering_still_has_its_alert_out() -> None:
    assert samples.full(transitions=samples.transitions()[:3]).is_firing


def test_a_rule_without_a_transition_is_ok_from_the_start() -> None:
    (standing,) = samples.full(transitions=[]).standings
    assert (standing.state, standing.last) == (State.OK, None)


def test_the_moves_of_a_week_sum_to_its_change_of_the_log_hazard() -> None:
    shift = samples.full().week_move
    assert shift is not None
    assert shift.until - shift.since == timedelta(days=7)
    whole = log_hazard(shift.end) - log_hazard(shift.start)
    assert math.fsum(shift.parts.values()) == pytest.approx(whole, abs=1e-9)
    assert shift.parts["evidence"] == pytest.approx(0.75)
    assert UNRECORDED not in shift.parts


def test_a_move_that_was_not_stored_is_named_and_not_hidden_in_another() -> None:
    past = [samples.estimate(0, 0.2), samples.estimate(1, 0.3)]
    shift = week_shift(past)
    assert shift is not None
    assert shift.parts[UNRECORDED] == pytest.approx(log_hazard(0.3) - log_hazard(0.2))
    assert shift.main_cause() == UNRECORDED


def test_the_week_starts_at_the_newest_estimate_that_is_a_week_old() -> None:
    past = [samples.estimate(day, 0.1 + day / 100) for day in (0, 3, 9, 16)]
    shift = week_shift(past)
    assert shift is not None
    assert (shift.since, shift.start) == (samples.at(9), 0.19)


def test_the_last_move_is_the_one_that_the_newest_estimate_explains() -> None:
    move = Move(0.2, 0.3, evidence=log_hazard(0.3) - log_hazard(0.2))
    past = [samples.estimate(0, 0.2), samples.estimate(1, 0.3, moved=move)]
    shift = samples.bare(history=past).last_move
    assert shift is not None
    assert (shift.start, shift.end, shift.main_cause()) == (0.2, 0.3, "evidence")


def test_copies_of_one_incident_are_one_line_with_every_source() -> None:
    incident = incidents_of(samples.reports())["i92"]
    assert incident.sources == ("Harbour Wire", "Coast Daily")
    assert incident.reports == 2
    assert incident.known_at == samples.at(92) - timedelta(hours=14)


def test_reports_without_an_incident_are_one_a_tag_and_day() -> None:
    first, second, *_ = (replace(r, incident_id="") for r in samples.reports())
    other_day = replace(second, occurred_at=second.occurred_at + timedelta(days=1))
    other_tag = replace(second, tag="statement.threat.second")
    assert incident_key(first) == incident_key(second)
    assert len(incidents_of([first, second, other_day, other_tag])) == 3


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://news.example/a?b=1&c=2", "https://news.example/a?b=1&c=2"),
        ("HTTP://news.example", "HTTP://news.example"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//news.example", ""),
        (" jav\tascript:alert(1)", ""),
        ('https://news.example/"onclick="x', ""),
        ("https://news.example/\u202egnp", ""),
        ("https://news.example/" + "a" * 2000, ""),
    ],
)
def test_only_a_plain_web_address_becomes_a_link(url: str, kept: str) -> None:
    report = replace(samples.reports()[0], url=url)
    assert incidents_of([report])["i31"].url == kept


def test_the_incidents_that_moved_the_number_most_are_marked_by_date() -> None:
    marked = samples.full().marked
    assert len(marked) == MARKED
    assert [i.incident_id for i in marked] == [
        "i92",
        "i120",
        "i140",
        "i146",
        "i163",
        "i174",
        "i176",
    ]


def test_effects_stand_by_strength_with_the_weakening_ones_among_them() -> None:
    effects = samples.full().effects
    assert [e.tag for e in effects[:4]] == [
        "kinetic.boat-strike",
        "military.carrier-deployment",
        "airspace.closure",
        "diplomacy.talks",
    ]
    assert [i.incident_id for i in effects[0].incidents] == ["i176", "i120", "i92"]


def test_incidents_whose_reports_are_not_at_hand_are_still_counted() -> None:
    effects = samples.full(reports=[]).effects
    assert (effects[0].count, effects[0].incidents) == (3, ())


def test_what_the_newest_estimate_could_not_know_is_not_shown() -> None:
    early = samples.full(history=samples.history(121))
    (boats,) = (e for e in early.effects if e.tag == "kinetic.boat-strike")
    assert [i.incident_id for i in boats.incidents] == ["i120", "i92"]
    just_then = replace(samples.reports()[0], known_at=samples.at(10))
    one = samples.estimate(10, 0.3, contributions=(replace(BOATS, incidents=("i31",)),))
    assert samples.bare(history=[one], reports=[just_then]).effects[0].incidents == ()


def test_the_status_says_what_a_reader_must_know_first() -> None:
    late = samples.DEADLINE + timedelta(seconds=1)
    assert samples.bare(None).status is Status.EMPTY
    assert samples.bare().status is Status.OPEN
    assert samples.bare(now=samples.DEADLINE).status is Status.OPEN
    assert samples.bare(None, now=late).status is Status.DUE
    assert samples.resolved().status is Status.RESOLVED


def test_a_held_stretch_starts_at_its_first_estimate() -> None:
    assert samples.full(history=samples.history(103)).held_since == samples.at(100)
    assert samples.full().held_since is None


def test_a_watch_shows_first_what_needs_attention() -> None:
    def named(name: str) -> dict[str, Any]:
        return {"question": replace(samples.QUESTION, question_id=name)}

    soon = replace(samples.QUESTION, question_id="near", deadline=samples.at(12))
    reports = [
        replace(samples.resolved(), question=replace(samples.QUESTION, question_id="resolved")),
        samples.bare(**named("calm")),
        samples.bare(question=soon),
        samples.full(**named("moved")),
        samples.bare(now=samples.DEADLINE + timedelta(days=1), **named("due")),
        samples.full(history=samples.history(103), **named("held")),
        samples.full(transitions=samples.transitions()[:2], **named("firing")),
    ]
    watch = build_watch("Desk", reports, now=samples.at(10.5))
    names = [row.report.question.question_id for row in watch.rows]
    assert names == ["firing", "held", "due", "moved", "near", "calm", "resolved"]
    assert [row.attention for row in watch.rows] == list(Attention)
    assert watch.rows[3].points_in_week == 12


def test_under_one_heading_the_larger_move_then_the_nearer_deadline_comes_first() -> None:
    def moved(name: str, p: float) -> QuestionReport:
        past = [samples.estimate(0, 0.3), samples.estimate(7, p)]
        return build_view(replace(samples.QUESTION, question_id=name), past, now=samples.at(7.5))

    calm = [
        build_view(replace(samples.QUESTION, question_id=n, deadline=d), [], now=samples.at(0))
        for n, d in (("late", samples.at(99)), ("early", samples.at(98)))
    ]
    watch = build_watch("Desk", [moved("up", 0.4), moved("down", 0.1), *calm], now=samples.at(8))
    names = [row.report.question.question_id for row in watch.rows]
    assert names == ["down", "up", "early", "late"]
