"""A service gives back what it no longer uses."""

import subprocess
import sys


def test_a_service_collects_what_a_short_command_leaves() -> None:
    code = (
        "import gc; from jobs.memory import COLLECTED_AFTER, collect_as_usual;"
        "gc.set_threshold(50_000, 20, 50); collect_as_usual();"
        "print(gc.get_threshold()[:2] == COLLECTED_AFTER[:2])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
