"""How arrays of many draws are computed: some draws at a time, and on one thread."""

from functools import lru_cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from models.covariates import Array

CELLS = 40_000  # draws x rows at once, so that arrays stay in the processor's cache


@lru_cache(maxsize=1)
def one_thread() -> None:
    """Keep BLAS to one thread: our matrices are thin, and two take three to five times as long."""
    threadpool_limits(1, user_api="blas")


def in_parts(compiled: Any, draws: Array, rows: int, *by_draw: Array) -> Array:
    """Call a batched function on some draws at a time; `by_draw` are further arrays by draw."""
    step = max(CELLS // max(rows, 1), 1)
    parts = [
        compiled(draws[i : i + step], *(array[i : i + step] for array in by_draw))
        for i in range(0, len(draws), step)
    ]
    return np.concatenate(parts)
