"""What is freed goes back to the system, also where it was used between other things."""

import platform
import subprocess
import sys

import pytest

# Blocks as a track's draws are, freed in the order in which a pipeline frees them, with small
# things that stay in between.
CHURN = """
import sys, threading
from jobs.memory import keep_memory_flat
if sys.argv[1] == "flat":
    assert keep_memory_flat()
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20
kept = []
def churn():
    blocks = []
    for n in range(1500):
        blocks.append(bytearray(200_000 + 997 * (n % 100)))
        kept.append(bytearray(700))
        if len(blocks) > 150:
            del blocks[0]
bytearray(30_000_000)  # after the first large block that is freed, glibc keeps them
before = resident()
threads = [threading.Thread(target=churn) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_large_blocks_that_are_freed_leave_no_holes() -> None:
    def grown(how: str) -> float:
        command = [sys.executable, "-c", CHURN, how]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout)

    flat, usual = grown("flat"), grown("usual")
    assert flat < 25  # MB; 9 of them are what is kept
    assert usual > flat


def test_a_service_collects_what_a_short_command_leaves() -> None:
    code = (
        "import gc; from jobs.memory import COLLECTED_AFTER, keep_memory_flat;"
        "gc.set_threshold(50_000, 20, 50); keep_memory_flat();"
        "print(gc.get_threshold()[:2] == COLLECTED_AFTER[:2])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
