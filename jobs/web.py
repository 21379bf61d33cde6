"""The web server as a process of its own beside `tocsin serve`, which keeps it alive.

    socket bound here -> child: watch, store, application -> dies: another one on the same socket

A port that cannot be had is an error at once, and while a child is started anew whoever calls
waits in the socket's queue. The child dies with its parent, and imports nothing that infers.
"""

import errno
import logging
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from forecast.config import Config
from forecast.errors import ConfigError, OutsideError, TocsinError, UsageError
from forecast.question import Question
from forecast.watch import FILE_NAME, Watch, load_watch
from jobs.log import Settings, log_settings, start_log
from models.engine.worker import leave_with_parent

if TYPE_CHECKING:
    from forecast.reports.view import QuestionReport
    from forecast.web.desk import Certified

PATIENCE = 15.0  # seconds for the child to end what it is answering
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds until it is started again
STEADY = 60.0  # seconds after which a death counts as the first
BACKLOG = 512
_LOOK_EVERY = 1.0  # seconds between two looks at watch.toml
_log = logging.getLogger(__name__)


class WebProcess:
    """The web server; `address` is where it listens, `beat` tells it that the scheduler ticks."""

    def __init__(self, folder: Path, host: str, port: int, store_url: str = "") -> None:
        self._folder, self._store_url = folder, store_url
        self._spawn = multiprocessing.get_context("spawn")
        self._socket = _bound(host, port)
        self._pulse: Synchronized[float] = self._spawn.Value("d", 0.0)
        self._stop = Event()
        self._process: BaseProcess | None = None
        self._keeper = Thread(target=self._keep, name="web", daemon=True)

    @property
    def address(self) -> str:
        """Such as http://127.0.0.1:8321."""
        host, port, *_ = self._socket.getsockname()
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def pid(self) -> int | None:
        """The id of the process, None while there is none."""
        return self._process.pid if self._process else None

    def beat(self) -> None:
        """Say that the scheduler is alive."""
        self._pulse.value = time.monotonic()

    def start(self) -> None:
        """Start it, and from now on again whenever it dies."""
        self._process = self._started()
        self._keeper.start()

    def close(self) -> None:
        """End it: what is being answered is answered, for some seconds."""
        self._stop.set()
        if self._process is not None:
            self._process.terminate()
            self._process.join(PATIENCE)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        if self._keeper.is_alive():
            self._keeper.join()
        self._socket.close()

    def _started(self) -> BaseProcess:
        process = self._spawn.Process(
            target=_serve,
            args=(self._folder, self._store_url, self._socket, self._pulse, log_settings()),
            name="tocsin-web",
            daemon=True,
        )
        process.start()
        return process

    def _keep(self) -> None:
        """Wait for its death, and start it again: at once, and later where it dies at once."""
        wait, began = FIRST_WAIT, time.monotonic()
        while not self._stop.is_set():
            assert self._process is not None
            self._process.join(1.0)
            if self._process.is_alive() or self._stop.is_set():
                continue
            if time.monotonic() - began > STEADY:
                wait = FIRST_WAIT
            code = self._process.exitcode
            _log.error("the web server ended (%s); started again in %g seconds", code, wait)
            if self._stop.wait(wait):
                return
            wait, began = min(2 * wait, LONGEST_WAIT), time.monotonic()
            self._process = self._started()


@contextmanager
def web_process(
    folder: Path,
    config: Config,
    *,
    host: str | None = None,
    port: int | None = None,
    store_url: str = "",
) -> Iterator[WebProcess]:
    """The web server of a watch, for as long as this lasts; `host` and `port` go before [web].

    It listens when this is entered. UsageError where the address cannot be had.
    """
    table = config.web
    web = WebProcess(folder, host or table.host, table.port if port is None else port, store_url)
    try:
        web.start()
        yield web
    finally:
        web.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            words = f"{host}:{port} is in use, or not for this user; take another with --port"
            raise OutsideError(words, at="web.port") from None
        raise UsageError(f"'{host}' is no address of this machine", at="web.host") from None


def _serve(
    folder: Path,
    store_url: str,
    bound: socket.socket,
    pulse: "Synchronized[float]",
    log: Settings | None,
) -> None:
    """The child: the application on the socket, until it is told to end or its parent is gone."""
    os.setsid()  # Ctrl-C reaches every process of the terminal; when to stop is for the parent
    leave_with_parent()
    if log is not None:
        start_log(*log)
    try:
        watch = load_watch(folder)
        _answer(watch, store_url, bound, pulse)
    except TocsinError as error:
        _log.error("the web server: %s", error)
        raise SystemExit(error.exit_code) from None


def _answer(
    watch: Watch, store_url: str, bound: socket.socket, pulse: "Synchronized[float]"
) -> None:
    from forecast.store import open_store
    from forecast.web import create_app
    from forecast.web.server import run
    from jobs.app import App
    from jobs.reporting import question_report

    url, rule = store_url or watch.store_url, watch.config.incidents.rule()
    with open_store(url, create=False, rule=rule) as store:
        current = _current(watch)

        def report(question: Question, now: datetime) -> "QuestionReport":
            return question_report(App(Watch(watch.folder, current()), store), question, now)

        made = create_app(
            *(store, current, report),
            pulse=lambda: _age(pulse.value),
            words=words_of,
            certified=certified,
        )
        # of ten thousand questions the first look takes a second: before anybody asks for it
        Thread(target=_warm, args=(made.state,), name="outlook", daemon=True).start()
        run(made, bound)


def _warm(state: Any) -> None:
    state.outlook.warm()
    state.record.warm(state.desk, state.outlook)
    state.desk.certified()


def words_of(facts: Mapping[str, Any]) -> str:
    """A message as plain text; "" of facts that some other version wrote."""
    from alerts.message import text

    try:
        return text(dict(facts))
    except (KeyError, TypeError, ValueError):
        return ""


@cache
def certified() -> "tuple[Certified, ...]":
    """How each family stands whose worlds can be simulated; found out once a process."""
    from models.certify.certificate import with_worlds

    return tuple(map(_certified, with_worlds()))


def _certified(family: str) -> "Certified":
    from forecast.web.desk import Certified
    from models.certify.certificate import NONE, certificate_of, standing

    try:
        found = certificate_of(family)
    except ConfigError:
        found = None
    if found is None:
        return Certified(family, NONE)
    told = (found.verdict, found.date, len(found.tests), found.kept, found.findings)
    return Certified(family, standing(family), *told)


def _age(beat: float) -> float | None:
    return time.monotonic() - beat if beat else None


def _current(watch: Watch) -> Callable[[], Config]:
    """The configuration as watch.toml has it now; where an edit is broken, as it was before."""
    config, stamp, looked_at = watch.config, _stamp(watch.folder), time.monotonic()

    def current() -> Config:
        nonlocal config, stamp, looked_at
        now = time.monotonic()
        if now - looked_at < _LOOK_EVERY:
            return config
        looked_at, seen = now, _stamp(watch.folder)
        if seen != stamp:
            stamp = seen
            try:
                config = load_watch(watch.folder).config
            except TocsinError as error:
                _log.warning("the edit is not taken in by the web server: %s", error)
        return config

    return current


def _stamp(folder: Path) -> tuple[int, int, int] | None:
    """Changes whenever watch.toml does; None while there is none."""
    try:
        status = (folder / FILE_NAME).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
