"""`tocsin serve`: run the schedules and send the alerts until stopped."""

from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Literal

import click

from forecast.clock import utc_now
from jobs.cli.options import common, log_options, print_json
from jobs.cli.signals import stop_on_signals


@click.command("serve")
@click.option("--once", is_flag=True, help="Run what is due, send what waits, and leave.")
@click.option("--no-work", is_flag=True, help="Leave updates to `tocsin worker` (PostgreSQL).")
@click.option(
    "--lease",
    type=click.FloatRange(min=1),
    default=900,
    show_default=True,
    envvar="TOCSIN_LEASE",
    metavar="SECONDS",
    help="A run that is silent for longer, its process being dead, is taken over (TOCSIN_LEASE).",
)
@log_options
@common
def command(
    once: bool,
    no_work: bool,
    lease: float,
    log_format: Literal["plain", "json"],
    log_level: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Run the schedules and send the alerts until stopped (SIGTERM, Ctrl-C).

    A slot runs once, however many of these share the store; slots missed while nobody was
    there are made up for as their schedule says. News updates what it is about at once. An edited
    watch.toml is taken in while it runs. With --once the exit code is that of what failed.
    """
    stop = Event()
    stop_on_signals(stop)  # before what takes its time to import
    from jobs.app import open_app
    from jobs.log import start_log

    log = start_log(log_format, log_level)

    with open_app(folder) as app:
        from jobs.preflight import check_config
        from jobs.scheduler import tick_until
        from jobs.serve import Service
        from jobs.workers.worker import check_store

        if no_work:
            check_store(app)
        app.store.ledger.prepare_queue()
        service = Service(
            app, utc_now, lease=timedelta(seconds=lease), stop=stop, works=not no_work
        )
        check_config(app.config)
        service.warn_of_channels()
        service.warm()
        log.info("serving '%s': %s", app.config.watch.title, service.outlook())
        try:
            if once:
                service.run_due()
                service.stir()
                service.ring()
                service.send()
                service.audit_due()
            else:
                tick_until(
                    service.stop,
                    service.reload,
                    service.run_due,
                    service.share,
                    service.ring,
                    service.refresh,
                    service.beat,
                    service.audit_due,
                    quick=(service.stir, service.send),
                )
                log.info("stopped")
        finally:
            service.close()
    if as_json:
        names = ("slots", "units", "estimates", "audits", "messages", "sent", "retried", "dead")
        print_json({"schema_version": 1} | {name: service.tally[name] for name in names})
    if once and service.failure is not None:
        click.get_current_context().exit(getattr(service.failure, "exit_code", 1))
