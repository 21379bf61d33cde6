"""The command as tests run it in their own process is the command, and leaves nothing behind."""

import gc
import logging
import os
import signal
import sys
import warnings
from pathlib import Path

import pytest

import jobs.log
from tests.command import run
from tests.jobs.desk import make_desk


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--version",), 0),
        (("report", "--help"), 0),
        (("init", "w", "--json"), 0),
        (("alerts", "list"), 2),
        (("updat",), 2),
        (("questions", "scores", "--watch", "nowhere", "--json"), 2),
        (("report", "--as-of", "soon", "--json"), 2),
        (("ingest", "-"), 2),
    ],
)
def test_it_says_and_ends_as_the_installed_one(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    stdin = "colour\nred\n"
    ours = run(*arguments, folder=here, stdin=stdin)
    theirs = run(*arguments, folder=there, stdin=stdin, process=True)
    assert ours.returncode == theirs.returncode == code
    assert ours.stderr.replace(str(here), str(there)) == theirs.stderr
    assert ours.stdout.replace(str(here), str(there)) == theirs.stdout
    assert sorted(p.name for p in here.rglob("*")) == sorted(p.name for p in there.rglob("*"))


@pytest.mark.parametrize("arguments", [("serve", "--once"), ("serve", "--once", "--lease", "x")])
def test_nothing_of_a_service_is_left_in_the_process_of_the_tests(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    desk = make_desk(tmp_path, TOCSIN_LOG_LEVEL="debug", ONLY_HERE="1")
    before = state()
    done = desk.run(*arguments)
    assert done.returncode in {0, 2}
    assert state() == before


def state() -> dict[str, object]:
    """What a command may set for the whole of its process."""
    loggers = {name: logging.getLogger(name) for name in ("", *jobs.log.OURS, "apscheduler")}
    return {
        "arguments": tuple(sys.argv),
        "environment": os.environ.copy(),
        "folder": Path.cwd(),
        "garbage": gc.get_threshold(),
        "log": (jobs.log.log_settings(), {n: (x.level, [*x.handlers]) for n, x in loggers.items()}),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "warnings": [*warnings.filters],
    }


def test_what_python_reads_as_it_starts_needs_a_process(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONVERBOSE": "1"}
    with pytest.raises(AssertionError, match="process=True"):
        run("--version", folder=tmp_path, environment=environment)
    assert (
        "import" in run("--version", folder=tmp_path, environment=environment, process=True).stderr
    )
