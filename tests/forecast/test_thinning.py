"""What stays of a long past."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from forecast.thinning import NEWEST_STATES, Row, surplus_estimates, surplus_states

START = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
moments = st.lists(st.integers(0, 24 * 40), max_size=60).map(
    lambda hours: [(n, START + h * HOUR) for n, h in enumerate(sorted(hours))]
)


def hourly(days: int) -> list[Row]:
    return [(n, START + n * HOUR) for n in range(24 * days)]


def test_the_last_of_each_day_and_the_first_of_all_stay() -> None:
    made = hourly(3)
    gone = surplus_estimates(made, [], [])
    assert [row for row, _ in made if row not in gone] == [0, 23, 47, 71]


def test_the_first_since_the_question_opened_stays_for_it_is_scored_by_it() -> None:
    gone = surplus_estimates(hourly(3), [START + 30.5 * HOUR, START + 99 * DAY], [])
    assert 31 not in gone
    assert {30, 32} <= set(gone)


def test_the_two_before_a_change_of_mind_stay() -> None:
    changes = [START + 10.5 * HOUR, START - DAY, START]
    gone = surplus_estimates(hourly(2), [], changes)
    assert {9, 10} & set(gone) == set()
    assert {8, 11} <= set(gone)


def test_of_two_of_one_moment_the_one_recorded_last_stays() -> None:
    assert surplus_estimates([(1, START), (2, START), (3, START + DAY)], [START], [START]) == [1]


@given(moments, st.lists(st.integers(-100, 1000), max_size=5))
def test_thinning_twice_is_thinning_once_and_every_day_is_still_told_of(
    made: list[Row], hours: list[int]
) -> None:
    changes = [START + h * HOUR for h in hours]
    gone = set(surplus_estimates(made, changes, changes))
    left = [row for row in made if row[0] not in gone]
    assert surplus_estimates(left, changes, changes) == []
    assert {at.date() for _, at in left} == {at.date() for _, at in made}
    assert left[:0] == made[:0] if not made else left[-1] == made[-1]


def test_of_states_the_newest_and_one_a_week_stay() -> None:
    made = [(n, START + n * DAY) for n in range(28)]
    gone = surplus_states(made, START + 20 * DAY)
    assert [row for row, _ in made if row not in gone] == [6, 13, *range(20, 28)]


@given(moments)
def test_the_newest_states_never_go(made: list[Row]) -> None:
    gone = surplus_states(made, START + 999 * DAY)
    assert not set(gone) & {row for row, _ in made[-NEWEST_STATES:]}
