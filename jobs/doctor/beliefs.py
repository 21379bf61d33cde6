"""What watch.toml believes, and when it is asked: definitions, schedules, quiet hours."""

from collections.abc import Iterator
from datetime import datetime

from forecast.clock import format_instant
from forecast.config import Config
from forecast.errors import TocsinError
from forecast.names import matches
from jobs.findings import Finding, Level
from jobs.preflight import check_definition, roots
from jobs.scheduler import next_slot


def definitions(config: Config) -> Iterator[Finding]:
    """Whether their words make priors that their models take."""
    names = roots(config)
    if not names:
        yield Finding("definitions", Level.WARN, "there are none", "add one to watch.toml")
    for name in names:
        try:
            check_definition(config, name)
        except TocsinError as error:
            mend = f"mend it in [definitions.{name}]"
            yield Finding(f"definition {name}", Level.FAIL, str(error), mend)
        else:
            detail = f"model {config.definitions[name].model}"
            yield Finding(f"definition {name}", Level.OK, detail)


def schedules(config: Config, now: datetime) -> Iterator[Finding]:
    """When each of them comes next."""
    if not config.schedules:
        detail = "there are none: `tocsin serve` updates nothing"
        yield Finding("schedules", Level.WARN, detail, "add [[schedules]] to watch.toml")
    for schedule in config.schedules:
        name = f"schedule {schedule.id}"
        try:
            upcoming = next_slot(schedule, now)
        except TocsinError as error:
            yield Finding(name, Level.FAIL, str(error), "five fields: '0 6 * * *' is daily at six")
            continue
        if upcoming is None:
            yield Finding(name, Level.WARN, f"'{schedule.words}' never comes", "mend its cron line")
        else:
            yield Finding(name, Level.OK, f"next slot {format_instant(upcoming)}")


def quiet_hours(config: Config) -> Iterator[Finding]:
    """Quiet hours of channels that there are not."""
    for quiet in config.quiet:
        for pattern in quiet.channels:
            if not any(matches(table.id, [pattern]) for table in config.channels):
                known = ", ".join(table.id for table in config.channels) or "none"
                mend = f"name channels that there are: {known}"
                yield Finding(f"quiet {quiet.id}", Level.WARN, f"no channel fits '{pattern}'", mend)
