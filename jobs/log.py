"""The log: every record of `logging` as one line on stderr, plain or JSON, with what it is about.

Code says `logging.getLogger(__name__)` and knows nothing of this. What a line is about travels
beside it: `bound` names the run, the track or the request of all that is said within, and a
single record may carry ids of its own, `extra={"delivery": ...}`, which is how the packages that
may not import this one say theirs. structlog, which takes a seventh of a second to import, comes
with `start_log`; before that there is nothing to bind to.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from forecast.clock import format_instant

type Form = Literal["plain", "json"]
type Line = MutableMapping[str, Any]

FORMS: tuple[Form, ...] = ("plain", "json")
LEVELS = ("debug", "info", "warning", "error")
OURS = ("forecast", "models", "alerts", "jobs")
IDS = ("run", "question", "track", "delivery", "channel", "request", "source", "worker")


class Settings(NamedTuple):
    """How the log is written; worker processes are given those of their parent."""

    form: Form = "plain"
    level: str = "info"


_started: Settings | None = None


def start_log(form: Form = "plain", level: str = "info") -> logging.Logger:
    """Write to stderr, in UTC, what ours say from `level` on, and warnings of everybody else.

    No lower than that for theirs, whatever is asked: a library that is debugged says addresses.
    """
    global _started
    from structlog.contextvars import merge_contextvars
    from structlog.stdlib import ExtraAdder, ProcessorFormatter

    written = _as_json if form == "json" else _as_words
    formatter = ProcessorFormatter(
        processors=[written], foreign_pre_chain=[merge_contextvars, ExtraAdder(allow=IDS)]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
    # it warns twice a second for as long as a slot takes
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    _started = Settings(form, level)
    return logging.getLogger("jobs")


def log_settings() -> Settings | None:
    """Those of `start_log`; None where it was not called."""
    return _started


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Every line that this thread says within carries `ids`, such as run="daily@2025-11-29"."""
    if _started is None:
        yield
        return
    from structlog.contextvars import bound_contextvars

    with bound_contextvars(**ids):
        yield


def carried[Item, Done](work: Callable[[Item], Done]) -> "Callable[[Item], Done]":
    """`work`, whose lines in another process carry what is bound here now."""
    if _started is None:
        return work
    from structlog.contextvars import get_contextvars

    return _Carried(work, get_contextvars())


@dataclass(frozen=True, slots=True)
class _Carried[Item, Done]:
    work: Callable[[Item], Done]
    ids: Mapping[str, Any]

    def __call__(self, item: Item) -> Done:
        with bound(**self.ids):
            return self.work(item)


def _as_words(_logger: object, _method: str, line: Line) -> str:
    """`instant LEVEL words key=value`, a traceback and all on one line."""
    record: logging.LogRecord = line.pop("_record")
    words = [_instant_of(record), record.levelname, str(line.pop("event")), *_error_of(line)]
    return _plain(" ".join([*words, *(f"{key}={_quoted(value)}" for key, value in _ids(line))]))


def _as_json(_logger: object, _method: str, line: Line) -> str:
    """One object in ASCII: nothing in it can steer a terminal, even once it is decoded."""
    record: logging.LogRecord = line.pop("_record")
    said = {
        "at": _instant_of(record),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _plain(str(line.pop("event"))),
    }
    for error in _error_of(line):
        said["error"] = "\n".join(_plain(part) for part in error.splitlines())
    return json.dumps(said | {key: _plain(str(value)) for key, value in _ids(line)})


def _instant_of(record: logging.LogRecord) -> str:
    return format_instant(datetime.fromtimestamp(int(record.created), UTC))


def _error_of(line: Line) -> list[str]:
    """The traceback of an exception, where the record has one."""
    found = line.pop("exc_info", None)
    return [logging.Formatter().formatException(found)] if found else []


def _ids(line: Line) -> list[tuple[str, Any]]:
    """In one order, whatever the order in which they were bound."""
    known = [key for key in IDS if key in line]
    others = sorted(key for key in line if key not in IDS and not key.startswith("_"))
    return [(key, line[key]) for key in [*known, *others]]


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' "=') else text


def _plain(words: str) -> str:
    """On one line, spaced as they are, without what commands a terminal."""
    from forecast.reports.phrases import clean

    return " ".join(clean(word) for word in words.split(" "))
