"""Units with news: marked with the facts, claimed by one, and due again for what came since."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forecast.errors import StoreError, UsageError
from forecast.evidence import (
    Assignment,
    Coverage,
    CoverageState,
    CrowdForecast,
    Event,
    Outcome,
    Report,
    Resolution,
)
from forecast.question import Question
from forecast.store import Store, open_store
from forecast.store.due_units import LONGEST_LEASE, DueClaim

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
REPORT = Report("R1", "port", "a.tag", NOW, NOW)
QUESTION = Question("q", "?", "port", "strike", NOW, NOW + 9 * DAY)


def claimed(store: Store, now: datetime, owner: str = "a", limit: int = 99) -> DueClaim:
    return store.due_units.claim(now, owner, MINUTE, limit)


def names(claim: DueClaim) -> list[str]:
    return [due.unit for due in claim.units]


def settle(store: Store, now: datetime) -> None:
    """Everything that is due is done."""
    claim = claimed(store, now)
    store.due_units.finish(claim, claim.units, now)


ADD: dict[str, Callable[[Store, datetime], object]] = {
    "a report": lambda s, at: s.add_reports([replace(REPORT, report_id="R2")], at),
    "a correction": lambda s, at: s.add_reports([replace(REPORT, value=0.5)], at),
    "a retraction": lambda s, at: s.add_reports([replace(REPORT, retracted=True)], at),
    "an event": lambda s, at: s.add_events([Event("e", "port", "strike", at, at)], at),
    "a span": lambda s, at: s.add_coverage(
        [Coverage("c", "port", CoverageState.DOWN, NOW, None, at)], at
    ),
    "an assignment": lambda s, at: s.assign([Assignment("R1", "i9", at, "ada", "one thing")], at),
    "a question": lambda s, at: s.add_questions([replace(QUESTION, question_id="q2")], at),
    "a changed question": lambda s, at: s.add_questions([replace(QUESTION, title="Now?")], at),
    "an outcome": lambda s, at: s.add_resolutions([Resolution("q", Outcome.YES, at, "seen")], at),
    "a market": lambda s, at: s.add_crowd([CrowdForecast("q", at, 0.3, "market")], at),
}


@pytest.mark.parametrize("what", ADD)
def test_what_is_new_makes_its_unit_due_and_what_is_known_does_not(store: Store, what: str) -> None:
    store.add_reports([REPORT], NOW)
    store.add_questions([QUESTION], NOW)
    settle(store, NOW + SECOND)
    later = NOW + MINUTE
    ADD[what](store, later)
    assert names(claimed(store, later + SECOND)) == ["port"]
    settle(store, later + 2 * MINUTE)
    ADD[what](store, later)  # as it was, to the letter
    assert names(claimed(store, later + 9 * MINUTE)) == []


def test_of_a_report_that_moves_both_units_hear(store: Store) -> None:
    store.add_reports([REPORT], NOW)
    settle(store, NOW + SECOND)
    store.add_reports([replace(REPORT, unit="quay")], NOW + MINUTE)
    assert sorted(names(claimed(store, NOW + 2 * MINUTE))) == ["port", "quay"]


def test_what_an_update_derives_is_no_news(store: Store) -> None:
    store.add_questions([QUESTION], NOW)
    settle(store, NOW + SECOND)
    end = Resolution("q", Outcome.NO, NOW, "the deadline passed")
    store.record(resolutions=[end], recorded_at=NOW + MINUTE)
    assert not store.due_units.is_any_due(NOW + DAY, SECOND, SECOND)


def test_facts_and_marks_are_one_transaction(store: Store) -> None:
    with pytest.raises((StoreError, UsageError, AttributeError)):
        store.add_reports([REPORT, None], NOW)  # type: ignore[list-item]
    assert store.due_units.counts(NOW + DAY).due == 0


def test_a_unit_is_due_once_it_is_silent_or_has_waited_for_long(store: Store) -> None:
    def is_due(now: datetime) -> bool:
        return store.due_units.is_any_due(now, 2 * SECOND, 10 * SECOND)

    for n in range(10):
        at = NOW + n * SECOND
        store.add_reports([replace(REPORT, report_id=f"R{n}", known_at=at)], at)
        assert not is_due(at + SECOND / 2)
    assert not is_due(NOW + 9.9 * SECOND)
    assert is_due(NOW + 10 * SECOND), "it never falls silent"
    settle(store, NOW + 11 * SECOND)
    store.add_reports([replace(REPORT, report_id="last")], NOW + MINUTE)
    assert not is_due(NOW + MINUTE + 1.9 * SECOND)
    assert is_due(NOW + MINUTE + 2 * SECOND)


def test_what_is_known_at_a_moment_is_seen_only_after_it(store: Store) -> None:
    store.add_reports([REPORT], NOW)
    assert not store.due_units.is_any_due(NOW, 0 * SECOND, 0 * SECOND)
    assert store.due_units.is_any_due(NOW + SECOND, 0 * SECOND, 0 * SECOND)


def test_news_of_a_time_to_come_is_due_then(store: Store) -> None:
    store.add_reports([replace(REPORT, known_at=NOW + DAY)], NOW)
    assert names(claimed(store, NOW + MINUTE)) == []
    counts = store.due_units.counts(NOW + MINUTE)
    assert (counts.due, counts.later, counts.oldest) == (0, 1, None)
    store.add_reports([replace(REPORT, report_id="now")], NOW + MINUTE)
    settle(store, NOW + 2 * MINUTE)
    assert names(claimed(store, NOW + DAY)) == []
    assert names(claimed(store, NOW + DAY + SECOND)) == ["port"]


@pytest.mark.parametrize(
    "add",
    [
        lambda s, at: s.add_events([Event("e", "port", "strike", NOW, at)], NOW),
        lambda s, at: s.add_resolutions([Resolution("q", Outcome.YES, at, "seen")], NOW),
        lambda s, at: s.assign([Assignment("R1", "i9", at, "ada", "one thing")], NOW),
        lambda s, at: s.add_coverage(
            [Coverage("c", "port", CoverageState.DOWN, NOW, NOW + MINUTE, NOW, until_known_at=at)],
            NOW,
        ),
    ],
)
def test_so_it_is_of_every_kind_of_fact_behind_other_news(
    store: Store, add: Callable[[Store, datetime], object]
) -> None:
    store.add_reports([REPORT], NOW)
    store.add_questions([QUESTION], NOW)
    add(store, NOW + DAY)
    settle(store, NOW + MINUTE)
    assert names(claimed(store, NOW + DAY)) == []
    assert names(claimed(store, NOW + DAY + SECOND)) == ["port"]


def test_units_are_claimed_oldest_first_and_by_one_only(store: Store) -> None:
    for n, unit in enumerate(("c", "a", "b")):
        at = NOW + n * SECOND
        store.add_reports([replace(REPORT, report_id=unit, unit=unit)], at)
    assert names(claimed(store, NOW + MINUTE, "one", limit=2)) == ["c", "a"]
    assert names(claimed(store, NOW + MINUTE, "other")) == ["b"]
    counts = store.due_units.counts(NOW + MINUTE)
    assert (counts.due, counts.held, counts.oldest) == (3, 3, NOW)


def test_what_came_while_a_unit_was_held_makes_it_due_again(store: Store) -> None:
    store.add_reports([REPORT], NOW)
    claim = claimed(store, NOW + SECOND)
    # stated at the very instant of the one before
    store.add_reports([replace(REPORT, report_id="R2")], NOW)
    store.due_units.finish(claim, claim.units, NOW + SECOND)
    assert names(claimed(store, NOW + 2 * SECOND)) == ["port"]


def test_a_unit_whose_holder_died_is_taken_over_after_the_lease_and_fences_him(
    store: Store, store_url: str
) -> None:
    store.add_reports([REPORT], NOW)
    with open_store(store_url) as dying:
        dead = claimed(dying, NOW + SECOND, "dead")
    assert names(claimed(store, NOW + SECOND + MINUTE - SECOND)) == []
    alive = claimed(store, NOW + SECOND + MINUTE, "alive")
    assert names(alive) == ["port"]
    with pytest.raises(StoreError, match="taken over by another process"):
        store.record(run=dead, recorded_at=NOW + 2 * MINUTE)
    store.record(run=alive, recorded_at=NOW + 2 * MINUTE)
    store.due_units.finish(dead, dead.units, NOW + 2 * MINUTE)
    store.due_units.fail(dead, dead.units[0], NOW + DAY, "too late")
    assert store.due_units.counts(NOW + MINUTE).held == 1, "the dead can end nothing"
    store.due_units.finish(alive, alive.units, NOW + 2 * MINUTE)
    assert store.due_units.counts(NOW + DAY).due == 0


def test_a_claim_of_old_is_no_claim_on_later_news(store: Store) -> None:
    store.add_reports([REPORT], NOW)
    old = claimed(store, NOW + SECOND, "me")
    store.due_units.finish(old, old.units, NOW + SECOND)
    store.add_reports([replace(REPORT, report_id="R2")], NOW + MINUTE)
    claimed(store, NOW + 2 * MINUTE, "me")
    with pytest.raises(StoreError, match="taken over"):
        store.record(run=old, recorded_at=NOW + 2 * MINUTE)


def test_a_unit_that_failed_is_left_alone_though_news_comes(store: Store) -> None:
    store.add_reports([REPORT], NOW)
    claim = claimed(store, NOW + SECOND)
    store.due_units.fail(claim, claim.units[0], NOW + MINUTE, "of all things")
    store.add_reports([replace(REPORT, report_id="R2")], NOW + 2 * SECOND)
    assert names(claimed(store, NOW + 59 * SECOND)) == []
    [failing] = store.due_units.failing()
    assert (failing.unit, failing.attempts, failing.error) == ("port", 1, "of all things")
    again = claimed(store, NOW + MINUTE)
    assert again.units[0].attempts == 1
    store.due_units.finish(again, again.units, NOW + MINUTE)
    assert store.due_units.failing() == []


def test_what_is_released_is_due_as_before(store: Store) -> None:
    store.add_reports([REPORT], NOW)
    store.due_units.release(claimed(store, NOW + SECOND))
    [due] = claimed(store, NOW + SECOND).units
    assert (due.since, due.attempts) == (NOW, 0)


def test_a_lease_or_a_stir_of_a_clock_that_was_ahead_keeps_nothing(store: Store) -> None:
    years = timedelta(days=3650)
    store.add_reports([REPORT], NOW)
    store.due_units.claim(NOW + years, "ahead", MINUTE, 9)
    assert names(store.due_units.claim(NOW + SECOND, "b", LONGEST_LEASE, 9)) == ["port"]
    assert names(claimed(store, NOW + 2 * SECOND)) == [], "the longest lease is a lease"
    settle(store, NOW + SECOND)
    store.add_reports([replace(REPORT, report_id="R2")], NOW + 2 * DAY)
    store.add_reports([replace(REPORT, report_id="R3")], NOW + years)
    assert store.due_units.is_any_due(NOW + 3 * DAY, MINUTE, years)


def test_questions_are_found_by_where_they_are_now(store: Store) -> None:
    far = replace(QUESTION, question_id="far", unit="quay", definition="storm")
    moved = replace(QUESTION, question_id="moved")
    store.add_questions([QUESTION, far, moved], NOW)
    store.add_questions([replace(moved, unit="quay")], NOW)
    assert [q.question_id for q in store.due_units.questions(["port"])] == ["q"]
    found = store.due_units.questions(["port"], ["storm"])
    assert sorted(q.question_id for q in found) == ["far", "q"]
