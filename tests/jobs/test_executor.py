"""Executors: the same answers in the same order, and what is shared sent once.

On Dask: see the walk's tests, which start a cluster.
"""

import os
from collections.abc import Iterator

import pytest

from forecast.errors import InputError
from jobs.executor import Executor, local_executor

SHARED = b"abcdef"


def letter(shared: bytes, place: int) -> tuple[str, int]:
    """The letter at a place of what is shared, and who looked."""
    if place >= len(shared):
        raise InputError(f"there is no letter {place}", at="shared")
    return chr(shared[place]), os.getpid()


@pytest.fixture(scope="module", params=[1, 2])
def workers(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture(scope="module")
def executor(workers: int) -> Iterator[Executor]:
    made = local_executor(SHARED, workers)
    yield made
    made.close()


def test_answers_come_in_the_order_of_their_items_and_a_failure_as_it_was(
    executor: Executor,
) -> None:
    found = list(executor.map(letter, [3, 0, 5, 1]))
    assert "".join(word for word, _ in found) == "dafb"
    with pytest.raises(InputError, match="there is no letter 9") as raised:
        list(executor.map(letter, [0, 9]))
    assert raised.value.at == "shared"
    assert [word for word, _ in executor.map(letter, [2])] == ["c"]


def test_one_worker_is_this_process_and_several_are_others(
    executor: Executor, workers: int
) -> None:
    at_work = {who for _, who in executor.map(letter, [0, 1])}
    assert (os.getpid() in at_work) is (workers == 1)
