"""What a row says: from the named cells of a CSV or JSONL row to a fact, or why not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from forecast.clock import format_instant
from forecast.errors import InputError, UsageError
from forecast.evidence import (
    RULE,
    Coverage,
    CoverageState,
    CrowdForecast,
    Event,
    Report,
    Resolution,
)
from forecast.intake import cells as read
from forecast.intake.cells import Cells
from forecast.question import Question
from forecast.store.facts import digest
from forecast.words import parse_percent

type Fact = Report | Event | Question | Resolution | CrowdForecast | Coverage

# Of questions; a window beyond these is a slip of the pen, and days are counted through it.
FIRST_YEAR, LAST_YEAR = 1800, 2999
_SHOWN = 12  # columns named in an error


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

    Of several that fit, the one that needs most columns, then the one that leaves fewest unread;
    UsageError where that is not one.
    """
    if name is not None:
        if name not in KINDS:
            raise UsageError(f"there is no kind of row '{name}': it is {_or(KINDS)}")
        return KINDS[name]
    fitting = [kind for kind in KINDS.values() if not kind.missing(columns)]
    fit = {kind.name: (len(kind.required), -len(kind.ignored(columns))) for kind in fitting}
    best = [kind for kind in fitting if fit[kind.name] == max(fit.values())]
    if len(best) == 1:
        return best[0]
    if best:
        why = f"may hold {_or(kind.name for kind in best)}"
    else:
        nearest = min(KINDS.values(), key=lambda kind: len(kind.missing(columns)))
        why = f"has columns of no kind: {_found(columns)}; {_lacks(nearest, columns)}"
    raise UsageError(f"{why}; say which it is: {_or(KINDS)}", at=file)


def check_columns(kind: RowKind, columns: list[str], file: str) -> None:
    """InputError where a header lacks a column or says one twice."""
    if kind.missing(columns):
        raise InputError(f"{_lacks(kind, columns)}; {_found(columns)}", at=f"{file}:1")
    names = kind.canonical(columns)
    for name in kind.known():
        if names.count(name) > 1:
            raise InputError(f"has the column {name} twice", at=f"{file}:1")


def check_delimiter(columns: list[str], file: str) -> None:
    """InputError where a header is one cell, because its cells are not parted by commas."""
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(columns) == 1 and mark in columns[0]:
            raise InputError(f"is parted by {name}; save it with commas", at=f"{file}:1")


def _lacks(kind: RowKind, columns: list[str]) -> str:
    """Which columns a kind of row misses, and which of those there may be meant for them."""
    words = f"lacks the column {', '.join(kind.missing(columns))} ({kind.name})"
    names = [name for group in kind.required for name in group] + list(kind.aliases)
    near = {column: get_close_matches(column, names, n=1) for column in kind.ignored(columns)}
    return words + "".join(f"; is '{c}' meant to be '{n[0]}'?" for c, n in near.items() if n)


def _found(columns: Iterable[str]) -> str:
    """The columns that are there, in a few words."""
    named = [f"'{column[:40]}'" for column in columns if column]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"it has {', '.join(named[:_SHOWN]) or 'none'}{more}"


def _or(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _report(cells: Cells, file: str) -> list[Fact]:
    occurred_at, known_at = read.both_times(cells)
    stated: dict[str, Any] = {
        "unit": cells["unit"],
        "tag": cells["tag"],
        "occurred_at": occurred_at,
        "known_at": known_at,
        "incident_id": cells["incident_id"],
        "value": read.number(cells["value"], "value") if cells["value"] else 1.0,
        "source": cells["source"],
        "origin": cells["origin"],
        "reliability": cells["reliability"].upper() or "F",
        "credibility": read.grade(cells["credibility"]) if cells["credibility"] else 6,
        "url": cells["url"],
        "summary": cells["summary"],
    }
    name = cells["report_id"] or _name_of("r", stated)
    return [Report(name, **stated, retracted=read.retracted(cells))]


def _event(cells: Cells, file: str) -> list[Fact]:
    occurred_at, known_at = read.both_times(cells)
    if known_at < occurred_at:
        raise ValueError(known_too_early(occurred_at, known_at))
    stated: dict[str, Any] = {
        "unit": cells["unit"],
        "definition": cells["definition"],
        "occurred_at": occurred_at,
        "known_at": known_at,
        "summary": cells["summary"],
        "url": cells["url"],
    }
    name = cells["event_id"] or _name_of("e", stated)
    return [Event(name, **stated, retracted=read.retracted(cells))]


def known_too_early(occurred_at: datetime, known_at: datetime) -> str:
    """What is wrong with a fact that was known before it happened."""
    return (
        f"known before it occurred: known_at {format_instant(known_at)}, "
        f"occurred_at {format_instant(occurred_at)}"
    )


def _name_of(letter: str, stated: Mapping[str, Any]) -> str:
    """An id for a fact that came without: the same content, the same id."""
    return f"{letter}-{digest(stated.values())}"


def _question(cells: Cells, file: str) -> list[Fact]:
    question = Question(
        question_id=cells["question_id"],
        title=cells["title"],
        unit=cells["unit"],
        definition=cells["definition"],
        opens_at=read.start(cells["opens_at"], "opens_at"),
        deadline=read.end(cells["deadline"], "deadline"),
        resolution_criteria=cells["resolution_criteria"],
        notes=cells["notes"],
        at_least=read.how_many(cells["at_least"]),
    )
    if question.opens_at.year < FIRST_YEAR:
        raise ValueError(f"opens_at: {question.opens_at.date()} is before the year {FIRST_YEAR}")
    if question.deadline.year > LAST_YEAR:
        raise ValueError(f"deadline: {question.deadline.date()} is after the year {LAST_YEAR}")
    if cells["resolution"].lower() in ("", "open"):
        return [question]
    outcome = read.outcome(cells["resolution"], "resolution", "yes, no, void or open")
    known_at = read.end(cells["resolved_at"], "resolved_at")
    return [question, Resolution(question.question_id, outcome, known_at, f"stated in {file}")]


def _crowd(cells: Cells, file: str) -> list[Fact]:
    return [
        CrowdForecast(
            question_id=cells["question_id"],
            at=read.end(cells["at"], "at"),
            probability=parse_percent(cells["probability"]),
            source=cells["source"],
            url=cells["url"],
            note=cells["note"],
        )
    ]


def _resolution(cells: Cells, file: str) -> list[Fact]:
    if not cells["question_id"]:
        raise ValueError("question_id is empty")
    outcome = read.outcome(cells["outcome"], "outcome", "yes, no or void")
    known_at = read.end(cells["known_at"], "known_at")
    reason = cells["reason"] or f"stated in {file}"
    author = cells["author"]
    if author == RULE:
        raise ValueError(f"author '{author}' is no person's name")
    return [Resolution(cells["question_id"], outcome, known_at, reason, author=author)]


def _exposure(cells: Cells, file: str) -> list[Fact]:
    """A span: without a known_at, its start is known when it comes, and so is its end."""
    tags = cells["tag"] or "*"
    since = read.start(cells["from"], "from")
    until = read.after(cells["to"], "to") if cells["to"] else None
    state = _state(cells)
    stated = {"unit": cells["unit"], "state": state, "tags": tags, "since": since}
    return [
        Coverage(
            coverage_id=cells["coverage_id"] or _name_of("c", stated),
            unit=cells["unit"],
            state=state,
            since=since,
            until=until,
            known_at=read.end(cells["known_at"], "known_at") if cells["known_at"] else since,
            tags=tags,
            note=cells["note"],
            until_known_at=None if cells["known_at"] else until,
            retracted=read.retracted(cells),
        )
    ]


def _state(cells: Cells) -> CoverageState:
    """What a span says: of the unit, or with a tag of the feeds that bring it."""
    speaks_of_feeds = bool(cells["tag"])
    if cells["at_risk"]:
        if speaks_of_feeds or cells["state"]:
            raise ValueError("at_risk goes neither with tag nor with state")
        is_at_risk = read.flag(cells["at_risk"], "at_risk")
        return CoverageState.AT_RISK if is_at_risk else CoverageState.NOT_AT_RISK
    if not cells["state"]:
        return CoverageState.COVERED if speaks_of_feeds else CoverageState.AT_RISK
    try:
        state = CoverageState(cells["state"].lower().replace(" ", "-"))
    except ValueError:
        raise ValueError(f"state '{cells['state']}' is not {_or(CoverageState)}") from None
    if speaks_of_feeds and state in (CoverageState.AT_RISK, CoverageState.NOT_AT_RISK):
        raise ValueError(f"state {state} speaks of a unit, and goes with no tag")
    return state


_TIMES = {"observed_at": "occurred_at", "published_at": "known_at"}
_EITHER_TIME = ("occurred_at", "known_at")

KINDS = {
    kind.name: kind
    for kind in (
        RowKind(
            "reports",
            (("unit",), ("tag",), _EITHER_TIME),
            ("report_id", "incident_id", "value", "source", "origin", "reliability")
            + ("credibility", "url", "summary", "retracted", "status"),
            _TIMES,
            _report,
        ),
        RowKind(
            "events",
            (("unit",), ("definition",), _EITHER_TIME),
            ("event_id", "summary", "url", "retracted", "status"),
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
            ("resolution_criteria", "notes", "resolution", "resolved_at", "at_least"),
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
            ("reason", "author"),
            {"resolution": "outcome", "resolved_at": "known_at"},
            _resolution,
        ),
        RowKind(
            "exposure",
            (("unit",), ("from",), ("to",)),
            ("coverage_id", "tag", "state", "at_risk", "known_at", "note", "retracted", "status"),
            {"since": "from", "until": "to", "tags": "tag"},
            _exposure,
        ),
    )
}
