"""`tocsin schedules run`: run a schedule now, as a slot of its own."""

from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, print_json, say


@click.command("run")
@click.argument("schedule")
@common
def command(schedule: str, folder: Path, as_json: bool) -> None:
    """Run SCHEDULE here and now, paused or not: a slot of its own, as of this moment.

    It rings as any other run does; who serves sends the messages. It is refused, with exit code
    3, while a run of it is under way. The exit code is that of what failed.
    """
    from jobs.app import open_app
    from jobs.decisions import Updated
    from jobs.notify import form_due
    from jobs.preflight import check_config
    from jobs.schedules import run_now

    with open_app(folder) as app:
        check_config(app.config)
        done = run_now(app, schedule, utc_now)
        form_due(app, utc_now())
    failures = [str(failure) for failure in done.failures]
    if isinstance(done, Updated):
        counts = {"estimates": len(done.estimates), "notices": len(done.notices)}
    else:
        counts = {"audits": len(done.audits)}
    if as_json:
        body = {"schedule": schedule, **counts, "failures": failures}
        print_json({"schema_version": 1} | body)
    else:
        say(f"{schedule}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        for failure in failures:
            say(failure)
    if done.failures:
        click.get_current_context().exit(done.failures[0].exit_code)
