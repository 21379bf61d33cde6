"""Tracks computed beside the process that reads and records them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from jobs.computing import AHEAD, Computing
from jobs.decisions import Failure, Work
from jobs.update import Inferred
from models.api import Answer
from models.hazard import Hazard
from models.testing import sample_task

CORES = 2
TASK = sample_task(Hazard(), days=0.0)


def works(count: int, read: list[str]) -> Iterator[Work]:
    for number in range(count):
        read.append(f"track {number}")
        yield Work(read[-1], TASK, b"draws of long ago", ())


def kept(work: Work) -> Inferred:
    """As an answer comes back from another process: its state is equal, and another object."""
    return Answer((), bytes(bytearray(work.state or b"")))


def beside() -> Computing:
    computing = Computing(CORES)
    computing.pool = cast(Any, ThreadPoolExecutor(CORES))
    return computing


def test_of_many_tracks_only_a_few_are_read_before_the_first_is_answered() -> None:
    read: list[str] = []
    computing = beside()
    answers = iter(computing.infer(kept, works(40, read)))
    next(answers)
    assert len(read) == AHEAD * CORES + 1
    assert len(list(answers)) == 39
    computing.close()


def test_a_state_that_stays_is_the_very_object_that_was_read() -> None:
    made: list[Work] = []

    def reading() -> Iterator[Work]:
        for work in works(3, []):
            made.append(work)
            yield work

    computing = beside()
    answers = list(computing.infer(kept, reading()))
    computing.close()
    assert all(
        isinstance(answer, Answer) and answer.state is work.state
        for answer, work in zip(answers, made, strict=True)
    )


def test_answers_come_in_the_order_of_their_tracks_and_a_failure_among_them() -> None:
    from forecast.errors import HeldError

    def some_fail(work: Work) -> Inferred:
        if work.key.endswith("3"):
            return Failure(HeldError("no", at=work.key))
        return Answer((), work.key.encode())

    computing = beside()
    answers = list(computing.infer(some_fail, works(6, [])))
    computing.close()
    states = [a.state if isinstance(a, Answer) else None for a in answers]
    assert states == [b"track 0", b"track 1", b"track 2", None, b"track 4", b"track 5"]


def test_one_track_alone_is_computed_here() -> None:
    computing = Computing(CORES)
    assert len(list(computing.infer(kept, works(1, [])))) == 1
    assert computing.pool is None
