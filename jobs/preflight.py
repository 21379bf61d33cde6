"""What is looked at before anything runs: schedules, channels, beliefs and model families.

Each check raises ConfigError with the key that is wrong. Nothing is sent.
"""

from datetime import datetime
from pathlib import Path

from alerts.facts import test_facts
from alerts.registry import kind_of, open_channel
from forecast.alert_tables import ChannelTable
from forecast.config import Config
from forecast.errors import ConfigError
from forecast.watch import Watch
from jobs.digests import check_digest
from jobs.scheduler import check_schedule
from jobs.sources.registry import check_table
from models.priors.beliefs import beliefs_of
from models.registry import family


def check_config(config: Config) -> None:
    """Everything in watch.toml that would only show when it is used, but for secrets."""
    for schedule in config.schedules:
        check_schedule(schedule)
    for table in config.channels:
        kind_of(table)
    for digest in config.digests:
        check_digest(config, digest)
    for source in config.sources:
        check_table(source)
    for root in roots(config):
        check_definition(config, root)


def unready_channels(watch: Watch, now: datetime) -> list[ConfigError]:
    """Why channels cannot send now; their messages wait, and nobody else's do."""
    found = []
    for table in watch.config.channels:
        try:
            check_channel(table, watch.folder, now)
        except ConfigError as error:
            found.append(error)
    return found


def check_channel(table: ChannelTable, folder: Path, now: datetime) -> None:
    """Its kind is installed, its secrets are there, and it can write a message."""
    open_channel(table, folder=folder).request(test_facts(table.id, now), "msg_check", now)


def check_definition(config: Config, root: str) -> None:
    """Its words make a prior, and its model family is installed, with those that it pools."""
    beliefs = beliefs_of(config, root)
    family(beliefs.model).model_hash(beliefs)


def roots(config: Config) -> list[str]:
    """The definitions that stand by themselves, each with a model of its own."""
    return [name for name, table in config.definitions.items() if table.within is None]
