"""Narrower definitions: Beta shares, what updates them, and that the parts make the whole."""

from collections.abc import Iterable

import numpy as np
import pytest

from forecast.evidence import Event
from models.shares import share_of
from tests.models import worlds

BELIEVED = worlds.beliefs(narrower=worlds.KINDS)
N = 40_000


def mean_share(kind: str, events: Iterable[Event] = ()) -> float:
    return float(share_of(worlds.task(BELIEVED, events=events), kind, N).mean())


def of_kinds(*kinds: str) -> list[Event]:
    return [worlds.event(f"e{i}", 10.0 + i, definition=kind) for i, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kind", "known", "expected"),
    [
        ("covert", [], 3 / 8),
        ("overt", [], 5 / 8),
        ("announced", [], 5 / 8 * 8 / 10),
        ("covert", ["covert", "covert"], 5 / 10),
        ("covert", ["overt"], 3 / 9),
        ("covert", ["announced"], 3 / 9),  # an announced one is overt
        ("covert", ["strike"], 3 / 8),  # of a kind nobody knows yet: there are only two
        ("announced", ["announced"], 6 / 9 * 9 / 11),
        ("announced", ["overt"], 6 / 9 * 8 / 11),  # overt, and not announced
    ],
)
def test_a_share_learns_from_events_whose_kind_is_known(
    kind: str, known: list[str], expected: float
) -> None:
    assert mean_share(kind, of_kinds(*known)) == pytest.approx(expected, abs=0.005)


def test_the_root_takes_all() -> None:
    assert np.all(share_of(worlds.task(BELIEVED), "strike", 10) == 1.0)


def test_the_two_parts_make_up_the_whole_in_every_draw() -> None:
    task = worlds.task(BELIEVED, events=of_kinds("covert"))
    parts = [share_of(task, kind, 500) for kind in ("covert", "overt")]
    assert sum(parts) == pytest.approx(np.ones(500), abs=1e-12)


def test_a_narrower_share_lies_inside_its_wider_one_in_every_draw() -> None:
    task = worlds.task(BELIEVED)
    assert np.all(share_of(task, "announced", 500) <= share_of(task, "overt", 500))


def test_fewer_draws_are_the_first_of_many() -> None:
    task = worlds.task(BELIEVED)
    few, many = share_of(task, "covert", 100), share_of(task, "covert", 500)
    assert np.array_equal(few, many[:100])


def test_an_event_counts_from_when_it_was_known() -> None:
    late = [worlds.event("e", 10.0, 150.0, "covert")]
    task = worlds.task(BELIEVED, events=late)
    before = share_of(task, "covert", 1000, worlds.day(150.0))
    assert np.array_equal(before, share_of(worlds.task(BELIEVED), "covert", 1000))
    after = share_of(task, "covert", 1000, worlds.day(150.1))
    assert after.mean() > before.mean()
