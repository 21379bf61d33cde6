"""Where sources stand: claimed by one, kept under its token, and when items were first seen."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from forecast.source import SourceHealth, SourceState
from forecast.store import Store, open_store

NOW = datetime(2025, 11, 29, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
GAP = timedelta(hours=6)


def claim(store: Store, now: datetime = NOW, *, early: bool = False) -> SourceState | None:
    return store.sources.claim("s", "me", now, MINUTE, DAY, early=early)


def held(store: Store, now: datetime = NOW) -> SourceState:
    state = claim(store, now)
    assert state is not None
    return state


def test_a_source_of_which_nothing_is_known_is_due_at_once(store: Store) -> None:
    state = held(store)
    assert (state.since, state.cursor, state.health(GAP, NOW)) == (NOW, {}, SourceHealth.NEW)


def test_a_source_is_claimed_by_exactly_one_of_many(store_url: str) -> None:
    def ask(number: int) -> bool:
        with open_store(store_url) as store:
            return store.sources.claim("s", f"p{number}", NOW, MINUTE, DAY) is not None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == [False, False, False, True]


def test_what_is_kept_comes_back_and_the_next_claim_waits_until_it_is_due(store: Store) -> None:
    kept = replace(
        held(store),
        cursor={"page": 3, "seen": ["ü"]},
        etag='"x"',
        due_at=NOW + 5 * MINUTE,
        failures=2,
        failed_at=NOW,
        reason="down",
        total=7,
    )
    assert store.sources.keep(kept, None)
    assert store.sources.states() == {"s": kept}
    assert claim(store, NOW + 4 * MINUTE) is None
    assert claim(store, NOW + 4 * MINUTE, early=True) is not None


def test_a_lease_that_ran_out_is_taken_over_and_the_old_token_is_worth_nothing(
    store: Store,
) -> None:
    old = held(store)
    assert claim(store, NOW + MINUTE / 2) is None
    new = held(store, NOW + MINUTE)
    assert new.token > old.token
    assert not store.sources.keep(replace(old, reason="stale"), None)
    assert store.sources.keep(replace(new, reason="fresh"), None)
    assert store.sources.states()["s"].reason == "fresh"


def test_a_clock_that_was_a_year_ahead_puts_nothing_off(store: Store) -> None:
    ahead = held(store, NOW + 365 * DAY)
    assert held(store).token == ahead.token + 1, "its lease is no lease"
    store.sources.keep(replace(held(store, NOW + MINUTE), due_at=NOW + 365 * DAY), None)
    assert claim(store, NOW + 2 * MINUTE) is not None


def test_a_person_switches_it_off_while_it_is_pulled_and_that_stands(store: Store) -> None:
    state = held(store)
    store.sources.switch("s", NOW, is_off=True, author="ada", reason="moved")
    assert store.sources.keep(replace(state, due_at=NOW), None)
    off = store.sources.states()["s"]
    assert (off.health(GAP, NOW + DAY), off.author, off.why_off) == (
        SourceHealth.OFF,
        "ada",
        "moved",
    )
    assert claim(store) is None
    store.sources.switch("s", NOW + DAY, is_off=False, author="ada", reason="")
    on = held(store, NOW + DAY)
    assert on.health(GAP, NOW + DAY) is not SourceHealth.SILENT, "its silence counts from now"


def test_what_sends_by_itself_has_a_health_too(store: Store) -> None:
    store.sources.heard("push", NOW, 3)
    store.sources.heard("push", NOW + MINUTE, 0)
    state = store.sources.states()["push"]
    assert (state.total, state.brought_at, state.succeeded_at) == (3, NOW, NOW + MINUTE)
    assert state.health(GAP, NOW + GAP) is SourceHealth.WORKS
    assert state.health(GAP, NOW + GAP + MINUTE) is SourceHealth.SILENT
    assert state.health(None, NOW + 99 * DAY) is SourceHealth.WORKS


def test_broken_goes_before_silent(store: Store) -> None:
    state = replace(held(store), failures=1, failed_at=NOW)
    assert state.health(GAP, NOW + DAY) is SourceHealth.BROKEN


def test_an_item_is_first_seen_once_for_each_source(store: Store) -> None:
    assert store.sources.first_seen("s", ["a", "b", "a"], NOW) == {"a": NOW, "b": NOW}
    later = NOW + DAY
    assert store.sources.first_seen("s", ["b", "c"], later) == {"b": NOW, "c": later}
    assert store.sources.first_seen("t", ["a"], later) == {"a": later}
    assert store.sources.seen("s", ["a", "z"]) == {"a": NOW}
    many = [str(n) for n in range(2500)]
    assert len(store.sources.first_seen("s", many, later)) == 2500
