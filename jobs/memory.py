"""The memory of a process that runs for months: what is no longer used is given back.

The command line collects cyclic garbage hardly ever, which makes a short command start faster; a
service would keep all of it, some 50 MB a minute at 10,000 questions.
"""

import gc

COLLECTED_AFTER = (2_000, 10, 10)  # as Python itself has it


def collect_as_usual() -> None:
    """Undo what the command line has set for its start."""
    gc.set_threshold(*COLLECTED_AFTER)
