"""The command line as tests run it: in their own process, or where that is the point in a new one.

A process of its own costs most of a second of imports. In this one the same `main` runs with the
arguments, the folder, the environment and the standard streams that it would have had, and leaves
nothing of these behind; that warnings are errors holds for it too. What a process can do and a
function cannot is asked for with `process=True`: signals and ends, what an import costs, encodings,
what the environment tells Python or a library as it starts.
"""

import contextvars
import gc
import io
import logging
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import jobs.log
from jobs.cli import main

TOCSIN = Path(sys.executable).with_name("tocsin")
READ_AT_START = re.compile("PYTHON|LANG$|LC_|SSL_CERT_|OPENBLAS_|OMP_").match
type Done = subprocess.CompletedProcess[str]


def run(
    *arguments: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    process: bool = False,
) -> Done:
    """`tocsin ARGUMENTS` in `folder`; with no environment given, in that of the tests."""
    words = [str(TOCSIN), *map(str, arguments)]
    environment = os.environ.copy() if environment is None else environment
    if not process:
        return _run_here(words, folder, environment, stdin)
    return subprocess.run(
        words,
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def _run_here(words: list[str], folder: Path, environment: Mapping[str, str], stdin: str) -> Done:
    changed = dict(environment.items() - os.environ.items())
    assert not any(map(READ_AT_START, changed)), f"process=True is needed for {sorted(changed)}"
    out, err = io.BytesIO(), io.BytesIO()
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(_environment(environment))
        stack.enter_context(_process_state())
        stack.enter_context(_streams(stdin.encode(), out, err))
        sys.argv[:] = words
        status = contextvars.Context().run(_status)
    return subprocess.CompletedProcess(words, status, _text(out), _text(err))


def _status() -> int:
    """The exit code of the command, which says its failures itself."""
    with pytest.raises(SystemExit) as end:
        main()
    assert isinstance(end.value.code, int)
    return end.value.code


def _text(stream: io.BytesIO) -> str:
    """As `subprocess` reads it: any line end is a newline."""
    return stream.getvalue().decode().replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    before = os.environ.copy()
    _become(environment)
    try:
        yield
    finally:
        _become(before)


def _become(environment: Mapping[str, str]) -> None:
    """Change what differs and no more: other threads of the tests read it too."""
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


@contextmanager
def _process_state() -> Iterator[None]:
    """What the start of a command sets once for its process, put back as it was."""
    arguments, thresholds = sys.argv.copy(), gc.get_threshold()
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in numbers}
    loggers = [logging.getLogger(name) for name in ("", *jobs.log.OURS, "apscheduler")]
    levels = [logger.level for logger in loggers]
    written, started = logging.root.handlers.copy(), jobs.log._started
    # so that the first line of a command that starts no log goes to stderr, as it would
    logging.root.handlers.clear()
    jobs.log._started = None
    try:
        yield
    finally:
        jobs.log._started = started
        logging.root.handlers[:] = written
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        gc.set_threshold(*thresholds)
        sys.argv[:] = arguments


@contextmanager
def _streams(stdin: bytes, out: io.BytesIO, err: io.BytesIO) -> Iterator[None]:
    """Standard streams that are pipes and no terminal; what is written lands in `out` and `err`."""
    ours = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    outer = io.TextIOWrapper(out, encoding="utf-8")
    error = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    before, sys.stdin = sys.stdin, ours
    try:
        with redirect_stdout(outer), redirect_stderr(error):
            yield
    finally:
        sys.stdin = before
        for stream in (ours, outer, error):
            stream.flush()
            stream.detach()  # else it closes what is read afterwards
