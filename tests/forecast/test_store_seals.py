"""Seals: whatever is changed, removed or slipped in afterwards has a name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from forecast.alert import State, Transition
from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import Outcome, Resolution
from forecast.prior import PriorVersion
from forecast.question import Question
from forecast.store import Store, open_store
from forecast.store.backup import back_up
from forecast.store.database import parse_url
from forecast.store.restoring import restore
from forecast.store.seals import FIRST, MOST_ROWS, Verified, note_thinning
from forecast.thinning import Kind

DAY = timedelta(days=1)
# Of `fill`: where this changes, stores that are sealed already can no longer be verified.
CHAIN = "7550f6c3cf479beac2e34d057e0e94db9085a5c81265c56926a8ab64dda029d3"
START = datetime(2025, 9, 1, tzinfo=UTC)
ESTIMATE = Estimate(
    "q", START, 0.3, Interval(0.1, 0.5), 0.01, Health.HEALTHY, "m", "h", "T1", "digest"
)


def fill(store: Store, first: int = 0, last: int = 3) -> None:
    """A prior, estimates, a resolution and a transition."""
    version = PriorVersion("strike", first + 1, START, "ada", "first", {"base_rate": "1%..2%"})
    store.add_prior_version(version)
    store.record(
        estimates=[
            replace(
                ESTIMATE,
                as_of=START + n * DAY,
                inputs_digest=f"d{n}",
                diagnostics={"khat": float("nan")},
            )
            for n in range(first, last)
        ],
        resolutions=[Resolution(f"q{first}", Outcome.YES, START, "it happened", author="rule")],
        transitions=[
            Transition("likely", "q", START, State.OK, State.FIRING, "above", "", first, 0.3)
        ],
        recorded_at=START,
    )


def tamper(url: str, statement: str) -> None:
    """What somebody does who can write to the database."""
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount > 0
    engine.dispose()


def found(verified: Verified) -> list[tuple[str, str]]:
    return [(wrong.what, wrong.where.partition(" (")[0]) for wrong in verified.wrong]


def test_a_store_that_nobody_touched_is_whole(store: Store) -> None:
    assert store.seals.head().hash == FIRST
    assert store.seals.seal(START) == 0
    fill(store)
    assert store.seals.seal(START + DAY) == 6
    assert store.seals.seal(START + DAY) == 0
    fill(store, 3, 5)
    assert store.seals.seal(START + 2 * DAY) == 5
    whole = store.seals.verify()
    assert (whole.seals, whole.rows, whole.wrong) == (2, 11, ())
    assert whole.head == store.seals.head()
    assert whole.head.sealed_at == START + 2 * DAY


def test_a_chain_that_moves_to_postgresql_is_whole(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    with open_store(sqlite_url) as store:
        fill(store)
        store.seals.seal(START)
    restore(back_up(sqlite_url, tmp_path / "b").path, postgres_url, "20250901T000000Z")
    with open_store(postgres_url) as store:
        assert store.seals.verify().wrong == ()
        assert store.seals.head().hash == CHAIN


def test_both_databases_make_the_same_chain(store: Store) -> None:
    fill(store)
    store.seals.seal(START)
    assert store.seals.head().hash == CHAIN


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE estimate SET probability = 0.31 WHERE row_id = 2", ("changed", "estimate row 2")),
        ("UPDATE estimate SET recorded_at = as_of WHERE row_id = 3", ("changed", "estimate row 3")),
        ("DELETE FROM resolution", ("removed", "resolution row 1")),
        ("UPDATE transition SET after = 'ok'", ("changed", "transition row 1")),
        ("UPDATE prior_version SET author = 'eve'", ("changed", "prior_version row 1")),
        ("DELETE FROM estimate WHERE row_id = 1", ("removed", "estimate row 1")),
        ("UPDATE estimate SET row_id = 99 WHERE row_id = 3", ("removed", "estimate row 3")),
    ],
)
def test_what_was_changed_or_removed_is_named(
    store: Store, store_url: str, statement: str, what: tuple[str, str]
) -> None:
    fill(store)
    store.seals.seal(START)
    tamper(store_url, statement)
    assert found(store.seals.verify()) == [what]


def test_a_row_that_slips_in_behind_a_seal_is_named(store: Store, store_url: str) -> None:
    fill(store)
    tamper(store_url, "UPDATE estimate SET row_id = 9 WHERE row_id = 3")
    store.seals.seal(START)
    tamper(store_url, "UPDATE estimate SET row_id = 5 WHERE row_id = 9")
    assert found(store.seals.verify()) == [
        ("slipped in", "estimate row 5"),
        ("removed", "estimate row 9"),
    ]


@pytest.mark.parametrize("row_id", [0, -4])
def test_a_row_under_an_id_that_no_database_gives_is_named(
    store: Store, store_url: str, row_id: int
) -> None:
    fill(store)
    tamper(store_url, f"UPDATE estimate SET row_id = {row_id} WHERE row_id = 3")
    store.seals.seal(START)
    assert found(store.seals.verify()) == [("slipped in", f"estimate row {row_id}")]


def test_a_thinning_of_what_retention_never_takes_hides_nothing(
    store: Store, store_url: str
) -> None:
    fill(store)
    store.seals.seal(START)
    engine = create_engine(parse_url(store_url))
    with engine.begin() as connection:
        note_thinning(connection, "resolution", [1])
    engine.dispose()
    tamper(store_url, "DELETE FROM resolution")
    assert found(store.seals.verify()) == [
        ("removed", "resolution row 1"),
        ("changed", "seal 2: retention takes no rows of resolution"),
    ]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE estimate SET as_of = 'soon' WHERE row_id = 2", ("changed", "estimate row 2")),
        (
            "UPDATE prior_version SET reason = x'ff' WHERE row_id = 1",
            ("changed", "prior_version row 1"),
        ),
        (
            "UPDATE seal SET content = 'x'",
            ("changed", "a seal, or seals, after number 0: unreadable"),
        ),
    ],
)
def test_what_columns_cannot_hold_is_named_and_breaks_nothing(
    tmp_path: Path, statement: str, what: tuple[str, str]
) -> None:
    url = f"sqlite:///{tmp_path / 'tocsin.db'}"  # the one database that takes them
    with open_store(url) as store:
        fill(store)
        store.seals.seal(START)
        tamper(url, statement)
        assert found(store.seals.verify()) == [what]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DELETE FROM seal WHERE number = 1", ("removed", "seals 1 to 1")),
        (
            "UPDATE seal SET sealed_at = (SELECT max(sealed_at) FROM seal) WHERE number = 1",
            ("changed", "seal 1: its hash is of other content"),
        ),
        (
            """UPDATE seal SET content = replace(content, '"last":3', '"last":2')""",
            ("changed", "seal 1: its hash is of other content"),
        ),
    ],
)
def test_a_seal_that_was_touched_is_named(
    store: Store, store_url: str, statement: str, what: tuple[str, str]
) -> None:
    fill(store)
    store.seals.seal(START)
    fill(store, 3, 5)
    store.seals.seal(START + DAY)
    tamper(store_url, statement)
    assert what in found(store.seals.verify())


def test_a_hash_that_was_kept_elsewhere_shows_a_chain_that_was_cut(
    store: Store, store_url: str
) -> None:
    fill(store)
    store.seals.seal(START)
    fill(store, 3, 5)
    store.seals.seal(START + DAY)
    kept = store.seals.head().hash
    assert store.seals.has(kept)
    tamper(store_url, "DELETE FROM seal WHERE number = 2")
    tamper(store_url, "DELETE FROM estimate WHERE row_id > 3")
    assert store.seals.verify().wrong == ()
    assert not store.seals.has(kept)


def test_what_retention_takes_away_is_not_missed(store: Store, store_url: str) -> None:
    question = Question("q", "Q?", "u", "strike", START, START + 90 * DAY)
    store.add_questions([question], START)
    hours = [START + n * timedelta(hours=6) for n in range(12)]
    store.record(
        estimates=[replace(ESTIMATE, as_of=at, inputs_digest=str(at)) for at in hours],
        recorded_at=START,
    )
    store.seals.seal(START)
    gone = store.retention.thin(Kind.ESTIMATES, START + 30 * DAY)
    assert gone > 3
    verified = store.seals.verify()
    assert (verified.wrong, verified.thinned) == ((), gone)
    tamper(store_url, "DELETE FROM estimate WHERE row_id IN (SELECT min(row_id) FROM estimate)")
    assert [what for what, _ in found(store.seals.verify())] == ["removed"]


def test_what_is_written_after_a_thinning_is_not_taken_for_what_went(store: Store) -> None:
    """SQLite gives the number of a row anew where that was the last, as after a late look back."""
    store.add_questions([Question("q", "Q?", "u", "strike", START, START + 90 * DAY)], START)
    for hours in (0, 6, 18, 12):
        at = START + timedelta(hours=hours)
        late = replace(ESTIMATE, as_of=at, inputs_digest=str(at))
        store.record(estimates=[late], recorded_at=START)
    store.seals.seal(START)
    assert store.retention.thin(Kind.ESTIMATES, START + 30 * DAY) > 0
    store.record(estimates=[replace(ESTIMATE, as_of=START + 40 * DAY)], recorded_at=START)
    store.seals.seal(START)
    verified = store.seals.verify()
    assert (verified.wrong, verified.rows) == ((), 5)


def test_many_rows_are_sealed_in_several_seals(store: Store) -> None:
    made = [replace(ESTIMATE, inputs_digest=str(n)) for n in range(MOST_ROWS + 1)]
    store.record(estimates=made, recorded_at=START)
    assert store.seals.seal(START) == MOST_ROWS + 1
    assert (store.seals.head().number, store.seals.verify().wrong) == (2, ())
