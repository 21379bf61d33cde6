"""How many processors this process may use: what Python 3.13 says of itself, and 3.12 does not."""

import os


def usable_processors() -> int:
    """At least one; those that a container or `taskset` leaves, where that is known."""
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
