"""`tocsin serve`: run the schedules and send the alerts until stopped."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Literal

import click

from forecast.clock import utc_now
from forecast.errors import OutsideError
from jobs.cli.options import common, lease_option, log_options, print_json
from jobs.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from jobs.app import App
    from jobs.serve import Service


TALLIED = (
    *("slots", "units", "estimates", "audits", "pulled", "answered", "messages", "sent"),
    *("retried", "dead", "digests"),
)


@click.command("serve")
@click.option("--once", is_flag=True, help="Run what is due, send what waits, and leave.")
@click.option(
    *("--no-web", "no_web"),
    is_flag=True,
    envvar="TOCSIN_NO_WEB",
    help="Without the web server and its API (TOCSIN_NO_WEB).",
)
@click.option("--host", help="Where the web server listens (watch.toml's, or 127.0.0.1).")
@click.option(
    *("--port", "port"),
    type=click.IntRange(0, 65_535),
    help="Its port, any free one with 0 (watch.toml's, or 8321).",
)
@click.option("--no-sources", is_flag=True, help="Leave the sources to another process.")
@click.option("--no-work", is_flag=True, help="Leave updates to `tocsin worker` (PostgreSQL).")
@lease_option("A run")
@log_options
@common
def command(
    once: bool,
    no_web: bool,
    host: str | None,
    port: int | None,
    no_sources: bool,
    no_work: bool,
    lease: float,
    log_format: Literal["plain", "json"],
    log_level: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Run the schedules, pull the sources, serve the API and send the alerts until stopped.

    Stopped it is by SIGTERM or Ctrl-C: what runs is ended, what is not begun is left for later.
    A slot runs once, however many of these share the store; slots missed while nobody was
    there are made up for as their schedule says. News updates what it is about at once. An edited
    watch.toml is taken in while it runs. With --once the exit code is that of what failed.
    """
    stop = Event()
    stop_on_signals(stop)  # before what takes its time to import
    from jobs.app import open_app
    from jobs.log import start_log
    from jobs.memory import collect_as_usual

    collect_as_usual()
    log = start_log(log_format, log_level)
    with (
        open_app(folder) as app,
        _ready(app, stop, timedelta(seconds=lease), works=not no_work) as service,
    ):
        log.info("serving '%s': %s", app.config.watch.title, service.outlook())
        if once:
            _run_once(service, pulls=not no_sources)
        else:
            with web_server(app, log, host, port, is_on=not no_web) as beats:
                _run(service, *beats, pulls=not no_sources)
            log.info("stopped")
    if as_json:
        print_json({"schema_version": 1} | {name: service.tally[name] for name in TALLIED})
    if once and service.failure is not None:
        click.get_current_context().exit(getattr(service.failure, "exit_code", 1))


@contextmanager
def _ready(app: "App", stop: Event, lease: timedelta, *, works: bool) -> Iterator["Service"]:
    """The service once everything is looked at and loaded that would only show when it is used."""
    from jobs.preflight import check_config
    from jobs.serve import Service
    from jobs.workers.worker import check_store

    if not works:
        check_store(app)
    app.store.ledger.prepare_queue()
    service = Service(app, utc_now, lease=lease, stop=stop, works=works)
    try:
        check_config(app.config)
        service.warn_of_channels()
        service.warm()
        yield service
    finally:
        service.close()


def _run_once(service: "Service", *, pulls: bool) -> None:
    """All that is due, in the order in which one thing leads to the next."""
    if pulls:
        service.pull()
    service.answer()
    service.answer_at_length()
    service.run_due()
    service.stir()
    service.digest()
    service.ring()
    service.send()
    service.audit_due()
    service.thin()


def _run(service: "Service", *beats: Callable[[], None], pulls: bool) -> None:
    """Every tick beside the others, until the service is asked to stop."""
    from jobs.scheduler import tick_until

    tick_until(
        service.stop,
        service.reload,
        service.run_due,
        service.share,
        service.ring,
        service.refresh,
        service.beat,
        service.audit_due,
        service.answer,
        service.answer_at_length,
        service.thin,
        service.digest,
        *beats,
        *([service.pull] if pulls else []),
        quick=(service.stir, service.send),
    )


@contextmanager
def web_server(
    app: "App", log: logging.Logger, host: str | None, port: int | None, *, is_on: bool
) -> Iterator[list[Callable[[], None]]]:
    """The web server beside the service, and what tells it that the service ticks.

    An address that was asked for here and cannot be had is an error. That of watch.toml may be
    another service's on this machine: it is said, and everything else goes on.
    """
    if not is_on:
        yield []
        return
    from jobs.web import web_process

    with ExitStack() as stack:
        server = web_process(app.watch.folder, app.config, host=host, port=port)
        try:
            web = stack.enter_context(server)
        except OutsideError as error:
            if host or port is not None:
                raise
            log.error("no web server: %s; all else goes on", error)
            yield []
            return
        log.info("the web server listens on %s", web.address)
        yield [web.beat]
