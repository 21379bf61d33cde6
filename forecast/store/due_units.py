"""Units with news, whose questions are to be updated: claimed with a lease, oldest first.

A row is due once its `not_before` has passed and it has been silent for a while, or has waited
for long. Each claim has a new fence; only its holder may finish it, and what was heard in the
meantime makes the unit due again. A unit of which nothing is due keeps its row, and its fence.

A clock that was ahead for a moment leaves leases and marks that nobody would live to see. What
lies further ahead than any lease can counts as over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, tuple_, union_all

from forecast.errors import StoreError
from forecast.question import Question
from forecast.store import schema
from forecast.store.database import Database
from forecast.store.facts import QUESTIONS
from forecast.store.marking import mark
from forecast.store.schedule_schema import due_unit
from forecast.store.versions import IDS, UNITS, facts_of, newest, sorted_questions

LONGEST_LEASE = timedelta(days=1)
MOST_IDS = 1000  # in one statement: SQLite binds 32,766 values at most

_DUE = due_unit.c
_QUESTIONS_AT = newest(QUESTIONS, known=False).where(QUESTIONS.table.c.unit.in_(UNITS))
_QUESTIONS_OF = newest(QUESTIONS, known=False).where(QUESTIONS.table.c.definition.in_(IDS))


@dataclass(frozen=True, slots=True)
class DueUnit:
    """A unit with news, as it was claimed: `stirs` counts what was heard of it until then.

    `since` is when its oldest news could be seen; `attempts` how often it failed in a row.
    """

    unit: str
    since: datetime
    stirs: int
    fence: int
    attempts: int


@dataclass(frozen=True, slots=True)
class DueClaim:
    """Some units, and who holds them; as long as none was taken over, its holder may write."""

    owner: str
    units: tuple[DueUnit, ...]


@dataclass(frozen=True, slots=True)
class DueCounts:
    """How many units are due now, are due later (news of a time to come), are held, and fail.

    `oldest` is since when the oldest of those that are due has waited.
    """

    due: int
    later: int
    held: int
    failing: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class FailingUnit:
    """A unit whose update failed `attempts` times in a row, and is tried again at `retry_at`."""

    unit: str
    attempts: int
    retry_at: datetime
    error: str


class DueUnits:
    """Units with news, on the store's database."""

    def __init__(self, database: Database) -> None:
        self._read = database.read
        self._write = database.write

    def is_any_due(self, now: datetime, quiet: timedelta, longest: timedelta) -> bool:
        """Whether a claim finds something: a read alone, for it is asked all the time."""
        return self._read(_is_any_due, now, quiet, longest)

    def claim(
        self,
        now: datetime,
        owner: str,
        lease: timedelta,
        limit: int,
        quiet: timedelta = timedelta(0),
        longest: timedelta = timedelta(0),
    ) -> DueClaim:
        """Borrow units that are due, oldest first: silent for `quiet`, or waiting for `longest`."""
        return self._write(_claim, now, owner, lease, limit, quiet, longest)

    def stir(self, definitions: Iterable[str], now: datetime) -> int:
        """Mark the units with a question of some definitions before its deadline; how many."""
        return self._write(_stir, list(definitions), now)

    def finish(self, claim: DueClaim, units: Sequence[DueUnit], as_of: datetime) -> None:
        """Some units of a claim are done as of a moment.

        Of what was heard since, and of what is known only later, they are due again.
        """
        self._write(_finish, claim, units, as_of)

    def fail(self, claim: DueClaim, unit: DueUnit, retry_at: datetime, error: str) -> None:
        """A unit could not be updated, and is left alone until `retry_at`."""
        values = {"attempts": unit.attempts + 1, "retry_at": retry_at, "last_error": error}
        self._write(_set, claim, [unit], values)

    def release(self, claim: DueClaim) -> None:
        """Give back what was claimed and not begun: due as before."""
        self._write(_set, claim, claim.units, {})

    def counts(self, now: datetime) -> DueCounts:
        """How many are due, and since when."""
        return self._read(_counts, now)

    def failing(self, limit: int | None = None) -> list[FailingUnit]:
        """The units whose last update failed, by name; with `limit`, the first so many."""
        return self._read(_failing, limit)

    def questions(self, units: Iterable[str], definitions: Iterable[str] = ()) -> list[Question]:
        """The questions at some units, and those of some definitions, by (deadline, id)."""
        return self._read(_questions, list(units), list(definitions))


def require_held(connection: Connection, claim: DueClaim) -> None:
    """StoreError where any unit of a claim was taken over; they stay held till the commit."""
    held = [(unit.unit, unit.fence) for unit in claim.units]
    query = select(_DUE.unit).where(_is_held(claim, held)).order_by(_DUE.unit).with_for_update()
    if len(connection.scalars(query).all()) != len(held):
        raise StoreError("the news was taken over by another process")


def _claim(
    connection: Connection,
    now: datetime,
    owner: str,
    lease: timedelta,
    limit: int,
    quiet: timedelta,
    longest: timedelta,
) -> DueClaim:
    names = connection.scalars(
        select(_DUE.unit)
        .where(_is_due(now, quiet, longest))
        .order_by(_DUE.since, _DUE.unit)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite knows none of it: the writer has it all
    ).all()
    lent = {"owner": owner, "fence": _DUE.fence + 1, "lease_until": now + lease}
    columns = (_DUE.unit, _DUE.since, _DUE.stirs, _DUE.fence, _DUE.attempts)
    query = due_unit.update().where(_DUE.unit.in_(names)).values(lent).returning(*columns)
    found = [DueUnit(*row) for row in connection.execute(query)] if names else []
    return DueClaim(owner, tuple(sorted(found, key=lambda due: (due.since, due.unit))))


def _stir(connection: Connection, definitions: Sequence[str], now: datetime) -> int:
    asked = _questions(connection, (), definitions)
    units = {question.unit for question in asked if question.deadline > now}
    mark(connection, dict.fromkeys(units, now), now)
    return len(units)


def _finish(
    connection: Connection, claim: DueClaim, units: Sequence[DueUnit], as_of: datetime
) -> None:
    again = _known_after(connection, [unit.unit for unit in units], as_of)
    free = {"owner": "", "lease_until": None}
    well = free | {"attempts": 0, "retry_at": None, "last_error": ""}
    for unit in sorted(units, key=lambda unit: unit.unit):
        held = due_unit.update().where(_is_held(claim, [(unit.unit, unit.fence)]))
        at = again.get(unit.unit)
        done = well | {"not_before": at} | ({"since": at} if at else {})
        if not connection.execute(held.where(_DUE.stirs == unit.stirs).values(done)).rowcount:
            heard = well | {"since": _DUE.stirred_at}
            connection.execute(held.values(heard))


def _set(
    connection: Connection, claim: DueClaim, units: Iterable[DueUnit], values: dict[str, object]
) -> None:
    for unit in sorted(units, key=lambda unit: unit.unit):
        held = due_unit.update().where(_is_held(claim, [(unit.unit, unit.fence)]))
        connection.execute(held.values({"owner": "", "lease_until": None} | values))


def _is_held(claim: DueClaim, held: Sequence[tuple[str, int]]) -> ColumnElement[bool]:
    return and_(_DUE.owner == claim.owner, tuple_(_DUE.unit, _DUE.fence).in_(held))


def _is_due(now: datetime, quiet: timedelta, longest: timedelta) -> ColumnElement[bool]:
    is_silent = or_(_DUE.stirred_at <= now - quiet, _DUE.stirred_at > now)
    is_old = _DUE.since <= now - longest
    is_free = or_(
        _DUE.lease_until.is_(None),
        _DUE.lease_until <= now,
        _DUE.lease_until > now + LONGEST_LEASE,
    )
    may_try = or_(_DUE.retry_at.is_(None), _DUE.retry_at <= now)
    # strictly: what is known at a moment can be seen after it only
    return and_(_DUE.not_before < now, or_(is_silent, is_old), is_free, may_try)


def _is_any_due(
    connection: Connection, now: datetime, quiet: timedelta, longest: timedelta
) -> bool:
    query = select(_DUE.row_id).where(_is_due(now, quiet, longest)).limit(1)
    return connection.scalar(query) is not None


def _known_after(
    connection: Connection, units: Sequence[str], as_of: datetime
) -> dict[str, datetime]:
    """When the next fact of each unit becomes known, where it is recorded already."""
    reports, events = schema.report.c, schema.event.c
    spans, questions = schema.coverage.c, schema.question.c
    moments = [(reports.unit, reports.known_at), (events.unit, events.known_at)]
    moments += [(spans.unit, spans.known_at), (spans.unit, spans.until_known_at)]
    found: dict[str, datetime] = {}
    for some in batched(units, MOST_IDS):
        parts = [
            select(unit.label("unit"), moment.label("moment")).where(
                unit.in_(some), moment >= as_of
            )
            for unit, moment in moments
        ]
        for table, key in ((schema.resolution, "question_id"), (schema.crowd, "question_id")):
            parts.append(
                select(questions.unit.label("unit"), table.c.known_at.label("moment"))
                .join(table, table.c[key] == questions.question_id)
                .where(questions.unit.in_(some), table.c.known_at >= as_of)
            )
        parts.append(
            select(reports.unit.label("unit"), schema.assignment.c.known_at.label("moment"))
            .join(schema.assignment, schema.assignment.c.report_id == reports.report_id)
            .where(reports.unit.in_(some), schema.assignment.c.known_at >= as_of)
        )
        every = union_all(*parts).subquery()
        query = select(every.c.unit, func.min(every.c.moment)).group_by(every.c.unit)
        for unit, moment in connection.execute(query):
            found[unit] = moment
    return found


def _counts(connection: Connection, now: datetime) -> DueCounts:
    is_due = _DUE.not_before < now
    is_held = and_(_DUE.owner != "", _DUE.lease_until > now)

    def number(*where: ColumnElement[bool]) -> int:
        return connection.scalar(select(func.count()).select_from(due_unit).where(*where)) or 0

    oldest: datetime | None = connection.scalar(select(func.min(_DUE.since)).where(is_due))
    return DueCounts(
        due=number(is_due),
        later=number(_DUE.not_before >= now),
        held=number(is_held),
        failing=number(_DUE.attempts > 0),
        oldest=oldest,
    )


def _failing(connection: Connection, limit: int | None) -> list[FailingUnit]:
    columns = (_DUE.unit, _DUE.attempts, _DUE.retry_at, _DUE.last_error)
    query = select(*columns).where(_DUE.attempts > 0).order_by(_DUE.unit).limit(limit)
    return [FailingUnit(*row) for row in connection.execute(query)]


def _questions(
    connection: Connection, units: Sequence[str], definitions: Sequence[str]
) -> list[Question]:
    found: dict[str, Question] = {}
    for query, name, values in (
        (_QUESTIONS_AT, "units", units),
        (_QUESTIONS_OF, "ids", definitions),
    ):
        for some in batched(values, MOST_IDS):
            for question in facts_of(connection, QUESTIONS, query, {name: list(some)}):
                found[question.question_id] = question
    return sorted_questions(found.values())
