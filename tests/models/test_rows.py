"""Time at risk and time watched: what a span says of each day, and of what contradicts it."""

import numpy as np
import pytest

from forecast.evidence import Coverage, CoverageState
from models.covariates import Pulses
from models.rows import at_risk, contradictions, daily_rows, watched
from tests.models.worlds import START, day, event

DAYS = np.arange(6.0)
AT_RISK, NOT_AT_RISK = CoverageState.AT_RISK, CoverageState.NOT_AT_RISK
COVERED, DOWN = CoverageState.COVERED, CoverageState.DOWN


def span(
    state: CoverageState, since: float, until: float | None = None, tags: str = "*"
) -> Coverage:
    end = None if until is None else day(until)
    return Coverage(f"{state}-{since}", "u", state, day(since), end, START, tags)


def test_where_nothing_is_said_every_day_is_at_risk_and_watched() -> None:
    assert at_risk([], START, DAYS).tolist() == [1.0] * 5
    assert watched([], ["a", "b"], START, DAYS).tolist() == [[1.0, 1.0]] * 5
    assert watched([], [], START, DAYS).shape == (5, 0)
    assert at_risk([], START, np.arange(1.0)).shape == (0,)


def test_spans_at_risk_leave_no_other_time_and_others_take_away_from_them() -> None:
    spans = [span(AT_RISK, 1.0, 3.5), span(AT_RISK, 3.0, 4.5), span(NOT_AT_RISK, 2.25, 2.5)]
    assert at_risk(spans, START, DAYS) == pytest.approx([0, 1, 0.75, 1, 0.5])
    assert at_risk(spans[2:], START, DAYS) == pytest.approx([1, 1, 0.75, 1, 1])


def test_a_span_without_an_end_goes_on_and_one_before_the_first_day_counts() -> None:
    assert at_risk([span(AT_RISK, -9.0)], START, DAYS).tolist() == [1.0] * 5
    assert at_risk([span(AT_RISK, -9.0, -1.0)], START, DAYS).tolist() == [0.0] * 5
    assert at_risk([span(NOT_AT_RISK, 3.0)], START, DAYS).tolist() == [1, 1, 1, 0, 0]


def test_bins_may_be_of_any_length() -> None:
    edges = np.array([0.0, 0.5, 4.0, 30.0])
    found = at_risk([span(AT_RISK, 0.25, 17.0)], START, edges)
    assert found == pytest.approx([0.5, 1.0, 0.5])


def test_a_feed_that_is_down_is_not_watched_and_the_others_are() -> None:
    spans = [span(DOWN, 1.0, 2.5, "union.*"), span(COVERED, 0.0, 4.0, "press"), span(AT_RISK, 9)]
    found = watched(spans, ["union.ballot", "press", "wire"], START, DAYS)
    assert found.T.tolist() == [[1, 0, 0.5, 1, 1], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]


def test_a_day_not_at_risk_has_no_exposure_but_one_with_an_event_has() -> None:
    pulses = Pulses.of([], (), np.array([]), START)
    spans = [span(NOT_AT_RISK, 1.0, 4.0)]
    rows = daily_rows(pulses, [event("e", 2.5)], day(5), True, spans)
    assert rows.exposure.tolist() == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert rows.events.tolist() == [0.0, 0.0, 1.0, 0.0, 0.0]
    once = daily_rows(pulses, [event("e", 2.5)], day(5), False, spans)
    assert once.exposure.tolist() == [1.0, 0.0, 1.0, 0.0, 0.0]
    assert daily_rows(pulses, [], day(5), True).exposure.tolist() == [1.0] * 5


def test_an_event_at_a_time_that_was_said_to_be_safe_is_named() -> None:
    spans = [span(AT_RISK, 2.0, 4.0)]
    events = [event("inside", 3.0), event("before", 1.0)]
    [words] = contradictions(events, spans)
    assert words == (
        "strike on 2025-01-02T00:00:00Z (before) happened while u was said not to be at risk"
    )
    assert contradictions(events, []) == []
