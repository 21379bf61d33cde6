"""Executors: the same answers in the same order, and what is shared sent once.

On Dask: see the walk's tests, which start a cluster.
"""

import os

import pytest

from forecast.errors import InputError
from jobs.executor import Executor, Here, Processes, local_executor

SHARED = b"abcdef"


def letter(shared: bytes, place: int) -> tuple[str, int]:
    """The letter at a place of what is shared, and who looked."""
    if place >= len(shared):
        raise InputError(f"there is no letter {place}", at="shared")
    return chr(shared[place]), os.getpid()


@pytest.mark.parametrize("kind", [Here, lambda shared: Processes(shared, 2)])
def test_answers_come_in_the_order_of_their_items_and_a_failure_as_it_was(kind: type[Here]) -> None:
    executor: Executor = kind(SHARED)
    try:
        found = list(executor.map(letter, [3, 0, 5, 1]))
        assert "".join(word for word, _ in found) == "dafb"
        with pytest.raises(InputError, match="there is no letter 9") as raised:
            list(executor.map(letter, [0, 9]))
        assert raised.value.at == "shared"
        assert [word for word, _ in executor.map(letter, [2])] == ["c"]
    finally:
        executor.close()


def test_one_worker_is_this_process_and_several_are_others() -> None:
    one, several = local_executor(SHARED, 1), local_executor(SHARED, 2)
    try:
        assert {who for _, who in one.map(letter, [0, 1])} == {os.getpid()}
        assert os.getpid() not in {who for _, who in several.map(letter, [0, 1])}
    finally:
        several.close()
