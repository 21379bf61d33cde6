"""What was known when: the store's memory of reports, events, questions and outcomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from forecast.errors import UsageError
from forecast.evidence import CrowdForecast, Event, Outcome, Report, Resolution
from forecast.question import Question
from forecast.store import Added, BadRow, Store

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
START = datetime(2025, 9, 1, tzinfo=UTC)
LATER = START + 30 * DAY
FAR = START + 3650 * DAY

REPORT = Report(
    "R1",
    "usa-ven",
    "military.carrier-deployment",
    START,
    START + DAY,
    incident_id="uv-carrier",
    value=0.7,
    source="A wire",
    origin="An agency",
    reliability="B",
    credibility=2,
    url="https://example.org/1",
    summary="A carrier sails; «так» 船 😀",
)
EVENT = Event("E1", "usa-ven", "strike-at-sea", START, START + DAY, "A strike.", "https://x.org")
QUESTION = Question(
    "uv-strike", "A strike?", "usa-ven", "strike", START, START + 90 * DAY, "Yes if.", "Note."
)
RESOLUTION = Resolution("uv-strike", Outcome.NO, START + 91 * DAY, "nothing happened")
CROWD = CrowdForecast("uv-strike", START, 0.61, "A market", "https://m.org", "thin")


def test_a_report_is_read_back_as_it_was_stated(store: Store) -> None:
    store.add_reports([REPORT], LATER)
    assert store.reports("usa-ven", FAR) == [REPORT]


def test_nothing_is_known_at_the_moment_it_becomes_known_but_right_after(store: Store) -> None:
    store.add_reports([REPORT], START)
    store.add_events([EVENT], START)
    store.add_questions([QUESTION], START)
    store.add_resolutions([RESOLUTION], START)
    store.add_crowd([CROWD], START)

    at = store.snapshot(QUESTION, REPORT.known_at)
    after = store.snapshot(QUESTION, REPORT.known_at + TICK)
    assert (at.reports, at.events) == ((), ())
    assert (after.reports, after.events) == ((REPORT,), (EVENT,))
    assert store.snapshot(QUESTION, CROWD.at).crowd == ()
    assert store.snapshot(QUESTION, CROWD.at + TICK).crowd == (CROWD,)
    assert store.snapshot(QUESTION, RESOLUTION.known_at).resolutions == ()
    assert store.snapshot(QUESTION, RESOLUTION.known_at + TICK).resolutions == (RESOLUTION,)


@pytest.mark.parametrize("fraction", [0, 1, 999_999])
def test_order_in_time_is_kept_with_and_without_microseconds(store: Store, fraction: int) -> None:
    moment = START.replace(microsecond=fraction)
    late = replace(REPORT, known_at=moment)
    store.add_reports([late], START)
    assert store.reports("usa-ven", moment) == []
    assert store.reports("usa-ven", moment + TICK) == [late]


def test_times_of_other_zones_come_back_as_the_same_instant_in_utc(store: Store) -> None:
    caracas = timezone(timedelta(hours=-4))
    store.add_reports([replace(REPORT, known_at=REPORT.known_at.astimezone(caracas))], START)
    (found,) = store.reports("usa-ven", FAR)
    assert found == REPORT
    assert found.known_at.tzinfo is UTC
    assert store.reports("usa-ven", REPORT.known_at.astimezone(caracas)) == []


def test_the_same_facts_twice_add_nothing(store: Store) -> None:
    caracas = timezone(timedelta(hours=-4))
    same_instant = replace(REPORT, occurred_at=REPORT.occurred_at.astimezone(caracas))
    assert store.add_reports([REPORT, REPORT], LATER) == Added(new=1, same=1)
    assert store.add_reports([same_instant], LATER) == Added(same=1)
    for _ in range(2):
        first = (
            store.add_events([EVENT], LATER)
            + store.add_questions([QUESTION], LATER)
            + store.add_resolutions([RESOLUTION], LATER)
            + store.add_crowd([CROWD], LATER)
        )
        assert first in (Added(new=4), Added(same=4))
    assert first == Added(same=4)


def test_more_facts_than_are_looked_up_at_once_are_told_apart(store: Store) -> None:
    reports = [replace(REPORT, report_id=f"R{i}") for i in range(2500)]
    assert store.add_reports(reports, LATER) == Added(new=2500)
    changed = [replace(r, value=0.1) for r in reports[::5]]
    assert store.add_reports(reports + changed, LATER) == Added(same=2500, corrected=500)
    assert len(store.reports("usa-ven", FAR)) == 2500


def test_a_correction_is_not_known_before_it_was_recorded(store: Store) -> None:
    store.add_reports([REPORT], START + DAY)
    corrected = replace(REPORT, value=0.1)
    assert store.add_reports([corrected], LATER) == Added(corrected=1)
    assert store.reports("usa-ven", LATER) == [REPORT]
    assert store.reports("usa-ven", LATER + TICK) == [replace(corrected, known_at=LATER)]


def test_a_correction_that_says_when_it_became_known_waits_until_then(store: Store) -> None:
    store.add_reports([REPORT], START + DAY)
    corrected = replace(REPORT, value=0.1, known_at=LATER + DAY)
    store.add_reports([corrected], LATER)
    assert store.reports("usa-ven", LATER + DAY) == [REPORT]
    assert store.reports("usa-ven", LATER + DAY + TICK) == [corrected]


def test_the_last_recorded_of_the_known_versions_counts(store: Store) -> None:
    typo = replace(REPORT, known_at=FAR)
    store.add_reports([typo], START)
    store.add_reports([REPORT], LATER)
    assert store.reports("usa-ven", FAR + DAY) == [replace(REPORT, known_at=LATER)]


def test_a_report_corrected_to_another_unit_leaves_the_first(store: Store) -> None:
    store.add_reports([REPORT], START + DAY)
    moved = replace(REPORT, unit="rus-ukr")
    store.add_reports([moved], LATER)
    assert store.reports("usa-ven", LATER) == [REPORT]
    assert store.reports("rus-ukr", LATER) == []
    assert store.reports("usa-ven", FAR) == []
    assert store.reports("rus-ukr", FAR) == [replace(moved, known_at=LATER)]


def test_a_file_that_holds_a_report_and_its_correction_adds_both_only_once(store: Store) -> None:
    both = [REPORT, replace(REPORT, value=0.2)]
    assert store.add_reports(both, LATER) == Added(new=1, corrected=1)
    assert store.add_reports(both, LATER + DAY) == Added(same=2)


def test_a_correction_of_an_event_does_not_reach_the_past(store: Store) -> None:
    store.add_events([EVENT], START + DAY)
    store.add_events([replace(EVENT, definition="strike-on-land")], LATER)
    assert store.snapshot(QUESTION, LATER).events == (EVENT,)
    (now,) = store.snapshot(QUESTION, FAR).events
    assert (now.definition, now.known_at) == ("strike-on-land", LATER)


def test_a_question_is_what_was_last_said_of_it_even_if_that_was_said_before(
    store: Store,
) -> None:
    reworded = replace(QUESTION, title="Any strike?")
    assert store.add_questions([QUESTION], START) == Added(new=1)
    assert store.add_questions([reworded], START) == Added(corrected=1)
    assert store.question("uv-strike") == reworded
    assert store.add_questions([QUESTION], START) == Added(corrected=1)
    assert store.question("uv-strike") == QUESTION
    assert store.questions() == [QUESTION]


def test_of_two_wordings_in_one_batch_the_last_is_the_question(store: Store) -> None:
    reworded = replace(QUESTION, title="Any strike?")
    store.add_questions([QUESTION, reworded], START)
    assert store.question("uv-strike") == reworded
    assert store.add_questions([QUESTION, reworded], START) == Added(same=1)


def test_a_question_moved_to_another_unit_is_no_longer_at_the_first(store: Store) -> None:
    store.add_questions([QUESTION], START)
    store.add_questions([replace(QUESTION, unit="rus-ukr")], START)
    assert store.snapshot(QUESTION, FAR).questions == ()


def test_questions_are_sorted_by_deadline_and_chosen_by_pattern(store: Store) -> None:
    second = replace(QUESTION, question_id="b", deadline=QUESTION.deadline + DAY)
    third = replace(QUESTION, question_id="c", deadline=QUESTION.deadline + DAY)
    store.add_questions([third, second, QUESTION], START)
    assert store.questions() == [QUESTION, second, third]
    assert store.questions(["[bc]"]) == [second, third]
    assert store.questions(["uv-*", "c"]) == [QUESTION, third]
    assert store.questions([]) == []


def test_an_unknown_question_is_met_with_the_nearest_known(store: Store) -> None:
    store.add_questions([QUESTION], START)
    with pytest.raises(UsageError, match="no question 'uv-strikes'; did you mean 'uv-strike'"):
        store.question("uv-strikes")


def test_a_snapshot_holds_its_unit_and_is_ordered(store: Store) -> None:
    elsewhere = replace(REPORT, report_id="X", unit="rus-ukr")
    early = replace(REPORT, report_id="R9", known_at=START + TICK)
    twin = replace(REPORT, report_id="R0")
    store.add_reports([REPORT, elsewhere, twin, early], START)
    old = replace(EVENT, event_id="E9", occurred_at=START - DAY)
    other = replace(EVENT, event_id="E0", unit="rus-ukr")
    store.add_events([EVENT, old, other], START)
    later = replace(QUESTION, question_id="z", deadline=QUESTION.deadline + DAY)
    foreign = replace(QUESTION, question_id="f", unit="rus-ukr")
    store.add_questions([later, QUESTION, foreign], START)
    store.add_crowd([CROWD, replace(CROWD, question_id="f")], START)

    snapshot = store.snapshot(QUESTION, FAR)
    assert (snapshot.unit, snapshot.as_of) == ("usa-ven", FAR)
    assert snapshot.reports == (early, twin, REPORT)
    assert snapshot.events == (old, EVENT)
    assert snapshot.questions == (QUESTION, later)
    assert snapshot.crowd == (CROWD,)


def test_the_newest_known_outcome_counts(store: Store) -> None:
    assert store.resolution("uv-strike") is None
    store.add_resolutions([RESOLUTION], RESOLUTION.known_at)
    overturned = replace(RESOLUTION, outcome=Outcome.YES, reason="it did happen")
    recorded = RESOLUTION.known_at + DAY
    assert store.add_resolutions([overturned], recorded) == Added(corrected=1)
    assert store.resolution("uv-strike", as_of=RESOLUTION.known_at) is None
    assert store.resolution("uv-strike", as_of=recorded) == RESOLUTION
    assert store.resolution("uv-strike") == replace(overturned, known_at=recorded)


def test_a_corrected_crowd_forecast_replaces_the_first_from_then_on(store: Store) -> None:
    store.add_questions([QUESTION], START)
    other = replace(CROWD, source="A group")
    store.add_crowd([CROWD, other], START)
    store.add_crowd([replace(CROWD, probability=0.16)], LATER)
    assert store.crowd("uv-strike") == [other, replace(CROWD, probability=0.16)]
    assert store.snapshot(QUESTION, LATER).crowd == (other, CROWD)
    assert store.crowd("uv-strike", LATER) == [other, CROWD]
    assert store.snapshot(QUESTION, LATER + TICK).crowd[1].probability == 0.16


def test_bad_rows_are_kept_once_each(store: Store) -> None:
    rows = [BadRow("reports.csv", 7, "unit is empty", "R7,,"), BadRow("x", 2, "no", "")]
    store.quarantine(rows, START)
    store.quarantine(rows[:1], LATER)
    assert store.quarantined() == rows


def test_an_item_of_a_source_is_kept_aside_once_however_it_reads(store: Store) -> None:
    first = BadRow("wire:7", 0, "value '-' is not a number", '{"seen": 1}')
    store.quarantine([first], START)
    store.quarantine([replace(first, text='{"seen": 2}')], LATER)
    other = replace(first, reason="has no unit")
    store.quarantine([other], LATER)
    assert store.quarantined() == [first, other]


def test_a_time_without_a_zone_is_refused_where_it_is_asked_for(store: Store) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        store.reports("usa-ven", START.replace(tzinfo=None))
