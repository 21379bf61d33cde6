"""Numbers of one track do not contradict each other, and those that do not are left alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pool.order import coherent
from tests.models.pool.pooled_world import beliefs, question

SOON, LATE = question("soon", 0, 30), question("late", 0, 60)
LONG, SHORT = question("long", 0, 60, "long"), question("short", 0, 60, "short")
INSIDE, TWICE = question("inside", 10, 20), replace(LATE, question_id="twice", at_least=2)
ALL = (SOON, LATE, LONG, SHORT, INSIDE, TWICE)
BELIEFS = beliefs()


def test_what_contains_another_is_raised_to_it() -> None:
    p = coherent((SOON, LATE, INSIDE), {"soon": 0.3, "late": 0.2, "inside": 0.4}, BELIEFS)
    assert p == {"soon": 0.4, "late": 0.4, "inside": 0.4}
    p = coherent((LATE, LONG, TWICE), {"late": 0.2, "long": 0.3, "twice": 0.1}, BELIEFS)
    assert p == {"late": 0.3, "long": 0.3, "twice": 0.1}


def test_parts_are_raised_in_proportion_until_they_make_up_the_whole() -> None:
    p = coherent((LATE, LONG, SHORT), {"late": 0.5, "long": 0.1, "short": 0.3}, BELIEFS)
    assert p == pytest.approx({"late": 0.5, "long": 0.125, "short": 0.375})


def test_a_part_that_was_raised_raises_the_longer_window_of_it() -> None:
    soon = (SOON, question("s-long", 0, 30, "long"), question("s-short", 0, 30, "short"))
    numbers = {"soon": 0.5, "s-long": 0.1, "s-short": 0.3, "late": 0.5, "long": 0.11, "short": 0.4}
    p = coherent((*soon, LATE, LONG, SHORT), numbers, BELIEFS)
    assert p["s-long"] == pytest.approx(0.125)
    assert p["long"] == pytest.approx(0.125)


def test_windows_that_only_overlap_do_not_bind_each_other() -> None:
    apart = question("apart", 40, 60)
    numbers = {"soon": 0.9, "apart": 0.1}
    assert coherent((SOON, apart), numbers, BELIEFS) == numbers


@given(st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6))
def test_none_is_lowered_and_the_second_time_changes_nothing(numbers: list[float]) -> None:
    p = {q.question_id: number for q, number in zip(ALL, numbers, strict=True)}
    found = coherent(ALL, p, BELIEFS)
    assert all(found[name] >= p[name] for name in p)
    assert coherent(ALL, found, BELIEFS) == pytest.approx(found)
    assert max(found["soon"], found["long"], found["short"], found["twice"]) <= found["late"]
    assert found["inside"] <= found["soon"]
    total = found["long"] + found["short"]
    assert total == 0.0 or total >= found["late"] - 1e-12
