"""The record of ended questions: who is counted, and against whom we are held."""

import math
from dataclasses import replace

import pytest

from forecast.evidence import CrowdForecast, Event, Outcome, Resolution
from forecast.reports.track_record import Course, Said, beside_others, track_record
from tests.forecast.report_samples import QUESTION, at

HISTORY = tuple(Said(at(day), p) for day, p in ((-5, 0.9), (10, 0.2), (20, 0.4), (30, 0.6)))
YES = Resolution(QUESTION.question_id, Outcome.YES, at(40), "it came")
CAME = Event("e", QUESTION.unit, QUESTION.definition, at(25), at(26))
CROWD = tuple(
    CrowdForecast(QUESTION.question_id, at(day), p, "Market")
    for day, p in ((-7, 0.5), (-2, 0.5), (22, 0.7), (26, 1.0))
)
COURSE = Course(QUESTION, HISTORY, YES, CAME, CROWD)


def test_a_question_scores_the_mean_over_the_forecasts_made_while_it_was_open() -> None:
    found = track_record([COURSE])
    assert (found.n, found.yes) == (1, 1)
    assert found.brier == pytest.approx((0.8**2 + 0.6**2 + 0.4**2) / 3)
    assert found.log_loss == pytest.approx(-(math.log(0.2) + math.log(0.4) + math.log(0.6)) / 3)


def test_others_are_held_against_what_we_said_then_and_not_once_the_thing_happens() -> None:
    [(_, other, ours)] = beside_others([COURSE])
    assert (other.at, ours.probability) == (at(22), 0.4)
    found = track_record([COURSE])
    assert found.moments == 1
    assert found.ours == pytest.approx(0.36)
    assert found.theirs == pytest.approx(0.09)


def test_open_and_void_questions_and_those_that_were_never_forecast_do_not_count() -> None:
    void = replace(COURSE, resolution=replace(YES, outcome=Outcome.VOID))
    never = replace(COURSE, history=HISTORY[:1])
    found = track_record([replace(COURSE, resolution=None), void, never])
    assert found.n == 0
    assert math.isnan(found.brier)


def test_a_record_is_short_until_there_are_thirty_with_some_of_both() -> None:
    no = replace(COURSE, resolution=replace(YES, outcome=Outcome.NO), event=None)
    assert track_record([COURSE] * 10 + [no] * 19).is_short
    assert not track_record([COURSE] * 10 + [no] * 20).is_short
    assert track_record([COURSE] * 9 + [no] * 200).is_short
