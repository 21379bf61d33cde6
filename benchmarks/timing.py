"""Clocks and processes: how long something takes, and how to call it where nothing is warm."""

import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter


def say(words: str) -> None:
    """What is being done now, on stderr."""
    print(f"... {words}", file=sys.stderr, flush=True)


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """How long a call takes, the median of several."""
    return median(seconds(work) for _ in range(runs))


def alone[**P, T](cache: Path, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work` in a process of its own, which keeps compiled code in the folder `cache`.

    BLAS has one thread there for everybody: our own density sets that for its whole process.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_settle, initargs=(cache,)) as pool:
        return pool.submit(work, *args, **kwargs).result()


def _settle(cache: Path) -> None:
    # before anything imports PyTensor or loads a BLAS
    os.environ["PYTENSOR_FLAGS"] = f"base_compiledir={cache}"
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
