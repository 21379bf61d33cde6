"""Channels, and who notices that nobody is there any more to use them."""

import re
from collections.abc import Iterator
from datetime import datetime

from forecast.config import Config
from forecast.errors import TocsinError
from forecast.watch import Watch, resolve_reference
from jobs.findings import Finding, Level
from jobs.preflight import check_channel
from jobs.trial import send_trial


def channels(watch: Watch, now: datetime, *, send: bool) -> Iterator[Finding]:
    """Whether each can send; with `send`, whether a trial message was taken."""
    config = watch.config
    if len(config.channels) == 1:
        detail = "there is one only: if it fails, nobody is told"
        yield Finding("channels", Level.WARN, detail, "`tocsin alerts subscribe` adds another")
    if not config.channels:
        mend = "`tocsin alerts subscribe` adds one"
        yield Finding("channels", Level.WARN, "there are none: nobody is rung", mend)
    for table in config.channels:
        name = f"channel {table.id}"
        try:
            check_channel(table, watch.folder, now)
            if send:
                send_trial(table, now, config.watch.link, folder=watch.folder)
        except TocsinError as error:
            mend = _mend_of(error, f"`tocsin alerts test {table.id}` tries it")
            yield Finding(name, Level.FAIL, str(error), mend)
        else:
            detail = "took a trial message" if send else f"{table.kind}, its secrets are there"
            yield Finding(name, Level.OK, detail)


def heartbeat(config: Config) -> Iterator[Finding]:
    """Who notices that nobody is there any more to notice anything."""
    if config.heartbeat is None:
        if config.channels:
            detail = "there is none: if the service stops, nobody is told"
            mend = "[heartbeat] with the url of a dead-man's switch tells its owner"
            yield Finding("heartbeat", Level.WARN, detail, mend)
        return
    try:
        resolve_reference(config.heartbeat.url, "heartbeat.url")
    except TocsinError as error:
        mend = _mend_of(error, "set what it refers to")
        yield Finding("heartbeat", Level.FAIL, str(error), mend)
    else:
        yield Finding("heartbeat", Level.OK, f"every {config.heartbeat.every}")


def _mend_of(error: TocsinError, otherwise: str) -> str:
    """How to mend a channel: by what is not set, where that is all."""
    unset = re.search(r"the environment variable (\S+) is not set", str(error))
    return f"`export {unset[1]}=...`" if unset else otherwise
