"""Worker processes: they do not outlive the one that they work for."""

import signal
import subprocess
import sys

CODE = """
import os
from jobs.pool import warm_pool
pool = warm_pool(1)
print(pool.submit(os.getpid).result(), flush=True)
input()
print(pool.submit(os.getpid).result(), flush=True)
"""


def start() -> tuple[subprocess.Popen[str], int]:
    """A process with one worker, and the worker's id."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_workers_leave_when_their_parent_is_killed() -> None:
    process, worker = start()
    assert worker != process.pid
    process.kill()
    assert process.stdout is not None
    # the worker holds the pipe open for as long as it lives
    assert process.stdout.read() == ""
    process.communicate()


def test_ctrl_c_is_for_the_parent_to_hear() -> None:
    process, worker = start()
    subprocess.run(["kill", f"-{signal.SIGINT.value}", str(worker)], check=True)
    said, _ = process.communicate("\n", timeout=60)
    assert (process.returncode, said) == (0, f"{worker}\n")
