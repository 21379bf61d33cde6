"""Backups by name: where one goes, how many are kept, and when the last one was made.

When is noted in the watch folder, for `tocsin doctor`; the file itself may have gone elsewhere.
"""

import json
import re
from datetime import datetime
from pathlib import Path

from forecast.clock import format_instant, parse_instant
from forecast.errors import OutsideError, UsageError
from forecast.store.backup import Backup, back_up

NOTE = "last-backup.json"
_NAME = re.compile(r"tocsin-\d{8}T\d{6}Z\.(db|dump)")


def make_backup(url: str, place: Path, now: datetime, keep: int | None = None) -> Backup:
    """Back the store up to a file, or into a folder, where it gets a name of its own.

    Of those in the folder the newest `keep` stay, this one with them, once it is verified.
    """
    if not place.is_dir():
        if keep is not None:
            words = "--keep counts the backups of a folder, and this is none; make it beforehand"
            raise UsageError(words, at=str(place))
        if not place.parent.is_dir():
            raise OutsideError("there is no such folder", at=str(place.parent))
        return back_up(url, place)
    kind = "db" if url.startswith("sqlite") else "dump"
    made = back_up(url, place / f"tocsin-{stamp_of(now)}.{kind}")
    if keep is not None:
        for old in backups_in(place)[keep:]:
            old.unlink()
    return made


def backups_in(folder: Path) -> list[Path]:
    """The backups that were named here, the newest first; other files are none of ours."""
    return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name)), reverse=True, key=_age)


def stamp_of(now: datetime) -> str:
    """A moment as part of a name, to the second."""
    return f"{now:%Y%m%dT%H%M%SZ}"


def note_backup(folder: Path, made: Backup, now: datetime) -> None:
    """Remember in the watch folder that there is a backup; OSError where it is not writable."""
    text = json.dumps({"at": format_instant(now), "file": str(made.path.resolve())})
    (folder / NOTE).write_text(text + "\n", encoding="utf-8")


def last_backup(folder: Path) -> tuple[datetime, str] | None:
    """When the last backup was made, and which file it was; None where nobody knows."""
    try:
        noted = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return parse_instant(noted["at"]), str(noted["file"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _age(path: Path) -> str:
    return path.name.split(".")[0]
