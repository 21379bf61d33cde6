"""The memory of a process that runs for months: what is freed goes back to the system.

glibc gives each of many threads an arena of its own, and after the first large block that is
freed it keeps large blocks in them. Kept draws, a quarter of a megabyte a track, then leave holes
everywhere: `tocsin serve` grew by 50 MB a minute at 10,000 questions, without one object too many.

    https://man7.org/linux/man-pages/man3/mallopt.3.html
"""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # as malloc.h numbers them
ARENAS = 2
LARGE = 128 * 1024  # bytes: such a block is the system's own again once it is freed


def keep_memory_flat() -> bool:
    """Few arenas, and large blocks by themselves; False where the C library is not glibc.

    To be called before threads begin.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    said = ((_ARENA_MAX, ARENAS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, LARGE))
    return all(mallopt(name, value) == 1 for name, value in said)
