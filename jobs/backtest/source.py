"""Where tasks and facts come from: a folder, files that flags name, or both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast.backtest import BacktestTask
from forecast.errors import UsageError
from forecast.names import did_you_mean
from forecast.panel_table import PanelTable
from jobs.backtest.files import read_panel
from jobs.backtest.origins import from_days, to_days
from jobs.backtest.packing import pack_facts
from jobs.backtest.tasks import chosen, read_tasks, task_of, unread
from models.panel.facts import Facts

TASK_FILES = ("tasks.json", "backtest.toml")
ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
LONG = 60.0  # days without a fact, after which the data may have ended
FROM_FLAGS = "backtest"  # the name of a task that no file names


@dataclass(frozen=True, slots=True)
class Files:
    """The files of facts; what is not named is looked for in the folder of the tasks."""

    events: Path | None = None
    indicators: Path | None = None
    exposure: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Tasks, the facts that all of them are about, and what was found in reading them."""

    tasks: tuple[BacktestTask, ...]
    packed: bytes
    findings: tuple[str, ...]

    def with_settings(self, settings: PanelTable) -> "Source":
        """The same, with a panel that is learnt so."""
        return replace(self, tasks=tuple(replace(task, settings=settings) for task in self.tasks))


def from_files(
    place: Path | None, names: tuple[str, ...], files: Files, flags: Mapping[str, Any]
) -> Source:
    """The tasks of a folder (or of its file of tasks) and the facts beside it.

    `flags` say what the file does not, or otherwise. Without `place` they say all.
    """
    tasks_file = _tasks_file(place)
    folder = tasks_file.parent if tasks_file else place
    told = read_tasks(tasks_file) if tasks_file else {FROM_FLAGS: {}}
    at = tasks_file.name if tasks_file else "flags"
    mine = chosen(told, names)
    tasks = tuple(task_of(name, t, flags, at) for name, t in mine.items())
    events = files.events or _find(folder, ("events",))
    if events is None:
        raise UsageError("which events? Give a folder that holds events.csv, or --events FILE")
    read = read_panel(
        events,
        files.indicators or _find(folder, ("indicators", "reports")),
        files.exposure or _find(folder, ("exposure",)),
    )
    _check_kinds(tasks, read.facts, events.name)
    unknown = (words for name, t in mine.items() for words in unread(name, t, at))
    silent = (*_silent_ends(tasks, read.facts), *_silent_levels(tasks, read.facts))
    return Source(tasks, pack_facts(read.facts), (*read.findings, *unknown, *silent))


def _check_kinds(tasks: tuple[BacktestTask, ...], facts: Facts, file: str) -> None:
    """UsageError where no event is of the kind that a task asks for: mostly a typing error."""
    for task in tasks:
        if task.definition not in facts.kinds:
            kind = task.definition
            words = f"no event in {file} is of the kind '{kind}'{did_you_mean(kind, facts.kinds)}"
            raise UsageError(words, at=task.name)


def _silent_ends(tasks: tuple[BacktestTask, ...], facts: Facts) -> Iterator[str]:
    """Tasks whose facts end long before they say: what is missing scores as what did not happen."""
    last = max(float(s.occurred.max(initial=-np.inf)) for s in (facts.events, facts.indicators))
    for task in tasks:
        if np.isfinite(last) and to_days(task.data_end) - last > max(task.horizon_days, LONG):
            yield (
                f"the newest fact is of {from_days(last):%Y-%m-%d}, and data_end of {task.name} is "
                f"{task.data_end:%Y-%m-%d}: windows after it count as windows without an event"
            )


def _silent_levels(tasks: tuple[BacktestTask, ...], facts: Facts) -> Iterator[str]:
    """Level tags of tasks of which there is no row."""
    for task in tasks:
        for tag in task.level_tags or ():
            if tag not in facts.tags:
                near = did_you_mean(tag, facts.tags)
                yield f"{task.name}: there is no row of the level tag '{tag}'{near}"


def _tasks_file(place: Path | None) -> Path | None:
    if place is None:
        return None
    if place.is_file():
        return place
    if not place.is_dir():
        raise UsageError("there is no such folder, nor such a file of tasks", at=str(place))
    return next((place / name for name in TASK_FILES if (place / name).is_file()), None)


def _find(folder: Path | None, stems: tuple[str, ...]) -> Path | None:
    """The first file of one of these names in a folder."""
    if folder is None:
        return None
    names = (folder / f"{stem}{ending}" for stem in stems for ending in ENDINGS)
    return next((path for path in names if path.is_file()), None)
