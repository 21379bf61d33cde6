"""A new watch folder: ours to begin with, or a copy of an example."""

import os
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from forecast.errors import OutsideError, UsageError

TEMPLATES = Path(__file__).parent / "templates"
FACTS = ("questions.csv", "reports.csv", "events.csv", "crowd.csv")
_DAY = re.compile(r"@([+-]\d+)\b")


def copy_watch(source: Path, folder: Path, now: datetime) -> list[Path]:
    """Copy the files of a watch and return those made; `@-20` in them is 20 days before `now`.

    UsageError where any of them is there already: nothing is overwritten.
    """
    files = (path for path in source.iterdir() if path.is_file())
    sources = sorted(files, key=lambda path: (path.suffix != ".toml", path.name))
    for path in sources:
        if os.path.lexists(folder / path.name):  # a link that leads nowhere is there, too
            raise UsageError("is there already; nothing was written", at=str(folder / path.name))
    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in sources:
            made.append(_copy(path, folder / path.name, now, is_template=source == TEMPLATES))
    except OSError as error:
        words = f"cannot be written: {error.strerror}"
        raise OutsideError(words, at=str(error.filename or folder)) from None
    return made


def next_commands(folder: Path, made: list[Path]) -> list[str]:
    """What to type next, in this order, wherever one is."""
    facts = [name for name in FACTS if folder / name in made]
    go = [] if folder == Path() else [f"cd {_quoted(folder)}"]
    return [*go, f"tocsin ingest {' '.join(facts)}", "tocsin update", "tocsin report"]


def _copy(source: Path, target: Path, now: datetime, *, is_template: bool) -> Path:
    if not (is_template and source.suffix == ".csv"):
        with source.open("rb") as facts, target.open("xb") as copy:
            shutil.copyfileobj(facts, copy)
        return target

    def day(found: re.Match[str]) -> str:
        return (now + timedelta(days=int(found[1]))).date().isoformat()

    with target.open("x", encoding="utf-8") as file:
        file.write(_DAY.sub(day, source.read_text(encoding="utf-8")))
    return target


def _quoted(path: Path) -> str:
    from shlex import quote

    return quote(str(path))
