"""Warm worker processes for inference: tracks do not depend on each other within a slot."""

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from forecast.processors import usable_processors
from jobs.log import Settings, log_settings, start_log
from models.engine.worker import leave_with_parent

MOST_WORKERS = 4  # half a gigabyte each


def warm_pool(
    workers: int | None = None, first: Callable[[], None] | None = None
) -> ProcessPoolExecutor:
    """Processes that import the inference stack as they start; close it when done.

    Each calls `first` before anything else, where there is one; it must be picklable. They log
    as this process does.
    """
    count = workers or min(usable_processors(), MOST_WORKERS)
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(
        count, mp_context=spawn, initializer=_warm, initargs=(first, log_settings())
    )


def _warm(first: Callable[[], None] | None, log: Settings | None) -> None:
    # Ctrl-C reaches every process of the terminal; when to stop is for the parent to say
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_parent()
    if log is not None:
        start_log(*log)
    if first is not None:
        first()
    import models.hazard.update  # noqa: F401  (the import is the point)
