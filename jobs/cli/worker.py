"""`tocsin worker`: do parts of runs that services on the same PostgreSQL store hand out."""

import logging
import os
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal

import click

from forecast.clock import utc_now
from forecast.errors import TocsinError, UsageError
from forecast.names import did_you_mean
from jobs.cli.options import common, lease_option, log_options, print_json
from jobs.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from forecast.config import Config
    from jobs.workers.worker import Worker


@click.command("worker")
@click.option(
    "--queues",
    metavar="FAMILY,...",
    default="",
    help="Only parts that these model families answer; all, if left out.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Tracks computed at once; more than one takes half a gigabyte each.",
)
@lease_option("A part")
@click.option(
    "--memory",
    type=click.IntRange(min=1),
    default=2048,
    show_default=True,
    metavar="MB",
    help="Begin anew when this process holds more.",
)
@log_options
@common
def command(
    queues: str,
    concurrency: int,
    lease: float,
    memory: int,
    log_format: Literal["plain", "json"],
    log_level: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Do parts of runs, and updates on news, until stopped (SIGTERM, Ctrl-C).

    Needs a store on PostgreSQL, where `tocsin serve` schedules, sends, and hands the work out.
    Any number of these may run, on any number of hosts that have the same watch.toml: what one
    leaves behind, killed or frozen, another does. It ends the part that it has begun, and begins
    anew where watch.toml was edited.
    """
    asked, stop = Event(), Event()
    stop_on_signals(asked)
    from jobs.app import open_app
    from jobs.log import start_log
    from jobs.memory import collect_as_usual

    collect_as_usual()
    log = start_log(log_format, log_level)
    with open_app(folder) as app:
        from jobs.preflight import check_config
        from jobs.workers.worker import Worker, check_store

        check_store(app)
        check_config(app.config)
        families = _families(app.config, queues)
        app.store.ledger.prepare_queue()
        options = {"concurrency": concurrency, "most_bytes": memory << 20}
        worker = Worker(app, utc_now, stop, lease=timedelta(seconds=lease), **options)
        worker.warm(families)
        log.info("working for '%s' on %s", app.config.watch.title, ", ".join(families))
        try:
            _work(worker, families, asked)
        finally:
            worker.close()
    if worker.renewal and not asked.is_set():
        _begin_anew(log, worker.renewal)
    log.info("stopped")
    if as_json:
        names = ("parts", "units", "estimates", "messages")
        print_json({"schema_version": 1} | {name: worker.tally[name] for name in names})


def _work(worker: "Worker", families: list[str], asked: Event) -> None:
    """Take parts in one thread, news in another, until a signal or the worker itself says so."""
    from jobs.scheduler import tick_until

    def heed() -> None:
        asked.wait()
        worker.stop.set()

    Thread(target=heed, daemon=True).start()
    taking = Thread(target=worker.take, args=(families,))
    taking.start()
    tick_until(worker.stop, worker.look, quick=(worker.stir,))
    taking.join()


def _families(config: "Config", queues: str) -> list[str]:
    """The families that are asked for, or all of the watch; UsageError for one that it has not."""
    from jobs.workers.shards import families

    known = families(config)
    chosen = [name.strip() for name in queues.split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            raise UsageError(f"no definition is answered by '{name}'" + did_you_mean(name, known))
    return chosen or known


def _begin_anew(log: logging.Logger, why: str) -> None:
    """This process becomes a fresh one of the same id and arguments."""
    log.info("%s: begins anew", why)
    logging.shutdown()
    sys.stdout.flush()
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    except OSError as error:
        raise TocsinError(f"cannot begin anew: {error.strerror}", at=sys.executable) from None
