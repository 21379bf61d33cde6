"""The examination of a set-up: one finding for each thing looked at, and how to mend it.

A module a subject. Nothing is changed by looking; only `warm` compiles, and `send` sends.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from forecast.errors import TocsinError
from forecast.watch import FILE_NAME, load_watch
from jobs.doctor import beliefs, cache, channels, folders, program, store
from jobs.findings import Finding, Level


def examine(
    folder: Path, now: datetime, *, send: bool = False, warm: bool = False
) -> Iterator[Finding]:
    """Everything from the interpreter to the channels.

    With `send`, a trial message on each; with `warm`, the models are compiled.
    """
    yield from program.program()
    yield from cache.cache(warm=warm)
    try:
        watch = load_watch(folder)
    except TocsinError as error:
        yield Finding(FILE_NAME, Level.FAIL, str(error), "mend what it names; the rest waits")
        return
    yield Finding(FILE_NAME, Level.OK, f"'{watch.config.watch.title}'")
    yield from folders.watch_folder(watch, now)
    yield from beliefs.definitions(watch.config)
    yield from beliefs.schedules(watch.config, now)
    yield from store.store(watch, now)
    yield from channels.channels(watch, now, send=send)
    yield from beliefs.quiet_hours(watch.config)
    yield from channels.heartbeat(watch.config)
