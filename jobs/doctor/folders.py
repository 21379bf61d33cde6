"""Folders and files: room on the disk, who may write, who may read what is secret, backups."""

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from forecast.clock import days_between, format_instant
from forecast.watch import Watch
from jobs.backup import last_backup
from jobs.findings import Finding, Level

LITTLE, TOO_LITTLE = 2_000_000_000, 200_000_000  # bytes
OLD_BACKUP = timedelta(days=2)


def watch_folder(watch: Watch, now: datetime) -> Iterator[Finding]:
    """The folder itself, the files of its secrets, and when it was last backed up."""
    if not os.access(watch.folder, os.W_OK):
        detail = f"{watch.folder.resolve()} cannot be written by this user"
        mend = "`chown` it, unless only others edit watch.toml"
        yield Finding("folder", Level.WARN, detail, mend)
    yield from _secrets(watch)
    yield from _backup(watch, now)


def store_folder(path: Path) -> Iterator[Finding]:
    """SQLite writes its log beside the store, and both need room."""
    if not os.access(path.parent, os.W_OK) or not os.access(path, os.W_OK):
        detail = f"{path} or its folder cannot be written by this user"
        mend = f"`chown` {path.parent} and what is in it"
        yield Finding("store folder", Level.FAIL, detail, mend)
    yield disk(path.parent)
    if path.stat().st_mode & stat.S_IWOTH:
        detail = f"everybody may write {path}"
        yield Finding("store folder", Level.WARN, detail, f"`chmod o-w {path}`")


def disk(folder: Path, room: int | None = None) -> Finding:
    """How much room is left, in bytes; asked of the system where it is not given."""
    free = shutil.disk_usage(folder).free if room is None else room
    detail = f"{free / 1e9:.1f} GB are free at {folder}"
    if free >= LITTLE:
        return Finding("disk", Level.OK, detail)
    level = Level.WARN if free >= TOO_LITTLE else Level.FAIL
    mend = "make room; [retention] keeps the store from growing (`tocsin retention`)"
    return Finding("disk", level, detail, mend)


def _secrets(watch: Watch) -> Iterator[Finding]:
    for name in sorted(set(_files_named(watch.config.model_dump()))):
        try:
            mode = Path(name).expanduser().stat().st_mode
        except (OSError, RuntimeError):
            continue  # whoever needs it says that it is not there
        if mode & (stat.S_IRWXG | stat.S_IRWXO) & ~stat.S_IRGRP:
            detail = f"{name}, which holds a secret, may be read by others ({stat.filemode(mode)})"
            yield Finding("secret", Level.WARN, detail, f"`chmod 600 {name}`")


def _files_named(value: Any) -> Iterator[str]:
    """What stands behind every `file:PATH` in a configuration."""
    if isinstance(value, str):
        if value.startswith("file:"):
            yield value.removeprefix("file:")
    elif isinstance(value, dict):
        for one in value.values():
            yield from _files_named(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _files_named(one)


def _backup(watch: Watch, now: datetime) -> Iterator[Finding]:
    found = last_backup(watch.folder)
    if found is None:
        detail = "nobody has made one with `tocsin backup`"
        yield Finding("backup", Level.WARN, detail, "`tocsin backup FOLDER --keep 7`, once a day")
        return
    at, file = found
    if now - at <= OLD_BACKUP:
        yield Finding("backup", Level.OK, f"of {format_instant(at)} in {file}")
        return
    detail = f"the last one is {days_between(at, now):.0f} days old, {file}"
    yield Finding("backup", Level.WARN, detail, "`tocsin backup` again; see that its timer runs")
