"""Warm worker processes for inference: tracks do not depend on each other within a slot."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

MOST_WORKERS = 4  # half a gigabyte each


def warm_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Processes that import the inference stack as they start; close it when done."""
    count = workers or min(os.process_cpu_count() or 1, MOST_WORKERS)
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=spawn, initializer=_warm)


def _warm() -> None:
    import models.hazard  # noqa: F401  (the import is the point)
