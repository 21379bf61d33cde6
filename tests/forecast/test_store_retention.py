"""Retention in the store: what may go goes in bounded transactions, and all else stays."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from forecast.access import Request
from forecast.alert import Delivery, Notice, NoticeKind, Route, State, Transition
from forecast.audit import Audit, Verdict
from forecast.estimate import Estimate, Health, Interval
from forecast.prior import PriorVersion
from forecast.question import Question
from forecast.store import Store
from forecast.store.quarantine import BadRow
from forecast.store.retention import MOST_ROWS
from forecast.store.runs import RunClaim
from forecast.thinning import Kind
from tests.forecast.test_store_backtests import facts

START = datetime(2025, 1, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = START + 400 * DAY
MADE = Estimate(
    "q", START, 0.3, Interval(0.1, 0.5), 0.002, Health.HEALTHY, "hazard", "m1", "R1", "digest"
)


def hourly(count: int) -> list[Estimate]:
    return [replace(MADE, as_of=START + n * HOUR, inputs_digest=str(n)) for n in range(count)]


def at(store: Store, question_id: str = "q") -> list[float]:
    """The hours of the estimates that are left."""
    return [(e.as_of - START) / HOUR for e in store.estimates(question_id)]


def test_estimates_are_thinned_to_one_a_day_but_for_those_that_count(store: Store) -> None:
    opened = START + 5 * HOUR
    store.add_questions([Question("q", "?", "u", "d", opened, LATER)], START)
    change = Transition("r", "q", START + 30 * HOUR, State.OK, State.FIRING, "crossed", "", 1, 0.5)
    store.record(estimates=hourly(96), transitions=[change], recorded_at=START)
    before = START + 3 * DAY + 7 * HOUR  # whole days only: the fourth one stays
    kept = [0, 5, 23, 29, 30, 47, 71, *range(72, 96)]
    assert store.retention.count(Kind.ESTIMATES, before) == 96 - len(kept)
    assert store.retention.thin(Kind.ESTIMATES, before) == 96 - len(kept)
    assert at(store) == kept
    assert store.retention.thin(Kind.ESTIMATES, before) == 0


def test_thinning_stops_between_two_transactions_and_goes_on_another_time(store: Store) -> None:
    store.add_questions([Question("q", "?", "u", "d", START, LATER)], START)
    many = [
        replace(MADE, as_of=START + n * timedelta(seconds=9), inputs_digest=str(n))
        for n in range(2 * MOST_ROWS + 10)
    ]
    store.record(estimates=many, recorded_at=START)
    looks: Iterator[bool] = iter([False, True])
    assert store.retention.thin(Kind.ESTIMATES, LATER, lambda: next(looks)) == MOST_ROWS
    assert store.retention.thin(Kind.ESTIMATES, LATER) == MOST_ROWS + 8


def test_of_model_states_the_newest_and_one_a_week_stay(store: Store) -> None:
    for key in ("a", "b"):
        states = [(key, START + n * DAY, f"{key}{n}".encode()) for n in range(28)]
        store.record(model_states=states, recorded_at=START)
    assert store.retention.thin(Kind.MODEL_STATES, START + 20 * DAY) == 36
    assert store.model_state("a") == b"a27"
    assert store.model_state("b", START + 7 * DAY) == b"b6"


def deliveries(store: Store, *names: str) -> None:
    made = [Delivery(n, "desk", "firing", START, START, {}, queued_at=START) for n in names]
    store.record(deliveries=made, recorded_at=START)
    for one in store.claim_deliveries(START, "me", HOUR, 100):
        if one.delivery_id.startswith("dead"):
            store.mark_dead(one, START, "gone")
        else:
            store.mark_delivered(one, START)


def a_notice(name: str, subject: str, episode: int) -> Notice:
    facts = {"p": 0.5}
    kind = NoticeKind.FIRING
    return Notice(name, "desk", "r", subject, episode, kind, "warning", Route.NOW, START, facts)


def test_what_was_sent_goes_but_for_what_may_ring_still_and_what_was_given_up(store: Store) -> None:
    deliveries(store, "trial", "dead")
    notices = [a_notice("n1", "q", 1), a_notice("n2", "q", 2), a_notice("w1", "q", 1)]
    store.record(to_tell=notices, recorded_at=START)
    formed = [
        (Delivery(f"msg_{n}", "desk", "firing", START, START, {}, queued_at=START), [f"n{n}"])
        for n in (1, 2)
    ]
    store.alerts.form(formed, [("w1", "silenced")], START)
    deliveries(store)
    assert store.retention.count(Kind.DELIVERIES, START) == 0
    assert store.retention.count(Kind.DELIVERIES, LATER) == 3
    assert store.retention.thin(Kind.DELIVERIES, LATER) == 3
    assert [d.delivery_id for d in store.deliveries()] == ["dead", "msg_2"]
    assert store.attempts("msg_1") == []
    assert len(store.attempts("msg_2")) == 1
    left = store.alerts.notices_of([("r", "q", 1), ("r", "q", 2)])
    assert [told.notice.notice_id for told in left] == ["n2"]


def test_the_newest_run_of_a_schedule_stays_and_what_runs(store: Store) -> None:
    for name, slot in (("a", 0), ("a", 1), ("b", 0), ("c", 0), ("c", 1)):
        fence = store.ledger.claim_run(name, START + slot * DAY, "me", START, HOUR)
        if (name, slot) != ("c", 0):
            claim = RunClaim(name, START + slot * DAY, "me", fence)
            assert store.ledger.finish_run(claim, "done", "", START)
    assert store.retention.thin(Kind.RUNS, LATER) == 1
    left = {(run.schedule_id, (run.slot - START) / DAY) for run in store.runs()}
    assert left == {("a", 1), ("b", 0), ("c", 0), ("c", 1)}
    assert store.last_slot("a") == START + DAY


def test_bad_rows_and_audits_that_were_followed_by_others_go(store: Store) -> None:
    store.quarantine([BadRow("f.csv", n, "odd", "x") for n in range(3)], START)
    audits = [
        Audit("t", "q", START + n * DAY, 0.3, "R1", 0.3, 0.01, 0.5, Verdict.AGREES)
        for n in range(3)
    ]
    store.record_audits(audits, START)
    assert store.retention.thin(Kind.QUARANTINE, LATER) == 3
    assert store.retention.thin(Kind.AUDITS, LATER) == 2
    assert store.quarantined() == []
    assert store.latest_audits("t", LATER) == audits[-1:]


def test_requests_go_once_they_are_answered_and_keys_with_them(store: Store) -> None:
    for name in ("one", "two"):
        store.access.ask(Request(name, "update", {}, "ada", START))
    held = store.access.claim_request(START, "me", HOUR)
    assert held is not None
    assert store.access.finish_request(held, START, result={})
    store.access.remember("token", "key", "digest", START)
    assert store.retention.count(Kind.REQUESTS, LATER) == 2
    assert store.retention.thin(Kind.REQUESTS, LATER) == 2
    assert store.access.request("one") is None
    assert store.access.request("two") is not None


@pytest.mark.parametrize("kind", Kind)
def test_facts_priors_and_changes_of_mind_are_never_let_go(store: Store, kind: Kind) -> None:
    facts(store)
    store.add_prior_version(PriorVersion("strike", 1, START, "ada", "first", {}))
    change = Transition("r", "q", START, State.OK, State.FIRING, "crossed", "", 1, 0.5)
    store.record(transitions=[change], recorded_at=START)
    packed, far = store.backtests.facts(), START + 9999 * DAY
    assert store.retention.count(kind, far) == store.retention.thin(kind, far) == 0
    assert store.backtests.facts() == packed
    assert len(store.prior_versions("strike")) == 1
    assert store.alerts.transitions() == [change]
