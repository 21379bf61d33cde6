"""The command as a user calls it: a whole process, from nothing to the answer."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.flagship import AS_OF, QUESTION, copy_flagship
from benchmarks.rows import Row
from benchmarks.timing import median_seconds, say, seconds
from forecast.clock import format_instant

TOCSIN = Path(sys.executable).with_name("tocsin")
RUNS = 9
ESTIMATES = 3


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds of --help, of the first estimate in a watch, and of its report."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        watch = copy_flagship(folder / "watch")
        say(f"cold starts, {ESTIMATES} or {RUNS} each")
        yield Row("tocsin --help", median_seconds(lambda: _tocsin("--help"), RUNS), "s")
        copies = iter([shutil.copytree(watch, folder / str(n)) for n in range(ESTIMATES)])
        first = median_seconds(lambda: _estimate(next(copies)), ESTIMATES)
        report = median_seconds(lambda: _report(folder / "0"), RUNS)
        yield Row("tocsin report QUESTION, cold", report, "s", at_most=0.4)
        yield Row("first estimate, cold", first, "s", at_most=4)


def measure_demo(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds of the whole demo."""
    say("the demo")
    with TemporaryDirectory() as folder:
        took = seconds(lambda: _tocsin("demo", "--quiet", "--out", str(Path(folder) / "demo")))
    yield Row("tocsin demo", took, "s")


def _estimate(watch: Path) -> None:
    moment = format_instant(AS_OF)
    _tocsin("update", QUESTION, "--as-of", moment, "--no-send", "--watch", str(watch))


def _report(watch: Path) -> None:
    _tocsin("report", QUESTION, "--watch", str(watch))


def _tocsin(*arguments: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTENSOR_FLAGS"}
    subprocess.run([TOCSIN, *arguments], env=environment, check=True, capture_output=True)
