"""What is asked of a backtest: tasks from tasks.json, from TOML, or from flags.

    kind | definition           the event           horizon_days | horizon_hours | horizon
    freq | every                MS, 6h, 7D, "2 weeks"    quiet_days, units, train_start
    score_start, score_end      of the origins      data_end     of what is known
    at_risk                     there at all: from a unit's first row to its event or last row
    level_tags, refit           yearly, quarterly, monthly or never

A bare date is a UTC day, and an end lies at that day's end. What flags say goes first.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

from forecast.backtest import BacktestTask, Refit
from forecast.clock import parse_instant
from forecast.errors import ConfigError, UsageError
from forecast.names import did_you_mean
from forecast.words import parse_days
from jobs.backtest.origins import LEAST_STEP, step_of

ALIASES = {"kind": "definition", "freq": "every", "horizon_days": "horizon"}
KEYS = (
    "definition", "horizon", "horizon_hours", "every", "score_start", "score_end", "data_end",
    "train_start", "quiet_days", "units", "at_risk", "level_tags", "refit", "model",
)  # fmt: skip
ALWAYS = ("", "always", "false")
YEARS = range(1000, 9000)  # so that steps from them stay within the calendar
LONGEST_NAME = 200

type Told = Mapping[str, Any]


def read_tasks(path: Path) -> dict[str, Told]:
    """What a file says of each task, by name; ConfigError where it says nothing of any."""
    try:
        data = path.read_bytes()
        is_toml = path.suffix == ".toml"
        found = tomllib.loads(data.decode()) if is_toml else json.loads(data)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", at=str(path)) from None
    except (ValueError, RecursionError) as error:
        words = "TOML" if path.suffix == ".toml" else "JSON"
        raise ConfigError(f"is not {words}: {error}", at=str(path)) from None
    if isinstance(found, dict) and isinstance(found.get("tasks"), dict):
        found = found["tasks"]
    if not isinstance(found, dict) or not all(isinstance(told, dict) for told in found.values()):
        raise ConfigError("holds no tables of tasks by their names", at=str(path))
    if not found:
        raise ConfigError("names no task", at=str(path))
    return found


def chosen(told: Mapping[str, Told], names: tuple[str, ...]) -> dict[str, Told]:
    """The tasks of some names, or all; UsageError for a name that is not there."""
    for name in names:
        if name not in told:
            raise UsageError(f"there is no task '{name}'{did_you_mean(name, list(told))}")
    return {name: told[name] for name in names or told}


def task_of(name: str, told: Told, flags: Told, place: str) -> BacktestTask:
    """One task from what a file says of it and what flags say; ConfigError names the key."""
    at = f"{place}: {name}"
    if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        words = f"the name of a task has 1 to {LONGEST_NAME} characters that can be printed"
        raise ConfigError(words, at=place)
    keys = _canonical(told, at) | _canonical(flags, at)
    for key in ("definition", "horizon", "score_start"):
        if key not in keys:
            raise ConfigError(f"{key} is missing", at=at)
    reader = _Reader(keys, at)
    data_end = reader.end("data_end", "score_end")
    task = BacktestTask(
        name=name,
        definition=str(keys["definition"]),
        horizon_days=reader.days("horizon"),
        every=reader.every(),
        score_start=reader.start("score_start"),
        score_end=reader.end("score_end", "data_end"),
        data_end=data_end,
        train_start=reader.start("train_start") if "train_start" in keys else None,
        quiet_days=reader.days("quiet_days") if "quiet_days" in keys else 0.0,
        units=reader.one_of("units", ("seen", "all")),  # type: ignore[arg-type]
        at_risk="always" if _word(keys.get("at_risk")) in ALWAYS else "until-event",
        level_tags=reader.names("level_tags"),
        refit=reader.refit(),
        model=str(keys.get("model", "pool")),
    )
    if task.train_start and task.train_start >= task.score_start:
        words = "is not before score_start: the first forecasts would have nothing to learn from"
        raise ConfigError(words, at=f"{at}.train_start")
    return task


def unread(name: str, told: Told, place: str) -> Iterator[str]:
    """What a file says of a task under keys that are not ours, each as a finding."""
    known = (*KEYS, *ALIASES)
    for key in told:
        if key not in known:
            near = did_you_mean(key, known)
            yield f"{place}: {name}: '{key}' is not a key, and was not read{near}"


def _canonical(told: Told, at: str) -> dict[str, Any]:
    """The keys under their own names, those that are not ours aside; hours as days."""
    keys = {ALIASES.get(key, key): value for key, value in told.items()}
    if "horizon_hours" in keys:
        try:
            keys.setdefault("horizon", float(keys["horizon_hours"]) / 24)
        except (TypeError, ValueError, OverflowError):
            raise ConfigError("is not a number of hours", at=f"{at}.horizon_hours") from None
    return {k: value for k, value in keys.items() if k in KEYS and value not in (None, "")}


def _word(value: Any) -> str:
    return "" if value is None else str(value).strip().lower()


class _Reader:
    """The values of a task's keys, each mistake with its place."""

    def __init__(self, keys: Told, at: str) -> None:
        self._keys, self._at = keys, at

    def start(self, key: str) -> datetime:
        """The first moment of a day, or the moment that is said."""
        return self._instant(key, end_of_day=False)

    def end(self, *keys: str) -> datetime:
        """The last moment of a day; of several keys the first that is there."""
        for key in keys:
            if key in self._keys:
                return self._instant(key, end_of_day=True)
        raise ConfigError(f"{' or '.join(keys)} is missing", at=self._at)

    def days(self, key: str) -> float:
        """A number of days, or words such as "30 days"."""
        value = self._keys[key]
        try:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            found = float(value) if is_number else _days(str(value))
        except OverflowError:
            raise self._wrong(key, "is not a length of time") from None
        except ValueError as error:
            raise self._wrong(key, str(error)) from None
        least = LEAST_STEP if key == "horizon" else 0.0
        if not least <= found < float("inf"):
            raise self._wrong(key, f"{value} is not a length of time")
        return found

    def every(self) -> str:
        """How often: as it is written."""
        words = str(self._keys.get("every", "MS"))
        try:
            step_of(words)
        except ValueError as error:
            raise self._wrong("every", str(error)) from None
        return words

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of some words, the first where nothing is said."""
        word = _word(self._keys.get(key, allowed[0]))
        if word not in allowed:
            raise self._wrong(key, f"'{word}' is not {' or '.join(allowed)}")
        return word

    def refit(self) -> Refit:
        """The first word: "yearly, on earlier years" is yearly."""
        words = _word(self._keys.get("refit", "yearly"))
        for refit in get_args(Refit):
            if words.split(",")[0].split(" ")[0] == refit:
                return refit  # type: ignore[no-any-return]
        raise self._wrong("refit", f"'{words}' is not {', '.join(get_args(Refit))}")

    def names(self, key: str) -> tuple[str, ...] | None:
        """A list of names; None where nothing is said."""
        value = self._keys.get(key)
        if value is None:
            return None
        if not isinstance(value, list | tuple):
            raise self._wrong(key, "is not a list of names")
        return tuple(str(name) for name in value)

    def _instant(self, key: str, *, end_of_day: bool) -> datetime:
        value = self._keys[key]
        text = value.isoformat() if isinstance(value, date) else str(value)
        try:
            found = parse_instant(text, end_of_day=end_of_day)
        except ValueError as error:
            raise self._wrong(key, str(error)) from None
        if found.year not in YEARS:
            raise self._wrong(key, f"{text} is not of the years {YEARS[0]} to {YEARS[-1]}")
        return found

    def _wrong(self, key: str, words: str) -> ConfigError:
        return ConfigError(words, at=f"{self._at}.{key}")


def _days(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        return parse_days(words)
