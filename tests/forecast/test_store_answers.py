"""What we said: estimates, rule states, transitions, model states and priors."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from forecast.alert import Delivery, RuleState, State, Transition
from forecast.errors import StoreError, UsageError
from forecast.estimate import Contribution, CurvePoint, Estimate, Health, Interval, Move
from forecast.evidence import Outcome, Resolution
from forecast.prior import PriorVersion
from forecast.store import Store, open_store
from forecast.store.alert_schema import rule_state

DAY = timedelta(days=1)
START = datetime(2025, 10, 1, 12, 0, 0, 250_000, tzinfo=UTC)
PLAIN = Estimate(
    "q1", START, 0.3, Interval(0.1, 0.5), 0.002, Health.HEALTHY, "hazard", "m1", "R1", "digest-1"
)
FULL = replace(
    PLAIN,
    health=Health.HELD,
    reason="k-hat 0.9: «держим»",
    prior_version=3,
    diagnostics={"khat": 0.1 + 0.2, "ess": math.inf},
    curve=(CurvePoint(START + DAY, 1 / 3, 0.1, 0.5), CurvePoint(START + 2 * DAY, 0.4, 0.2, 0.6)),
    contributions=(Contribution("military", 1.7, 1.2, 2.9, ("i1", "i2")),),
    moved=Move(0.2, 0.3, time=-0.01, evidence=0.1 + 0.2, montecarlo=5e-324),
)
STATE = RuleState("r1", "q1", State.FIRING, 2, 1, START, START + DAY, "numbers")
CHANGE = Transition(
    "r1", "q1", START, State.OK, State.FIRING, "crossed", "rose", 1, 0.7, 0.6, "firing"
)
DELIVERY = Delivery("d1", "slack", "firing", START, START, {"p": 0.7, "tags": ["a"], "n": None})
numbers = st.floats(allow_nan=False)


def test_an_estimate_comes_back_whole(store: Store) -> None:
    store.record(estimates=[FULL, replace(PLAIN, question_id="q2")], recorded_at=START)
    assert store.latest_estimate("q1") == FULL
    assert store.estimates("q2") == [replace(PLAIN, question_id="q2")]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(numbers, min_size=4, max_size=4), st.floats(0, 1), st.floats(0, allow_infinity=False)
)
def test_every_float_comes_back_to_the_last_bit(
    store: Store, values: list[float], p: float, mcse: float
) -> None:
    known = len(store.estimates("q1"))
    estimate = replace(
        FULL,
        as_of=START + known * DAY,
        probability=p,
        mcse=mcse,
        diagnostics={"a": values[0]},
        curve=(CurvePoint(START, values[1], values[2], values[3]),),
        moved=Move(p, p, evidence=values[0]),
    )
    store.record(estimates=[estimate], recorded_at=START)
    assert store.latest_estimate("q1") == estimate


def test_a_diagnostic_that_is_not_a_number_is_kept_as_such(store: Store) -> None:
    store.record(estimates=[replace(PLAIN, diagnostics={"khat": math.nan})], recorded_at=START)
    found = store.latest_estimate("q1")
    assert found is not None
    assert math.isnan(found.diagnostics["khat"])


def test_the_same_estimate_recorded_again_is_no_new_one(store: Store) -> None:
    store.record(estimates=[PLAIN], recorded_at=START)
    store.record(estimates=[replace(PLAIN, probability=0.9)], recorded_at=START + DAY)
    assert store.estimates("q1") == [PLAIN]


def test_of_two_estimates_with_one_as_of_the_last_recorded_counts(store: Store) -> None:
    again = replace(PLAIN, inputs_digest="digest-0", probability=0.4)
    store.record(estimates=[PLAIN], recorded_at=START)
    store.record(estimates=[again], recorded_at=START)
    assert store.estimates("q1") == [again]
    assert store.latest_estimate("q1") == again
    assert store.latest_estimates() == {"q1": again}


def test_estimates_are_ordered_by_as_of_within_both_ends(store: Store) -> None:
    days = [replace(PLAIN, as_of=START + n * DAY) for n in (3, 1, 2, 0)]
    store.record(estimates=days, recorded_at=START)
    found = store.estimates("q1", since=START + DAY, until=START + 2 * DAY)
    assert [e.as_of for e in found] == [START + DAY, START + 2 * DAY]
    assert [e.as_of for e in store.estimates("q1")] == [START + n * DAY for n in range(4)]
    assert store.estimates("q9") == []


def test_the_latest_estimate_before_a_moment_is_strictly_before(store: Store) -> None:
    later = replace(PLAIN, as_of=START + DAY)
    store.record(estimates=[later, PLAIN], recorded_at=START)
    assert store.latest_estimate("q1") == later
    assert store.latest_estimate("q1", before=later.as_of) == PLAIN
    assert store.latest_estimate("q1", before=later.as_of + timedelta(microseconds=1)) == later
    assert store.latest_estimate("q1", before=START) is None


def test_the_latest_estimates_are_one_for_each_question(store: Store) -> None:
    second = replace(PLAIN, question_id="q2")
    later = replace(PLAIN, as_of=START + DAY)
    store.record(estimates=[later, PLAIN, second], recorded_at=START)
    assert store.latest_estimates() == {"q1": later, "q2": second}


def test_the_state_of_a_rule_is_its_newest_row(store: Store) -> None:
    assert store.alerts.state("r1", "q1") is None
    fresh = RuleState("r1", "q1")
    other = RuleState("r1", "q0", State.PENDING, 1)
    store.record(states=[(None, STATE), (None, other)], recorded_at=START)
    store.record(states=[(STATE, fresh)], recorded_at=START)
    assert store.alerts.state("r1", "q1") == fresh
    assert store.alerts.states() == [other, fresh]


def test_transitions_are_ordered_in_time_and_can_be_chosen(store: Store) -> None:
    first = replace(CHANGE, at=START - DAY, previous=None)
    same_time = replace(CHANGE, before=State.FIRING, after=State.RECOVERING, notify="")
    other = replace(CHANGE, rule_id="r2", subject="q2")
    store.record(transitions=[CHANGE, same_time, first, other], recorded_at=START)
    assert store.alerts.transitions() == [first, CHANGE, same_time, other]
    assert store.alerts.transitions(subject="q1") == [first, CHANGE, same_time]
    assert store.alerts.transitions(rule_id="r2") == [other]
    assert store.alerts.transitions(subject="q1", rule_id="r2") == []


def test_states_that_passed_are_not_kept_and_no_number_is_given_twice(store: Store) -> None:
    def rows() -> list[int]:
        query = select(rule_state.c.row_id).order_by(rule_state.c.row_id)
        return store._database.read(lambda connection: list(connection.scalars(query)))

    other = RuleState("r2", "q1")
    store.record(states=[(None, other), (None, STATE)], recorded_at=START)
    seen = rows()
    before = STATE
    for hours in range(1, 4):
        after = replace(STATE, evaluated_as_of=START + timedelta(hours=hours))
        store.record(states=[(before, after)], recorded_at=START)
        assert len(rows()) == 2
        assert max(rows()) > max(seen)
        before, seen = after, rows()
    assert store.alerts.states() == [before, other]


def test_a_model_state_is_the_newest_at_or_before_the_moment(store: Store) -> None:
    old, new = ("k", START, b"\x00old\xff"), ("k", START + DAY, b"new")
    store.record(model_states=[new, old, ("other", START, b"x")], recorded_at=START)
    assert store.model_state("k") == b"new"
    assert store.model_state("k", START + DAY) == b"new"
    assert store.model_state("k", START + DAY - timedelta(microseconds=1)) == b"\x00old\xff"
    assert store.model_state("k", START - DAY) is None
    assert store.model_state("none") is None


def test_a_model_state_that_did_not_change_still_answers_for_later_moments(store: Store) -> None:
    for days, blob in ((0, b"a"), (1, b"a"), (2, b"b"), (3, b"a")):
        store.record(model_states=[("k", START + days * DAY, blob)], recorded_at=START)
    found = [store.model_state("k", START + days * DAY) for days in range(4)]
    assert found == [b"a", b"a", b"b", b"a"]


def test_a_model_state_of_an_earlier_moment_may_come_later(store: Store) -> None:
    store.record(model_states=[("k", START + DAY, b"same")], recorded_at=START)
    store.record(model_states=[("k", START, b"same")], recorded_at=START)
    assert store.model_state("k", START) == b"same"


def test_an_update_is_recorded_whole_or_not_at_all(store: Store) -> None:
    store.record(deliveries=[DELIVERY], recorded_at=START)
    with pytest.raises(StoreError, match="has already"):
        store.record(
            estimates=[PLAIN],
            resolutions=[Resolution("q1", Outcome.YES, START, "it happened")],
            states=[(None, STATE)],
            transitions=[CHANGE],
            model_states=[("k", START, b"state")],
            deliveries=[replace(DELIVERY, delivery_id="d0"), DELIVERY],
            recorded_at=START,
        )
    assert store.estimates("q1") == []
    assert store.resolution("q1") is None
    assert store.alerts.states() == []
    assert store.alerts.transitions() == []
    assert store.model_state("k") is None
    assert store.deliveries() == [DELIVERY]


def test_an_update_is_seen_by_another_process_once_it_is_recorded(
    store: Store, store_url: str
) -> None:
    store.record(
        estimates=[PLAIN],
        resolutions=[Resolution("q1", Outcome.YES, START, "it happened")],
        states=[(None, STATE)],
        transitions=[CHANGE],
        deliveries=[DELIVERY],
        recorded_at=START,
    )
    with open_store(store_url, create=False) as other:
        assert other.latest_estimate("q1") == PLAIN
        assert other.resolution("q1") == Resolution("q1", Outcome.YES, START, "it happened")
        assert other.alerts.state("r1", "q1") == STATE
        assert other.alerts.transitions() == [CHANGE]
        assert other.deliveries() == [DELIVERY]


def test_priors_are_versions(store: Store) -> None:
    first = PriorVersion("strike", 1, START, "Ann", "first", {"base_rate": "5%..20% per year"})
    second = replace(first, version=2, author="Bob", words={"base_rate": "1%..9% per year"})
    assert store.latest_prior("strike") is None
    store.add_prior_version(first)
    store.add_prior_version(second)
    assert store.prior_versions("strike") == [first, second]
    assert store.latest_prior("strike") == second
    assert store.prior_versions("other") == []


def test_who_loses_a_race_for_a_version_is_told_who_won(store: Store) -> None:
    first = PriorVersion("strike", 1, START, "Ann", "first", {})
    store.add_prior_version(first)
    with pytest.raises(UsageError, match=r"version 1 of the prior of 'strike' .* by Ann"):
        store.add_prior_version(replace(first, author="Bob"))
    assert store.prior_versions("strike") == [first]
