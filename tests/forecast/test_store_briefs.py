"""What an update reads of its own past, at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from forecast.alert import RuleState, State
from forecast.audit import Audit, Verdict
from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import Report
from forecast.store import Store

DAY = timedelta(days=1)
START = datetime(2025, 10, 1, 12, tzinfo=UTC)
PLAIN = Estimate(
    "q1", START, 0.3, Interval(0.1, 0.5), 0.002, Health.HEALTHY, "hazard", "m1", "R1", "digest-1"
)


def at(days: int, question: str = "q1", digest: str = "digest-1") -> Estimate:
    return replace(PLAIN, question_id=question, as_of=START + days * DAY, inputs_digest=digest)


def report(name: str, unit: str) -> Report:
    return Report(name, unit, "words", START - DAY, START - DAY)


def test_the_newest_estimate_before_a_moment_is_found_for_each_of_some_questions(
    store: Store,
) -> None:
    made = [at(0), at(1), at(2), at(0, "q2"), at(1, "q3")]
    store.record(estimates=made, recorded_at=START)
    store.record(estimates=[at(1, digest="again")], recorded_at=START + DAY)
    found = store.briefs.latest(["q2", "q1", "q4"], START + 2 * DAY)
    assert found == {"q2": at(0, "q2"), "q1": at(1, digest="again")}
    assert list(found) == ["q2", "q1"]
    assert store.briefs.latest([], START) == {}


def test_a_brief_tells_the_moment_itself_from_what_was_before(store: Store) -> None:
    store.record(estimates=[at(0), at(1), at(1, "q2")], recorded_at=START)
    brief = store.briefs.of("u/d/hazard", "u", ["q1", "q2"], START + DAY)
    assert brief.last == {"q1": at(0)}
    assert brief.standing == {"q1": at(1), "q2": at(1, "q2")}


def test_a_brief_holds_what_the_model_remembers_and_what_its_audits_said(store: Store) -> None:
    states = [("key", START, b"first"), ("key", START + DAY, b"second"), ("other", START, b"x")]
    store.record(model_states=states, recorded_at=START)
    audit = Audit("key", "q1", START, 0.3, "T0", 0.31, 0.01, 0.5, Verdict.AGREES, "")
    store.record_audits([audit, replace(audit, as_of=START + 2 * DAY)], START)
    brief = store.briefs.of("key", "u", ["q1"], START + DAY)
    assert (brief.state, brief.audits) == (b"second", [audit])
    assert store.briefs.of("key", "u", ["q1"], START - DAY).state is None


def test_late_are_the_reports_at_the_unit_that_came_after_the_last_estimate(store: Store) -> None:
    store.add_reports([report("early", "u")], START - DAY)
    store.record(estimates=[at(0)], recorded_at=START)
    store.add_reports([report("late", "u"), report("elsewhere", "v")], START + DAY)
    assert store.briefs.of("key", "u", ["q1"], START + 2 * DAY).late == {"late"}
    assert store.briefs.of("key", "u", ["q1"], START).late == frozenset()  # nothing made before


def test_the_clock_reads_what_is_not_ok_and_all_of_its_own_rules(store: Store) -> None:
    firing, calm = RuleState("likely", "q1", State.FIRING), RuleState("likely", "q2")
    due, over = RuleState("due", "q1"), RuleState("likely", "q3", State.FIRING)
    store.record(states=[(None, s) for s in (firing, calm, due, over)], recorded_at=START)
    ended = RuleState("likely", "q3")
    store.record(states=[(over, ended)], recorded_at=START)
    assert store.alerts.states_for_clock(["due"]) == [due, firing]
    assert store.alerts.states_for_clock([]) == [firing]
