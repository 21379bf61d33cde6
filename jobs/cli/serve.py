"""`tocsin serve`: run the schedules and send the alerts until stopped."""

import logging
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from types import FrameType

import click

from forecast.clock import format_instant, utc_now
from jobs.cli.options import common, plain, print_json


@click.command("serve")
@click.option("--once", is_flag=True, help="Run what is due, send what waits, and leave.")
@click.option(
    "--lease",
    type=click.FloatRange(min=1),
    default=900,
    show_default=True,
    envvar="TOCSIN_LEASE",
    metavar="SECONDS",
    help="A run that is silent for longer, its process being dead, is taken over (TOCSIN_LEASE).",
)
@common
def command(once: bool, lease: float, folder: Path, as_json: bool) -> None:
    """Run the schedules and send the alerts until stopped (SIGTERM, Ctrl-C).

    A slot runs once, however many of these share the store; slots missed while nobody was
    there are made up for by the newest. An edited watch.toml is taken in while it runs. With
    --once the exit code is that of what failed.
    """
    stop = Event()
    _stop_on_signals(stop)  # before what takes its time to import
    log = _start_log()
    from jobs.app import open_app

    with open_app(folder) as app:
        from jobs.preflight import check_config
        from jobs.scheduler import tick_until
        from jobs.serve import Service

        service = Service(app, utc_now, lease=timedelta(seconds=lease), stop=stop)
        check_config(app.config)
        service.warn_of_channels()
        service.warm()
        log.info("serving '%s': %s", app.config.watch.title, service.outlook())
        try:
            if once:
                service.run_due()
                service.ring()
                service.send()
                service.audit_due()
            else:
                tick_until(
                    service.stop,
                    service.reload,
                    service.run_due,
                    service.ring,
                    service.send,
                    service.refresh,
                    service.beat,
                    service.audit_due,
                )
                log.info("stopped")
        finally:
            service.close()
    if as_json:
        names = ("slots", "estimates", "audits", "messages", "sent", "retried", "dead")
        print_json({"schema_version": 1} | {name: service.tally[name] for name in names})
    if once and service.failure is not None:
        click.get_current_context().exit(getattr(service.failure, "exit_code", 1))


def _start_log() -> logging.Logger:
    """One line each on stderr, in UTC."""
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(instant)s %(levelname)s %(message)s"))
    handler.addFilter(_add_instant)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # it warns twice a second for as long as a slot takes
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    log = logging.getLogger("jobs")
    log.setLevel(logging.INFO)
    return log


class _PlainFormatter(logging.Formatter):
    """One line a record, tracebacks and all, whoever wrote what is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return plain(super().format(record))


def _add_instant(record: logging.LogRecord) -> bool:
    record.instant = format_instant(datetime.fromtimestamp(int(record.created), UTC))
    return True


def _stop_on_signals(stop: Event) -> None:
    """The first signal asks to stop after what runs; a second one ends the process."""

    def ask(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        # not from here: the interrupted thread may hold the event's own lock
        Thread(target=stop.set).start()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
