"""Tallies of the record: a forecaster who is right about every hazard is not made to look wrong."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from forecast.evidence import Event, Outcome, Resolution
from forecast.reports.track_record import Course, Said
from forecast.web.pages.tallies import by_class, by_lead, end_of, is_due
from tests.forecast.web.api_desk import NOW, a_question
from tests.forecast.web.pages.full_desk import DAY

DAYS = 60
QUESTION = replace(a_question(), opens_at=NOW, deadline=NOW + DAYS * DAY)


def course(hazard: float, came: float, every: int = 1) -> Course[Said]:
    """One whose hazard a day is known to whoever forecasts it; `came` days after it opened."""
    until, is_yes = min(came, DAYS), came < DAYS
    said = (
        Said(NOW + day * DAY, -math.expm1(-hazard * (DAYS - day)))
        for day in range(0, math.ceil(until), every)
    )
    moment = NOW + timedelta(days=until)
    event = Event("e", "harbour", "strike", moment, moment) if is_yes else None
    outcome = Outcome.YES if is_yes else Outcome.NO
    return Course(QUESTION, tuple(said), Resolution("q", outcome, moment, "so"), event, ())


def test_who_is_right_about_every_hazard_says_what_comes_true_at_every_lead_time() -> None:
    rng = np.random.default_rng(2)
    hazards = rng.gamma(2.0, 0.3, 2000) / DAYS
    tallies = by_lead([course(h, rng.exponential(1 / h)) for h in hazards])
    assert [tally.name for tally in tallies] == ["30 days", "14 days", "7 days", "3 days", "1 day"]
    for tally in tallies:
        error = math.sqrt(tally.forecast * (1 - tally.forecast) / tally.n)
        assert tally.yes / tally.n == pytest.approx(tally.forecast, abs=3 * error)


def test_what_was_answered_by_then_is_in_no_tally() -> None:
    early, late = course(0.01, 20.0), course(0.01, 50.0)
    counts = {tally.name: tally.n for tally in by_lead([early, late])}
    assert counts == {"30 days": 1, "14 days": 1}


def test_an_answer_without_an_event_ends_its_question_when_it_was_given() -> None:
    by_hand = replace(course(0.01, 20.0), event=None)
    assert end_of(by_hand) == NOW + 20 * DAY
    late = Resolution("q", Outcome.NO, NOW + 90 * DAY, "so")
    assert end_of(replace(by_hand, resolution=late)) == QUESTION.deadline


def test_a_question_is_due_when_its_deadline_is_over_and_not_when_it_has_ended() -> None:
    early = course(0.01, 20.0)
    assert not is_due(early, NOW + 30 * DAY)
    assert is_due(early, NOW + DAYS * DAY)


def test_a_class_has_the_scores_of_the_record_and_each_question_counts_once() -> None:
    said = (Said(NOW + day * DAY, p) for day, p in ((1, 0.2), (5, 0.8)))
    moved = replace(course(0.01, 20.0), history=tuple(said))
    steady = [replace(course(0.01, 90.0), history=(Said(NOW + DAY, 0.5),) * n) for n in (1, 7)]
    [tally] = by_class([moved, *steady], lambda name: "all")
    assert (tally.n, tally.yes) == (3, 1)
    assert tally.forecast == pytest.approx(0.5)
    of_moved = (0.8**2 + 0.2**2) / 2  # the mean of its scores, not the score of its mean
    assert tally.brier == pytest.approx((of_moved + 0.5**2 + 0.5**2) / 3)
    assert tally.base == pytest.approx((1 / 3) * (2 / 3) ** 2 + (2 / 3) * (1 / 3) ** 2)
