"""Who may do what: claims on runs and deliveries, by threads, processes and the dead."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

from forecast.alert import Delivery
from forecast.evidence import Report
from forecast.store import Attempt, Run, RunClaim, Store, open_store
from forecast.store.outbox import LONGEST_LEASE, LONGEST_WAIT

ROOT = Path(__file__).parents[2]
NOW = datetime(2025, 11, 29, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
DELIVERY = Delivery("d1", "slack", "firing", NOW, NOW, {"p": 0.7})
CLAIMANTS = 8


def _all_at_once[T](store_url: str, work: Callable[[Store, int], T]) -> list[T]:
    """What each of several stores on one database gets, all asking at the same moment."""
    barrier = Barrier(CLAIMANTS)

    def ask(number: int) -> T:
        with open_store(store_url) as store:
            barrier.wait()
            return work(store, number)

    with ThreadPoolExecutor(CLAIMANTS) as pool:
        return list(pool.map(ask, range(CLAIMANTS)))


def _claim_and_die(store_url: str, call: str) -> None:
    """Run a call in a process of its own, and kill it (SIGKILL) when the call is done."""
    code = (
        "import sys, time\n"
        "from datetime import UTC, datetime, timedelta\n"
        "from forecast.store import open_store\n"
        "store = open_store(sys.argv[1])\n"
        f"now = datetime.fromisoformat({NOW.isoformat()!r})\n"
        "minute = timedelta(minutes=1)\n"
        f"print(len(repr({call})), flush=True)\n"
        "time.sleep(60)\n"
    )
    arguments = [sys.executable, "-c", code, store_url]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        process.kill()


def test_a_run_is_claimed_by_exactly_one_of_many(store_url: str) -> None:
    def claim(store: Store, number: int) -> int:
        return store.ledger.claim_run("hourly", NOW, f"p{number}", NOW, MINUTE)

    won = _all_at_once(store_url, claim)
    assert sorted(won) == [0] * (CLAIMANTS - 1) + [1]


def test_abandoned_are_the_runs_that_nobody_finished_within_their_lease(store: Store) -> None:
    store.ledger.claim_run("hourly", NOW, "dead", NOW, MINUTE)
    store.ledger.claim_run("daily", NOW - MINUTE, "dead", NOW, MINUTE)
    store.ledger.claim_run("hourly", NOW + MINUTE, "alive", NOW, 2 * MINUTE)
    store.ledger.claim_run("weekly", NOW, "done", NOW, MINUTE)
    store.ledger.finish_run(RunClaim("weekly", NOW, "done"), "done", "", NOW)
    assert store.abandoned_runs(NOW + MINUTE - TICK) == []
    abandoned = store.abandoned_runs(NOW + MINUTE)
    assert [run.schedule_id for run in abandoned] == ["daily", "hourly"]


def test_a_delivery_is_claimed_by_exactly_one_of_many(store: Store, store_url: str) -> None:
    many = [replace(DELIVERY, delivery_id=f"d{n:02}") for n in range(40)]
    store.record(deliveries=many, recorded_at=NOW)

    def take_all(other: Store, number: int) -> list[str]:
        taken: list[str] = []
        while batch := other.claim_deliveries(NOW, f"p{number}", MINUTE, 3):
            taken += [delivery.delivery_id for delivery in batch]
            assert all(other.mark_delivered(delivery, NOW) for delivery in batch)
        return taken

    taken = [ident for each in _all_at_once(store_url, take_all) for ident in each]
    # Under SKIP LOCKED one may see nothing while another holds the last: nothing is lost.
    taken += take_all(store, CLAIMANTS)
    assert sorted(taken) == [delivery.delivery_id for delivery in many]


def test_reports_that_come_from_many_at_once_are_added_once(store_url: str) -> None:
    reports = [Report(f"R{n}", "u", "t", NOW, NOW) for n in range(400)]
    added = _all_at_once(store_url, lambda store, _: store.add_reports(reports, NOW))
    assert sum(one.new for one in added) == 400
    assert sum(one.same for one in added) == 400 * (CLAIMANTS - 1)


def test_a_slot_is_told_apart_by_schedule_and_time(store: Store) -> None:
    assert store.ledger.claim_run("hourly", NOW, "a", NOW, MINUTE)
    assert store.ledger.claim_run("daily", NOW, "a", NOW, MINUTE)
    assert store.ledger.claim_run("hourly", NOW + MINUTE, "a", NOW, MINUTE)
    assert not store.ledger.claim_run("hourly", NOW, "a", NOW, MINUTE)
    assert store.last_slot("hourly") == NOW + MINUTE
    assert store.last_slot("never") is None


def test_a_run_may_be_taken_over_when_its_lease_has_run_out_and_not_before(store: Store) -> None:
    store.ledger.claim_run("hourly", NOW, "a", NOW, MINUTE, missed=2)
    assert not store.ledger.claim_run("hourly", NOW, "b", NOW + MINUTE - TICK, MINUTE)
    assert store.ledger.claim_run("hourly", NOW, "b", NOW + MINUTE, MINUTE)
    assert not store.ledger.finish_run(
        RunClaim("hourly", NOW, "a"), "done", "too late", NOW + MINUTE
    )
    assert store.ledger.finish_run(
        RunClaim("hourly", NOW, "b", 2), "done", "3 questions", NOW + 2 * MINUTE
    )
    taken_over = Run(
        schedule_id="hourly",
        slot=NOW,
        owner="b",
        status="done",
        detail="3 questions",
        missed=2,
        attempts=2,
        started_at=NOW + MINUTE,
        lease_until=NOW + 2 * MINUTE,
        finished_at=NOW + 2 * MINUTE,
    )
    assert store.runs(10) == [taken_over]


def test_a_finished_run_is_never_run_again(store: Store) -> None:
    store.ledger.claim_run("hourly", NOW, "a", NOW, MINUTE)
    assert store.ledger.finish_run(RunClaim("hourly", NOW, "a"), "failed", "no network", NOW)
    assert not store.ledger.claim_run("hourly", NOW, "b", NOW + 999 * MINUTE, MINUTE)
    assert not store.ledger.finish_run(RunClaim("hourly", NOW, "a"), "done", "again", NOW)


def test_runs_are_listed_newest_first(store: Store) -> None:
    for minutes in (0, 2, 1):
        store.ledger.claim_run("s", NOW + minutes * MINUTE, "a", NOW + minutes * MINUTE, MINUTE)
    assert [run.slot for run in store.runs(2)] == [NOW + 2 * MINUTE, NOW + MINUTE]


def test_a_run_whose_process_was_killed_is_taken_over(store: Store, store_url: str) -> None:
    _claim_and_die(store_url, "store.ledger.claim_run('hourly', now, 'dead', now, minute)")
    assert [run.owner for run in store.runs()] == ["dead"]
    assert not store.ledger.claim_run("hourly", NOW, "b", NOW, MINUTE)
    assert store.ledger.claim_run("hourly", NOW, "b", NOW + MINUTE, MINUTE)


def test_a_delivery_whose_sender_was_killed_is_claimed_again(store: Store, store_url: str) -> None:
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    _claim_and_die(store_url, "store.claim_deliveries(now, 'dead', minute, 5)")
    assert store.claim_deliveries(NOW, "b", MINUTE, 5) == []
    (again,) = store.claim_deliveries(NOW + MINUTE, "b", MINUTE, 5)
    assert (again.delivery_id, again.attempts, again.token) == ("d1", 2, 2)


def test_a_claim_counts_the_attempt_and_lends_a_new_token(store: Store) -> None:
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    assert store.claim_deliveries(NOW - TICK, "a", MINUTE, 5) == []
    claimed = store.claim_deliveries(NOW, "a", MINUTE, 5)
    assert claimed == [replace(DELIVERY, attempts=1, token=1, status="sending")]
    assert store.deliveries() == claimed


def test_deliveries_are_claimed_in_the_order_in_which_they_are_due(store: Store) -> None:
    due = [replace(DELIVERY, delivery_id=f"d{n}", due_at=NOW - n * MINUTE) for n in range(4)]
    store.record(deliveries=due, recorded_at=NOW)
    first = store.claim_deliveries(NOW, "a", MINUTE, 3)
    assert [delivery.delivery_id for delivery in first] == ["d3", "d2", "d1"]
    assert [d.delivery_id for d in store.claim_deliveries(NOW, "b", MINUTE, 3)] == ["d0"]


def test_of_each_channel_one_holds_no_more_than_the_limit(store: Store) -> None:
    rows = [
        replace(DELIVERY, delivery_id=f"{channel}{n}", channel=channel, due_at=NOW - n * MINUTE)
        for channel, count in (("slow", 5), ("quick", 1))
        for n in range(count)
    ]
    store.record(deliveries=rows, recorded_at=NOW)
    first = store.claim_deliveries(NOW, "a", MINUTE, 2)
    assert [delivery.delivery_id for delivery in first] == ["slow4", "slow3", "quick0"]
    assert store.claim_deliveries(NOW, "a", MINUTE, 2) == []
    assert store.mark_delivered(first[0], NOW)
    (following,) = store.claim_deliveries(NOW, "a", MINUTE, 2)
    assert following.delivery_id == "slow2"
    assert len(store.claim_deliveries(NOW, "b", MINUTE, 2)) == 2


def test_what_one_holds_it_is_never_lent_again(store: Store) -> None:
    """A jump of the clock must not make a sender send twice what it has in hand."""
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    (held,) = store.claim_deliveries(NOW, "a", MINUTE, 5)
    assert store.claim_deliveries(NOW + 99 * MINUTE, "a", MINUTE, 5) == []
    assert store.reschedule(held, NOW, "503", NOW)
    assert len(store.claim_deliveries(NOW, "a", MINUTE, 5)) == 1


def test_what_a_clock_that_was_ahead_put_off_for_years_is_due(store: Store) -> None:
    years = timedelta(days=3650)
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    (early,) = store.claim_deliveries(NOW, "a", MINUTE, 5)
    assert store.reschedule(early, NOW + LONGEST_WAIT, "503", NOW)
    assert store.claim_deliveries(NOW, "a", MINUTE, 5) == [], "the longest wait is a wait"
    assert store.next_due(NOW) == NOW + LONGEST_WAIT
    (late,) = store.claim_deliveries(NOW + years, "a", MINUTE, 5)
    assert store.reschedule(late, NOW + years, "503", NOW + years)
    assert store.next_due(NOW) == NOW
    assert len(store.claim_deliveries(NOW, "a", MINUTE, 5)) == 1


def test_a_lease_of_a_clock_that_was_ahead_has_run_out(store: Store) -> None:
    years = timedelta(days=3650)
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    assert len(store.claim_deliveries(NOW + years, "ahead", MINUTE, 5)) == 1
    assert store.next_due(NOW) == NOW
    (again,) = store.claim_deliveries(NOW, "b", LONGEST_LEASE, 5)
    assert again.attempts == 2
    assert store.claim_deliveries(NOW, "c", MINUTE, 5) == [], "the longest lease is a lease"


def test_a_delivered_message_is_never_claimed_again(store: Store) -> None:
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    (claimed,) = store.claim_deliveries(NOW, "a", MINUTE, 5)
    assert store.mark_delivered(claimed, NOW + TICK)
    assert not store.mark_delivered(claimed, NOW + TICK)
    (delivered,) = store.deliveries(status="delivered")
    assert delivered.delivered_at == NOW + TICK
    assert store.claim_deliveries(NOW + 999 * MINUTE, "a", MINUTE, 5) == []
    assert store.attempts("d1") == [Attempt("d1", 1, 1, NOW + TICK, "delivered", "")]


def test_a_failed_message_waits_until_it_is_due_again(store: Store) -> None:
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    (first,) = store.claim_deliveries(NOW, "a", MINUTE, 5)
    assert store.reschedule(first, NOW + 5 * MINUTE, "503", NOW)
    (waiting,) = store.deliveries(status="due")
    assert (waiting.due_at, waiting.last_error) == (NOW + 5 * MINUTE, "503")
    assert store.claim_deliveries(NOW + 5 * MINUTE - TICK, "a", MINUTE, 5) == []
    (second,) = store.claim_deliveries(NOW + 5 * MINUTE, "a", MINUTE, 5)
    assert store.mark_dead(second, NOW + 5 * MINUTE, "410 Gone")
    (dead,) = store.deliveries(status="dead")
    assert (dead.attempts, dead.last_error, dead.delivered_at) == (2, "410 Gone", None)
    assert [(a.attempt, a.outcome, a.error) for a in store.attempts("d1")] == [
        (1, "due", "503"),
        (2, "dead", "410 Gone"),
    ]


def test_a_sender_frozen_past_its_lease_is_ignored(store: Store) -> None:
    store.record(deliveries=[DELIVERY], recorded_at=NOW)
    (frozen,) = store.claim_deliveries(NOW, "frozen", MINUTE, 5)
    (present,) = store.claim_deliveries(NOW + MINUTE, "present", MINUTE, 5)
    assert not store.mark_delivered(frozen, NOW + MINUTE)
    assert not store.reschedule(frozen, NOW, "slow", NOW + MINUTE)
    assert not store.mark_dead(frozen, NOW + MINUTE, "slow")
    assert store.deliveries() == [present]
    assert store.attempts("d1") == []
    assert store.mark_delivered(present, NOW + MINUTE)


def test_deliveries_are_chosen_by_status_and_channel_and_the_newest_are_kept(
    store: Store,
) -> None:
    rows = [
        replace(DELIVERY, delivery_id=f"d{n}", channel=f"c{n % 2}", created_at=NOW + n * MINUTE)
        for n in (2, 0, 3, 1)
    ]
    store.record(deliveries=rows, recorded_at=NOW)
    assert [d.delivery_id for d in store.deliveries()] == ["d0", "d1", "d2", "d3"]
    assert [d.delivery_id for d in store.deliveries(channel="c1")] == ["d1", "d3"]
    assert [d.delivery_id for d in store.deliveries(limit=2)] == ["d2", "d3"]
    assert store.deliveries(status="dead") == []


def test_the_next_moment_with_work_is_a_due_time_or_the_end_of_a_lease(store: Store) -> None:
    assert store.next_due(NOW) is None
    later = replace(DELIVERY, delivery_id="d2", due_at=NOW + 9 * MINUTE)
    store.record(deliveries=[DELIVERY, later], recorded_at=NOW)
    assert store.next_due(NOW - MINUTE) == NOW
    assert store.next_due(NOW + MINUTE) == NOW + MINUTE
    (claimed,) = store.claim_deliveries(NOW, "a", 2 * MINUTE, 1)
    assert store.next_due(NOW) == NOW + 2 * MINUTE
    store.mark_delivered(claimed, NOW)
    assert store.next_due(NOW) == NOW + 9 * MINUTE
