"""What a row says: from the named cells of a CSV or JSONL row to a fact, or why not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from forecast.clock import format_instant, parse_instant
from forecast.errors import InputError, UsageError
from forecast.evidence import CrowdForecast, Event, Outcome, Report, Resolution
from forecast.question import Question
from forecast.store.facts import digest
from forecast.words import parse_percent

type Cells = Mapping[str, str]
type Fact = Report | Event | Question | Resolution | CrowdForecast

# Of questions; a window beyond these is a slip of the pen, and days are counted through it.
FIRST_YEAR, LAST_YEAR = 1800, 2999

# One parse for each date that occurs in a file, not for each row.
_start_of = lru_cache(maxsize=1 << 16)(parse_instant)
_end_of = lru_cache(maxsize=1 << 16)(lambda text: parse_instant(text, end_of_day=True))


@dataclass(frozen=True, slots=True)
class RowKind:
    """The columns of one kind of row, and how a row becomes facts.

    `required` holds groups of which one column must be there; `aliases` are other names of
    columns. `facts(cells, file)` is every fact of a row, its own kind first; ValueError says
    what is wrong with it.
    """

    name: str
    required: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...]
    aliases: Mapping[str, str]
    facts: Callable[[Cells, str], list[Fact]]

    def canonical(self, columns: Iterable[str]) -> list[str]:
        """The columns under their own names."""
        return [self.aliases.get(column, column) for column in columns]

    def known(self) -> set[str]:
        """All columns that are read."""
        return {name for group in self.required for name in group} | set(self.optional)

    def ignored(self, columns: Iterable[str]) -> list[str]:
        """The columns that are not read."""
        known = self.known() | set(self.aliases)
        return [column for column in columns if column and column not in known]

    def missing(self, columns: Iterable[str]) -> list[str]:
        """The columns that a header lacks, alternatives as "occurred_at or known_at"."""
        there = set(self.canonical(columns))
        return [" or ".join(group) for group in self.required if there.isdisjoint(group)]


def find_kind(name: str | None, columns: list[str], file: str) -> RowKind:
    """The kind of that name, or the one that the columns speak of.

    Of several that fit, the one that needs most columns; UsageError where that is not one.
    """
    if name is not None:
        if name not in KINDS:
            raise UsageError(f"there is no kind of row '{name}': it is {_or(KINDS)}")
        return KINDS[name]
    fitting = [kind for kind in KINDS.values() if not kind.missing(columns)]
    most = max((len(kind.required) for kind in fitting), default=0)
    best = [kind for kind in fitting if len(kind.required) == most]
    if len(best) == 1:
        return best[0]
    why = f"may hold {_or(kind.name for kind in best)}" if best else "has columns of no kind"
    raise UsageError(f"{why}; say which it is: {_or(KINDS)}", at=file)


def check_columns(kind: RowKind, columns: list[str], file: str) -> None:
    """InputError where a header lacks a column or says one twice."""
    if missing := kind.missing(columns):
        raise InputError(f"lacks the column {', '.join(missing)} ({kind.name})", at=f"{file}:1")
    names = kind.canonical(columns)
    for name in kind.known():
        if names.count(name) > 1:
            raise InputError(f"has the column {name} twice", at=f"{file}:1")


def _or(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _report(cells: Cells, file: str) -> list[Fact]:
    occurred_at, known_at = _both_times(cells)
    stated: dict[str, Any] = {
        "unit": cells["unit"],
        "tag": cells["tag"],
        "occurred_at": occurred_at,
        "known_at": known_at,
        "incident_id": cells["incident_id"],
        "value": _number(cells["value"], "value") if cells["value"] else 1.0,
        "source": cells["source"],
        "origin": cells["origin"],
        "reliability": cells["reliability"].upper() or "F",
        "credibility": _grade(cells["credibility"]) if cells["credibility"] else 6,
        "url": cells["url"],
        "summary": cells["summary"],
    }
    return [Report(cells["report_id"] or _name_of("r", stated), **stated)]


def _event(cells: Cells, file: str) -> list[Fact]:
    occurred_at, known_at = _both_times(cells)
    stated: dict[str, Any] = {
        "unit": cells["unit"],
        "definition": cells["definition"],
        "occurred_at": occurred_at,
        "known_at": known_at,
        "summary": cells["summary"],
        "url": cells["url"],
    }
    return [Event(cells["event_id"] or _name_of("e", stated), **stated)]


def _name_of(letter: str, stated: Mapping[str, Any]) -> str:
    """An id for a fact that came without: the same content, the same id."""
    return f"{letter}-{digest(stated.values())}"


def _question(cells: Cells, file: str) -> list[Fact]:
    question = Question(
        question_id=cells["question_id"],
        title=cells["title"],
        unit=cells["unit"],
        definition=cells["definition"],
        opens_at=_start(cells["opens_at"], "opens_at"),
        deadline=_end(cells["deadline"], "deadline"),
        resolution_criteria=cells["resolution_criteria"],
        notes=cells["notes"],
    )
    if question.opens_at.year < FIRST_YEAR:
        raise ValueError(f"opens_at: {question.opens_at.date()} is before the year {FIRST_YEAR}")
    if question.deadline.year > LAST_YEAR:
        raise ValueError(f"deadline: {question.deadline.date()} is after the year {LAST_YEAR}")
    if cells["resolution"].lower() in ("", "open"):
        return [question]
    outcome = _outcome(cells["resolution"], "resolution", "yes, no, void or open")
    known_at = _end(cells["resolved_at"], "resolved_at")
    return [question, Resolution(question.question_id, outcome, known_at, f"stated in {file}")]


def _crowd(cells: Cells, file: str) -> list[Fact]:
    return [
        CrowdForecast(
            question_id=cells["question_id"],
            at=_end(cells["at"], "at"),
            probability=parse_percent(cells["probability"]),
            source=cells["source"],
            url=cells["url"],
            note=cells["note"],
        )
    ]


def _resolution(cells: Cells, file: str) -> list[Fact]:
    if not cells["question_id"]:
        raise ValueError("question_id is empty")
    outcome = _outcome(cells["outcome"], "outcome", "yes, no or void")
    known_at = _end(cells["known_at"], "known_at")
    reason = cells["reason"] or f"stated in {file}"
    return [Resolution(cells["question_id"], outcome, known_at, reason)]


def _both_times(cells: Cells) -> tuple[datetime, datetime]:
    """occurred_at and known_at; where one is not given, it is the other.

    A bare date stands for its first second in occurred_at and its last in known_at.
    """
    occurred_text = cells["occurred_at"] or cells["known_at"]
    occurred_at = _start(occurred_text, "occurred_at")
    known_at = _end(cells["known_at"] or occurred_text, "known_at")
    if known_at < occurred_at:
        if not _is_day_of(cells["known_at"], occurred_at):
            raise ValueError(
                f"known before it occurred: known_at {format_instant(known_at)}, "
                f"occurred_at {format_instant(occurred_at)}"
            )
        known_at = occurred_at  # in the last second of a day that was given as a date
    return occurred_at, known_at


def _is_day_of(text: str, instant: datetime) -> bool:
    return text == instant.date().isoformat()


def _start(text: str, name: str) -> datetime:
    return _instant(_start_of, text, name)


def _end(text: str, name: str) -> datetime:
    return _instant(_end_of, text, name)


def _instant(parse: Callable[[str], datetime], text: str, name: str) -> datetime:
    if not text:
        raise ValueError(f"{name} is empty")
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _number(text: str, name: str) -> float:
    try:
        return float(text.replace("_", "x"))  # Python alone reads 0_5 as a number
    except ValueError:
        raise ValueError(f"{name} '{text}' is not a number") from None


def _grade(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5", "6"):
        raise ValueError(f"credibility '{text}' is not a grade from 1 to 6")
    return int(text)


def _outcome(text: str, name: str, words: str) -> Outcome:
    try:
        return Outcome(text.lower())
    except ValueError:
        raise ValueError(f"{name} '{text}' is not {words}") from None


_TIMES = {"observed_at": "occurred_at", "published_at": "known_at"}
_EITHER_TIME = ("occurred_at", "known_at")

KINDS = {
    kind.name: kind
    for kind in (
        RowKind(
            "reports",
            (("unit",), ("tag",), _EITHER_TIME),
            ("report_id", "incident_id", "value", "source", "origin", "reliability")
            + ("credibility", "url", "summary"),
            _TIMES,
            _report,
        ),
        RowKind(
            "events",
            (("unit",), ("definition",), _EITHER_TIME),
            ("event_id", "summary", "url"),
            _TIMES | {"kind": "definition"},
            _event,
        ),
        RowKind(
            "questions",
            (
                ("question_id",),
                ("title",),
                ("unit",),
                ("definition",),
                ("opens_at",),
                ("deadline",),
            ),
            ("resolution_criteria", "notes", "resolution", "resolved_at"),
            {"kind": "definition"},
            _question,
        ),
        RowKind(
            "crowd",
            (("question_id",), ("at",), ("probability",), ("source",)),
            ("url", "note"),
            {},
            _crowd,
        ),
        RowKind(
            "resolutions",
            (("question_id",), ("outcome",), ("known_at",)),
            ("reason",),
            {"resolution": "outcome", "resolved_at": "known_at"},
            _resolution,
        ),
    )
}
