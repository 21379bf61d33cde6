"""`store.overview`: what a list of questions shows, for many at once, and what has changed.

A list of ten thousand questions is kept by who shows it, and asks each time only for those of
which something was said since (`Marks`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Connection,
    Select,
    Text,
    bindparam,
    column,
    func,
    select,
    true,
    union_all,
    values,
)

from forecast.alert import ALARMED, RuleState
from forecast.candidate import Status
from forecast.estimate import Estimate, Health, Move
from forecast.evidence import Outcome
from forecast.question import Question
from forecast.store import alert_schema, ends, schema
from forecast.store.database import Database
from forecast.store.facts import QUESTIONS
from forecast.store.history import Histories
from forecast.store.rule_states import rule_states
from forecast.store.schedule_schema import due_unit
from forecast.store.tagging_schema import candidate
from forecast.store.types import UtcInstant
from forecast.store.versions import IDS, MOST_IDS, facts_of, newest

WEEK = timedelta(days=7)
OVERLAP = 200  # rows read again: of two writers at once the later row may be seen first
MOST_MOMENTS = 50
_AT_ONCE = 5000  # moments in one statement: SQLite binds 32,766 values at most
_ESTIMATE, _STATE = schema.estimate, alert_schema.rule_state
_QUESTIONS = newest(QUESTIONS, known=False).where(QUESTIONS.table.c.question_id.in_(IDS))
_TOLD = {
    "questions": (schema.question, "question_id"),
    "estimates": (_ESTIMATE, "question_id"),
    "resolutions": (schema.resolution, "question_id"),
    "states": (_STATE, "subject"),
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The newest row of each table that a list follows."""

    questions: int = 0
    estimates: int = 0
    resolutions: int = 0
    states: int = 0


@dataclass(frozen=True, slots=True)
class Point:
    """An estimate as a small chart shows it."""

    question_id: str
    as_of: datetime
    probability: float
    lower: float
    upper: float
    mass: float
    health: Health


@dataclass(frozen=True, slots=True)
class Glance:
    """A question in one line: `week_ago` is P when `points_in_week` counts from, if it does.

    `outcome` is what was said of how it ended.
    """

    question: Question
    newest: Point | None
    week_ago: float | None
    outcome: Outcome | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class News:
    """What was said since some marks: questions, and the alarmed rules of subjects.

    In `alarmed` is every subject of which a rule was read, with those that fire on it, by id.
    """

    marks: Marks
    glances: tuple[Glance, ...]
    alarmed: dict[str, tuple[RuleState, ...]]


@dataclass(frozen=True, slots=True)
class Turn:
    """The first estimate of a question with some version of its prior, and what moved it."""

    question_id: str
    as_of: datetime
    probability: float
    moved: Move | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many candidates wait for a person, and since when the oldest news for an update."""

    inbox: int
    oldest_due: datetime | None


class Overview:
    """Every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read = database.read
        self._histories = Histories()

    def news(self, since: Marks = Marks()) -> News:
        """What was said since some marks; all of it, where there were none."""
        return self._read(_news, since)

    def glances(self, question_ids: Iterable[str]) -> list[Glance]:
        """Some questions in a line each, those of them that there are."""
        ids = sorted(set(question_ids))
        return self._read(lambda connection: list(_glances(connection, ids)))

    def points(
        self, question_ids: Iterable[str], moments: Sequence[datetime]
    ) -> dict[str, list[Point]]:
        """The estimates that stood at some moments, each once, by question and time.

        At `MOST_MOMENTS` moments at most.
        """
        return self._read(_points, list(question_ids), moments)

    def course(self, question_id: str, until: datetime) -> list[Estimate]:
        """Its estimates with as_of <= until, by as_of, the newest whole, the others as a history
        shows them: without what is said of an estimate in full.
        """
        return self._read(self._histories.course, question_id, until)

    def turns(
        self, question_ids: Sequence[str], prior_version: int, since: datetime, until: datetime
    ) -> dict[str, Turn]:
        """Of some questions the first estimate with a version of the prior, since <= as_of < until,
        by id; at most a thousand.
        """
        return self._read(_turns, question_ids, prior_version, since, until)

    def waiting(self, now: datetime) -> Waiting:
        """What waits for a person, and for the service."""
        return self._read(_waiting, now)


def _news(connection: Connection, since: Marks) -> News:
    marks = _marks(connection)
    if marks == since:
        return News(marks, (), {})
    told = dict(zip(_TOLD, astuple(since), strict=True))
    is_first = since == Marks()
    named = {what: _names(connection, what, told[what], is_first) for what in _TOLD}
    subjects = named.pop("states")
    ids = sorted(set().union(*named.values()))
    alarmed: dict[str, list[RuleState]] = {subject: [] for subject in subjects}
    for state in rule_states(connection, None if is_first else subjects):
        if state.state in ALARMED:
            alarmed[state.subject].append(state)
    rules = {subject: tuple(found) for subject, found in alarmed.items()}
    return News(marks, tuple(_glances(connection, ids)), rules)


def _marks(connection: Connection) -> Marks:
    return Marks(
        *(connection.scalar(select(func.max(table.c.row_id))) or 0 for table, _ in _TOLD.values())
    )


def _names(connection: Connection, what: str, since: int, is_first: bool) -> list[str]:
    """Of whom something was said since a row; at first, all questions and all subjects."""
    table, name = _TOLD[what]
    if is_first and what in ("estimates", "resolutions"):
        return []
    again = OVERLAP if connection.dialect.name == "postgresql" else 0
    query = select(table.c[name]).where(table.c.row_id > since - again).distinct()
    return list(connection.scalars(query))


def _glances(connection: Connection, ids: Sequence[str]) -> Iterable[Glance]:
    for some in batched(ids, MOST_IDS):
        asked = {"ids": list(some)}
        questions = facts_of(connection, QUESTIONS, _QUESTIONS, asked)
        last = _at(connection, [(name, None) for name in some])
        weeks = [(name, point.as_of - WEEK) for name, point in last.items()]
        before = _at(connection, weeks)
        young = [(name, None) for name in last if name not in before]
        before |= _at(connection, young, is_first=True)
        found = {end.question_id: end for end in ends.standing(connection, some, None)}
        for question in questions:
            name = question.question_id
            newest_one, old, end = last.get(name), before.get(name), found.get(name)
            has_moved = old is not None and newest_one is not None and old.as_of < newest_one.as_of
            yield Glance(
                question,
                newest_one,
                old.probability if old and has_moved else None,
                end.outcome if end else None,
                end.known_at if end else None,
            )


def _at(
    connection: Connection, asked: Sequence[tuple[str, datetime | None]], is_first: bool = False
) -> dict[str, Point]:
    """The estimate of each question that stood at its moment: the newest, or the first, if None."""
    found: dict[str, Point] = {}
    for point in _read_points(connection, asked, is_first):
        found[point.question_id] = point
    return found


def _points(
    connection: Connection, question_ids: Sequence[str], moments: Sequence[datetime]
) -> dict[str, list[Point]]:
    """One look into the index for each question and moment, by a statement that is built once."""
    found: dict[str, list[Point]] = defaultdict(list)
    if not moments:
        return {}
    padded = [*moments, *[moments[-1]] * (MOST_MOMENTS - len(moments))]
    asked = {f"at_{n}": at for n, at in enumerate(padded)}
    for ids in batched(question_ids, MOST_IDS):
        rows = connection.scalars(_STOOD, asked | {"ids": list(ids)})
        for point in _rows(connection, set(rows)):
            found[point.question_id].append(point)
    return dict(found)


def _stood() -> Select[Any]:
    """The rows that stood at some moments, of some questions."""
    moments = union_all(
        *(select(bindparam(f"at_{n}", type_=UtcInstant()).label("at")) for n in range(MOST_MOMENTS))
    ).subquery()
    asked = schema.question.c
    names = select(asked.question_id).where(asked.question_id.in_(IDS)).distinct().subquery()
    one = _ESTIMATE.alias("one")
    row = (
        select(one.c.row_id)
        .where(one.c.question_id == names.c.question_id, one.c.as_of <= moments.c.at)
        .order_by(one.c.as_of.desc(), one.c.row_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(row).select_from(names.join(moments, true())).distinct()


_STOOD = _stood()
_POINTS = select(*[_ESTIMATE.c[field.name] for field in fields(Point)]).where(
    _ESTIMATE.c.row_id.in_(bindparam("rows", type_=BigInteger(), expanding=True))
)


def _read_points(
    connection: Connection, asked: Sequence[tuple[str, datetime | None]], is_first: bool
) -> list[Point]:
    """One look into the index for each moment: nothing between is read."""
    rows: set[int | None] = set()
    for some in batched(asked, _AT_ONCE):
        wanted = _asked(some)
        one = _ESTIMATE.alias("one")
        query = select(one.c.row_id).where(one.c.question_id == wanted.c.question_id)
        if some[0][1] is not None:
            query = query.where(one.c.as_of <= wanted.c.at)
        order = (one.c.as_of, one.c.row_id)
        query = query.order_by(*(order if is_first else [each.desc() for each in order])).limit(1)
        rows |= set(connection.scalars(select(query.scalar_subquery()).select_from(wanted)))
    return _rows(connection, rows)


def _rows(connection: Connection, rows: set[int | None]) -> list[Point]:
    """Points by question and time."""
    found = [
        Point(*row)
        for some in batched(sorted(row for row in rows if row is not None), _AT_ONCE)
        for row in connection.execute(_POINTS, {"rows": list(some)})
    ]
    return sorted(found, key=lambda point: (point.question_id, point.as_of))


def _asked(some: Sequence[tuple[str, datetime | None]]) -> CTE:
    """The questions and moments as a table."""
    columns: list[Any] = [column("question_id", Text), column("at", UtcInstant)]
    return values(*columns, name="asked").data(list(some)).cte("asked")


def _turns(
    connection: Connection,
    question_ids: Sequence[str],
    prior_version: int,
    since: datetime,
    until: datetime,
) -> dict[str, Turn]:
    """Of each question the index is read from `since` on, up to the row that is looked for."""
    asked = {"ids": list(question_ids)[:MOST_IDS], "version": prior_version}
    rows = connection.execute(_TURNED, asked | {"since": since, "until": until})
    return {
        name: Turn(name, as_of, p, Move(**moved) if moved else None)
        for name, as_of, p, moved in rows
    }


def _turned() -> Select[Any]:
    asked, one = schema.question.c, _ESTIMATE.alias("one")
    names = select(asked.question_id).where(asked.question_id.in_(IDS)).distinct().subquery()
    first = (
        select(one.c.row_id)
        .where(one.c.question_id == names.c.question_id)
        .where(one.c.as_of >= bindparam("since", type_=UtcInstant()))
        .where(one.c.as_of < bindparam("until", type_=UtcInstant()))
        .where(one.c.prior_version == bindparam("version"))
        .order_by(one.c.as_of, one.c.row_id)
        .limit(1)
        .scalar_subquery()
    )
    columns = (_ESTIMATE.c.question_id, _ESTIMATE.c.as_of, _ESTIMATE.c.probability)
    rows = select(first).select_from(names)
    return select(*columns, _ESTIMATE.c.moved).where(_ESTIMATE.c.row_id.in_(rows))


_TURNED = _turned()


def _waiting(connection: Connection, now: datetime) -> Waiting:
    is_waiting = candidate.c.status == Status.WAITING
    inbox = connection.scalar(select(func.count()).select_from(candidate).where(is_waiting)) or 0
    due = due_unit.c
    oldest = connection.scalar(select(func.min(due.since)).where(due.not_before < now))
    return Waiting(inbox, oldest)
