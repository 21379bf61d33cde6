"""Adding facts about the world: once each, and corrections as new rows.

What was stated before, to the letter, is the same fact and adds nothing. Other content under
a known key is a correction: a new row that is known from when it was recorded, at the
earliest, so that a computation as of an earlier moment never sees it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import blake2b
from itertools import batched
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Self

from sqlalchemy import Connection, Table, func, select

from forecast.evidence import (
    Assignment,
    Coverage,
    CrowdForecast,
    Event,
    Report,
    Resolution,
)
from forecast.question import Question
from forecast.store import marking, schema
from forecast.store.types import utc_text

_CHUNK = 1000  # keys looked up at once
_ADVISORY_LOCK = 0x70C52


@dataclass(frozen=True, slots=True)
class Added:
    """How many facts were new, known already, or corrections of known ones."""

    new: int = 0
    same: int = 0
    corrected: int = 0

    def __add__(self, other: Self) -> "Added":
        return Added(self.new + other.new, self.same + other.same, self.corrected + other.corrected)


class Kind[Fact]:
    """How one kind of fact is stored: columns are named as the dataclass's fields.

    `key` says which facts are versions of one. `known` is the field that says from when it
    counts as known; a question has none: its newest version is the question. `reverts` means
    that stating an older version again is a change back, not a repetition. `added` are fields
    that older stores had not, with what they mean where they are not stated: such a fact has
    the digest that it had then. `about` is the field by which the unit is found that a fact is
    news of: its own, or that of the question or the report that it names.
    """

    def __init__(
        self,
        table: Table,
        made: type[Fact],
        key: tuple[str, ...],
        *,
        known: str | None = "known_at",
        reverts: bool = False,
        added: Mapping[str, Any] = MappingProxyType({}),
        about: str | None = None,
    ) -> None:
        self.table = table
        self.about = about
        self.made = made
        self.key = key
        self.known = known
        self.reverts = reverts
        self.fields = tuple(one.name for one in fields(made))  # type: ignore[arg-type]
        self.columns = [table.c[name] for name in self.fields]
        self.added = added
        self._values = attrgetter(*self.fields)
        self._first = len(self.fields) - len(added)  # the added ones come last

    def row(self, fact: Fact, recorded_at: datetime) -> dict[str, Any]:
        """The row of a fact that is new."""
        values = self._values(fact)
        row = dict(zip(self.fields, values, strict=True))
        stated = values[: self._first]
        for name, unstated in self.added.items():
            if row[name] != unstated:
                stated += (name, row[name])
        if self.known is not None:
            row["known_at"] = row[self.known]
        row["digest"] = digest(stated)
        row["recorded_at"] = recorded_at
        return row

    def key_of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """What the versions of one fact have in common."""
        return tuple([row[name] for name in self.key])


REPORTS = Kind(schema.report, Report, ("report_id",), added={"retracted": False}, about="unit")
EVENTS = Kind(schema.event, Event, ("event_id",), added={"retracted": False}, about="unit")
QUESTIONS = Kind(
    schema.question,
    Question,
    ("question_id",),
    known=None,
    reverts=True,
    added={"at_least": 1},
    about="unit",
)
_LATER_OF_ENDS = {"events": (), "author": "", "retracted": False}
RESOLUTIONS = Kind(
    schema.resolution, Resolution, ("question_id",), added=_LATER_OF_ENDS, about="question_id"
)
# What follows from facts corrects nobody's word: it is known from when the facts were.
DERIVED = Kind(
    schema.resolution, Resolution, ("question_id", "known_at", "author"), added=_LATER_OF_ENDS
)
CROWD = Kind(
    *(schema.crowd, CrowdForecast, ("question_id", "at", "source")),
    known="at",
    about="question_id",
)
COVERAGE = Kind(schema.coverage, Coverage, ("coverage_id",), about="unit")
ASSIGNMENTS = Kind(schema.assignment, Assignment, ("report_id",), reverts=True, about="report_id")
_UNIT_IS_IN = {"question_id": schema.question, "report_id": schema.report}


def add[Fact](
    connection: Connection, kind: Kind[Fact], facts: Iterable[Fact], recorded_at: datetime
) -> Added:
    """Add facts of one kind, and mark their units; the count says what became of them."""
    facts = list(facts)
    if facts and connection.dialect.name == "postgresql":  # judging and adding: one at a time
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
    added, news = Added(), _News(kind.about, kind.key[0])
    for chunk in batched(facts, _CHUNK):
        added += _add_chunk(connection, kind, chunk, recorded_at, news)
    marking.mark(connection, news.moments(connection, kind.table, recorded_at), recorded_at)
    return added


@dataclass(slots=True)
class _News:
    """What was added, by what it is `about`: from when it can be seen. `moved` are corrections."""

    about: str | None
    key: str
    seen: dict[str, datetime] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)

    def take(self, row: Mapping[str, Any], *, is_new: bool) -> None:
        """Take in a row that is added."""
        if self.about is None:
            return
        name, moment = row[self.about], row.get("known_at", row["recorded_at"])
        if name not in self.seen or moment < self.seen[name]:
            self.seen[name] = moment
        if not is_new:
            self.moved.add(row[self.key])

    def moments(
        self, connection: Connection, table: Table, recorded_at: datetime
    ) -> dict[str, datetime]:
        """The same by unit, and the units that corrected facts were at before."""
        if self.about in _UNIT_IS_IN:
            source = _UNIT_IS_IN[self.about]
            return marking.units_through(connection, source, self.about, self.seen)
        before = marking.units_before(connection, table, self.key, self.moved)
        return dict.fromkeys(before, recorded_at) | self.seen


def _add_chunk[Fact](
    connection: Connection,
    kind: Kind[Fact],
    chunk: tuple[Fact, ...],
    recorded_at: datetime,
    news: _News,
) -> Added:
    rows = [kind.row(fact, recorded_at) for fact in chunk]
    stored = _stored_digests(connection, kind, rows)
    verdicts: Counter[str] = Counter()
    to_add = []
    for row in rows:
        verdict = _judge(kind, stored.setdefault(kind.key_of(row), []), row)
        verdicts[verdict] += 1
        if verdict != "same":
            to_add.append(row)
            news.take(row, is_new=verdict == "new")
    if to_add:
        connection.execute(kind.table.insert(), to_add)
    return Added(**verdicts)


def _judge[Fact](kind: Kind[Fact], digests: list[str], row: dict[str, Any]) -> str:
    """What a row is to the versions stored before it; it joins them unless it is the same."""
    versions = digests[-1:] if kind.reverts else digests
    if row["digest"] in versions:
        return "same"
    verdict = "corrected" if digests else "new"
    if digests and kind.known is not None:
        row["known_at"] = max(row["known_at"], row["recorded_at"])
    digests.append(row["digest"])
    return verdict


def _stored_digests[Fact](
    connection: Connection, kind: Kind[Fact], rows: list[dict[str, Any]]
) -> dict[tuple[Any, ...], list[str]]:
    """The digests of all stored versions of these rows' facts, oldest first."""
    table, first = kind.table, kind.key[0]
    key = [table.c[name] for name in kind.key]
    query = (
        select(table.c.digest, *key)
        .where(table.c[first].in_({row[first] for row in rows}))
        .order_by(table.c.row_id)
    )
    stored: dict[tuple[Any, ...], list[str]] = {}
    for digest_, *values in connection.execute(query):
        stored.setdefault(tuple(values), []).append(digest_)
    return stored


def digest(values: Iterable[Any]) -> str:
    """32 hexadecimal digits of a fact's content; equal instants and equal numbers are equal."""
    text = repr([value if type(value) is str else _plain(value) for value in values])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        return utc_text(value)
    if value is None:
        return None
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return float(value)
