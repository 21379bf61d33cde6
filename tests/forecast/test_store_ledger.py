"""Runs in parts: who may do which, what becomes of the parts of the dead, and how a run ends."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from forecast.errors import FencedError
from forecast.store import Part, RunClaim, Share, Store, open_store
from forecast.store.ledger import MOST_TRIES

NOW = datetime(2025, 11, 29, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AT = ("hourly", NOW)
SHARES = [Share("hazard", ("a", "b")), Share("hazard", ("c",)), Share("base-rate", ("d",))]


def begin(store: Store, shares: list[Share] = SHARES, *, keeps: bool = False) -> list[Part]:
    return store.ledger.begin(RunClaim(*AT, "a"), shares, NOW, MINUTE, keeps=keeps)


def take(store: Store, owner: str = "a", now: datetime = NOW, part: int | None = None) -> Part:
    taken = store.ledger.claim_part(*AT, owner, now, MINUTE, part)
    assert taken is not None
    return taken


def end(store: Store, part: Part, detail: str = "", now: datetime = NOW) -> object:
    status = "failed" if detail else "done"
    return store.ledger.end_part(part.claim, status, detail, now, estimates=2, notices=1)


def test_a_run_is_stored_with_its_parts_and_the_first_of_them_is_held(store: Store) -> None:
    held, *free = begin(store, keeps=True)
    assert (held.part, held.status, held.owner, held.fence) == (1, "running", "a", 1)
    assert {(part.status, part.owner, part.fence) for part in free} == {("waiting", "", 0)}
    assert store.ledger.parts(*AT) == [held, *free]
    assert [part.questions for part in free] == [("c",), ("d",)]


def test_a_run_of_another_process_is_not_split_again(store: Store) -> None:
    assert begin(store)
    assert begin(store, SHARES[:1]) == []
    assert len(store.ledger.parts(*AT)) == 3


def test_every_part_is_had_by_one(store: Store, store_url: str) -> None:
    begin(store, [Share("hazard", (f"q{n}",)) for n in range(12)])
    barrier = Barrier(4)

    def take_all(owner: str) -> list[int]:
        taken = []
        with open_store(store_url) as other:
            barrier.wait()
            while part := other.ledger.claim_part(*AT, owner, NOW, MINUTE):
                taken.append(part.part)
                end(other, part)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take_all, "abcd"))
    assert sorted(number for each in taken for number in each) == list(range(1, 13))
    # whichever two ended the last two parts at once, the run has ended
    assert [run.status for run in store.runs()] == ["done"]


def test_the_run_ends_with_its_last_part_and_says_the_sums_and_what_failed(store: Store) -> None:
    parts = [take(store) for _ in begin(store)]
    assert end(store, parts[0]) is None
    assert end(store, parts[2], "ZeroDivisionError: of all things") is None
    assert [run.status for run in store.runs()] == ["running"]
    words = "6 estimates, 3 notices in 3 parts; part 3: ZeroDivisionError: of all things"
    assert end(store, parts[1], now=NOW + MINUTE) == ("failed", words)
    (run,) = store.runs()
    assert (run.status, run.detail, run.finished_at) == ("failed", words, NOW + MINUTE)


def test_a_part_of_the_dead_is_had_by_the_next_after_its_lease_and_not_before(store: Store) -> None:
    begin(store)
    for _ in SHARES:
        take(store, "dead")
    later = NOW + MINUTE
    assert store.ledger.claim_part(*AT, "b", later - timedelta(seconds=1), MINUTE) is None
    assert store.abandoned_runs(later - timedelta(seconds=1)) == []
    assert [run.schedule_id for run in store.abandoned_runs(later)] == ["hourly"]
    again = take(store, "b", later)
    assert (again.part, again.owner, again.fence) == (1, "b", 2)
    assert [(run.owner, run.attempts) for run in store.runs()] == [("b", 2)]


def test_a_part_that_nobody_has_makes_a_run_one_to_take_up(store: Store) -> None:
    begin(store, keeps=True)
    assert [run.schedule_id for run in store.abandoned_runs(NOW)] == ["hourly"]
    take(store)
    take(store)
    assert store.abandoned_runs(NOW) == []


def test_a_certain_part_is_had_once(store: Store) -> None:
    begin(store)
    assert take(store, part=2).part == 2
    assert store.ledger.claim_part(*AT, "b", NOW, MINUTE, 2) is None
    assert store.ledger.claim_part(*AT, "b", NOW, MINUTE, 4) is None


def test_whoever_was_taken_over_from_writes_nothing_though_it_has_the_same_name(
    store: Store,
) -> None:
    begin(store)
    frozen = take(store, "host:1")
    again = take(store, "host:1", NOW + MINUTE)
    assert (frozen.part, again.part, again.owner) == (1, 1, frozen.owner)
    with pytest.raises(FencedError, match="part 1 of the run of 'hourly' was taken over"):
        store.record(model_states=[("key", NOW, b"x")], run=frozen.claim, recorded_at=NOW)
    with pytest.raises(FencedError):
        store.record_audits([], NOW, frozen.claim)
    with pytest.raises(FencedError):
        store.ledger.renew(frozen.claim, NOW + 9 * MINUTE)
    with pytest.raises(FencedError):
        end(store, frozen)
    assert store.model_state("key") is None
    assert store.ledger.parts(*AT)[0] == again
    store.record(model_states=[("key", NOW, b"y")], run=again.claim, recorded_at=NOW)
    assert store.model_state("key") == b"y"


def test_what_is_held_is_held_for_longer_once_it_is_renewed(store: Store) -> None:
    begin(store, SHARES[:1])
    part = take(store)
    store.ledger.renew(part.claim, NOW + 5 * MINUTE)
    assert store.ledger.claim_part(*AT, "b", NOW + 4 * MINUTE, MINUTE) is None
    assert take(store, "b", NOW + 5 * MINUTE).fence == 2
    fence = store.ledger.claim_run("whole", NOW, "a", NOW, MINUTE)
    store.ledger.renew(RunClaim("whole", NOW, "a", fence), NOW + 5 * MINUTE)
    assert not store.ledger.claim_run("whole", NOW, "b", NOW + 4 * MINUTE, MINUTE)


def test_a_part_that_kills_whoever_takes_it_is_given_up_and_the_run_ends(store: Store) -> None:
    begin(store, SHARES[:2])
    end(store, take(store, part=2))
    for number in range(MOST_TRIES):
        take(store, f"dead:{number}", NOW + number * MINUTE)
    assert store.ledger.claim_part(*AT, "b", NOW + MOST_TRIES * MINUTE, MINUTE) is None
    (run,) = store.runs()
    assert run.status == "failed"
    assert run.detail.endswith(
        f"; part 1: given up: {MOST_TRIES} processes died or hung in the middle of it"
    )


def test_a_run_that_was_under_way_at_the_upgrade_is_split_by_whoever_takes_it_over(
    store: Store,
) -> None:
    assert store.ledger.claim_run(*AT, "old", NOW, MINUTE)
    assert not store.ledger.has_parts(*AT)
    later = NOW + MINUTE
    parts = store.ledger.begin(RunClaim(*AT, "a"), SHARES, later, MINUTE, keeps=True)
    assert len(parts) == 3
    assert [(run.owner, run.attempts) for run in store.runs()] == [("a", 2)]
