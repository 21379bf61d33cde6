"""The memory of a process that runs for months: what is no longer used is given back.

The command line collects cyclic garbage hardly ever, which makes a short command start faster; a
service would keep all of it, some 50 MB a minute at 10,000 questions. And glibc gives each of many
threads an arena of its own, and after the first large block that is freed it keeps large blocks in
them: kept draws, a quarter of a megabyte a track, then leave holes everywhere.

    https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # as malloc.h numbers them
ARENAS = 2
COLLECTED_AFTER = (2_000, 10, 10)  # as Python itself has it: the command line has other numbers
LARGE = 128 * 1024  # bytes: such a block is the system's own again once it is freed


def keep_memory_flat() -> bool:
    """Collect as usual; few arenas, and large blocks by themselves.

    False where the C library is not glibc. To be called before threads begin.
    """
    gc.set_threshold(*COLLECTED_AFTER)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    said = ((_ARENA_MAX, ARENAS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, LARGE))
    return all(mallopt(name, value) == 1 for name, value in said)
