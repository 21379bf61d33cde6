"""How many events settings can be chosen by, and what may compete where they are few."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.panel.choosing.support import PER_PARAMETER, Support, refusal, why_not, widest
from models.panel.columns import Column
from models.panel.settings import Settings

ENOUGH = Support(training=10, judged=5, held=0, stretches=5, columns=4)
DEFAULT = Settings()
WIDE = replace(DEFAULT, shrinkage=(0.1, 0.3))


def tags(count: int) -> tuple[Column, ...]:
    return tuple(Column("tag", f"t{n}", 30.0) for n in range(count))


@given(events=st.integers(1, 500), columns=st.integers(1, 300))
def test_the_widest_width_leaves_ten_events_for_each_effective_parameter(
    events: int, columns: int
) -> None:
    s = widest(events, columns)
    if events >= PER_PARAMETER * columns:
        assert s == float("inf")
    else:
        free = columns * s**2 * events / (1 + s**2 * events)
        assert events / free == pytest.approx(PER_PARAMETER)


def test_what_is_enough_is_not_refused() -> None:
    assert refusal(ENOUGH) == ""


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ({"training": 9}, "9 events in windows that ended before the first refit"),
        ({"training": 1}, "1 event in windows"),
        ({"judged": 4}, "4 events in the stretch that candidates are judged on"),
        ({"stretches": 4}, "4 stretches of time"),
    ],
)
def test_too_few_are_refused_with_what_it_would_take(lacking: dict[str, int], words: str) -> None:
    found = refusal(replace(ENOUGH, **lacking))
    assert found.startswith(words)
    assert "takes 10" in found if "training" in lacking else "takes 5" in found
    assert found.endswith("so the default settings stand")


def test_where_columns_outnumber_events_only_what_leaves_some_out_competes() -> None:
    few = Support(training=14, judged=11, held=5, stretches=9, columns=240)
    assert few.is_crowded
    heard = tags(240)
    assert why_not(few, DEFAULT, heard[:100], DEFAULT, heard) == ""
    others = (*heard[:100], Column("tag", "t0", 3.0))
    assert why_not(few, DEFAULT, others, DEFAULT, heard).startswith("240 columns of tags and 25")
    assert why_not(replace(few, training=229), DEFAULT, others, DEFAULT, heard) == ""


def test_wider_effects_need_more_events_the_more_columns_there_are() -> None:
    heard = tags(40)
    few = Support(training=200, judged=99, held=5, stretches=9, columns=40)
    words = why_not(few, WIDE, heard, DEFAULT, heard)
    assert words == (
        "40 columns of tags need 300 events to bear effects as wide as 0.1, and there are 299"
    )
    assert why_not(replace(few, judged=100), WIDE, heard, DEFAULT, heard) == ""


def test_tighter_effects_need_nothing() -> None:
    tight = replace(DEFAULT, shrinkage=(0.01, 0.03))
    few = Support(training=10, judged=5, held=5, stretches=9, columns=200)
    assert why_not(few, tight, tags(200), DEFAULT, tags(200)) == ""
