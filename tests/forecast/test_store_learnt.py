"""What data made of priors, in the store: as of each moment what was believed then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forecast.alert import Delivery
from forecast.belief import Belief, Learnt, Numbers
from forecast.errors import StoreError
from forecast.store import Store
from forecast.thinning import Kind

START = datetime(2025, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RATE = Belief(
    "base_rate",
    Numbers("per quarter", 0.012, 0.004, 0.03),
    Numbers("per quarter", 0.02, 0.008, 0.041),
    0.8,
    0.25,
    words="0.4%..3% per quarter",
)
SIGN = Belief(
    "effects.union.ballot",
    Numbers("ratio", 1.9, 1.2, 3.0),
    Numbers("ratio", 2.2, 1.5, 3.1),
    0.4,
    0.1,
    words="1.2x..3x",
    fading="21 days",
)
LEARNT = Learnt("strike", "harbour", "hazard", START, (RATE, SIGN))


def test_what_was_learnt_comes_back_as_it_was(store: Store) -> None:
    store.record(beliefs=[LEARNT], recorded_at=START)
    assert store.learnt.at("strike", "harbour", START) == LEARNT


def test_of_a_moment_there_is_what_was_believed_then_and_nothing_later(store: Store) -> None:
    later = replace(LEARNT, as_of=START + 7 * DAY, beliefs=(SIGN,))
    elsewhere = replace(LEARNT, unit="airport", as_of=START + DAY)
    store.record(beliefs=[later, LEARNT, elsewhere], recorded_at=START + 8 * DAY)
    assert store.learnt.at("strike", "harbour", START - DAY) is None
    assert store.learnt.at("strike", "harbour", START + 6 * DAY) == LEARNT
    assert store.learnt.at("strike", "harbour", START + 7 * DAY) == later
    assert store.learnt.at("other", "harbour", START + 7 * DAY) is None
    assert store.learnt.units("strike", START) == ["harbour"]
    assert store.learnt.units("strike", START + DAY) == ["airport", "harbour"]


def test_of_one_moment_the_last_word_counts(store: Store) -> None:
    store.record(beliefs=[LEARNT], recorded_at=START)
    again = replace(LEARNT, beliefs=(SIGN,))
    store.record(beliefs=[again], recorded_at=START + DAY)
    assert store.learnt.at("strike", "harbour", START) == again


def test_it_is_written_with_all_that_an_update_came_to_or_not_at_all(store: Store) -> None:
    told = Delivery("once", "desk", "firing", START, START, {}, queued_at=START)
    store.record(deliveries=[told], recorded_at=START)
    with pytest.raises(StoreError):
        store.record(beliefs=[LEARNT], deliveries=[told], recorded_at=START)
    assert store.learnt.at("strike", "harbour", START) is None


def test_a_brief_says_whether_anything_is_told_of_a_track_by_then(store: Store) -> None:
    store.record(beliefs=[LEARNT], recorded_at=START)
    assert LEARNT.track == "harbour/strike/hazard"
    assert store.briefs.of(LEARNT.track, "harbour", [], START).is_told
    assert not store.briefs.of(LEARNT.track, "harbour", [], START - DAY).is_told
    assert not store.briefs.of("harbour/strike/regime", "harbour", [], START).is_told


def test_it_is_thinned_as_the_states_that_it_is_read_off(store: Store) -> None:
    made = [replace(LEARNT, as_of=START + n * DAY) for n in range(28)]
    store.record(beliefs=made, recorded_at=START)
    gone = store.retention.count(Kind.MODEL_STATES, START + 20 * DAY)
    assert gone == 18
    assert store.retention.thin(Kind.MODEL_STATES, START + 20 * DAY) == gone
    kept = store.learnt.at("strike", "harbour", START + 8 * DAY)
    assert kept is not None
    assert kept.as_of == START + 6 * DAY  # the last of its week
