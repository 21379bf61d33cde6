"""A watched folder: each file of rows is taken in once, by its content, and stays where it is.

A file is taken once it looks the same at two looks in a row, so that one that is still being
written waits. Names that begin with a dot are passed over: write `.new.csv`, then rename it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

from forecast.errors import ConfigError, InputError
from jobs.sources.api import Batch, Cursor, Setup, Traits

ENDINGS = (".csv", ".jsonl", ".ndjson", ".csv.gz", ".jsonl.gz", ".ndjson.gz")
MOST_FILES = 10_000  # that are looked at


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a folder. The cursor holds, of each that is there, its stamp and its digest."""

    setup: Setup
    traits = Traits(needs_url=False)

    def pull(self, cursor: Cursor, now: datetime) -> Iterator[Batch]:
        """One batch a new file, the last with what waits; InputError where there is no folder."""
        found = _listed(self._path())
        before: dict[str, Any] = dict(cursor.get("files", {}))
        kept = {name: before[name] for name in found if name in before}
        done = {entry[2] for entry in kept.values() if entry[2]}
        troubles = []
        for name, path in found.items():
            try:
                stamp = _stamp(path)
                entry = kept.get(name)
                if entry and entry[:2] == stamp and entry[2]:
                    continue
                if not entry or entry[:2] != stamp:
                    kept[name] = [*stamp, ""]  # it may still be written
                    continue
                digest = _digest(path)
            except OSError as error:
                kept.pop(name, None)
                troubles.append(f"{name} cannot be read: {error.strerror}")
                continue
            kept[name] = [*stamp, digest]
            if digest not in done:
                done.add(digest)
                yield Batch({"files": dict(kept)}, files=[path], more=True)
        yield Batch({"files": kept}, remark="; ".join(troubles[:3]))

    def _path(self) -> Path:
        table = self.setup.table
        if not table.folder:
            raise ConfigError("a source of kind folder needs a folder", at=f"sources.{table.id}")
        return self.setup.folder / Path(table.folder).expanduser()


def _listed(folder: Path) -> dict[str, Path]:
    """The files by name, in order."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"the folder cannot be read: {error.strerror}") from None
    files = [
        path
        for path in entries
        if path.name.lower().endswith(ENDINGS) and not path.name.startswith(".") and path.is_file()
    ]
    if len(files) > MOST_FILES:
        raise InputError(f"the folder holds more than {MOST_FILES:,} files; move old ones away")
    return {path.name: path for path in files}


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "blake2b").hexdigest()[:32]
