"""Long lists read in pages, for the API: by row, so that what is added meanwhile moves nothing.

A page begins after a row of the one before it. Lists of what happened go from the newest row
back, lists of what there is from the oldest on; nothing here reads a whole table.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select, tuple_

from forecast.access import Request
from forecast.alert import Acknowledgement, Delivery, RuleState, Silence, Transition
from forecast.audit import Audit
from forecast.candidate import Candidate, Span
from forecast.estimate import Estimate, Health
from forecast.evidence import CrowdForecast, Event, Report
from forecast.prior import PriorVersion
from forecast.question import Question
from forecast.store import alert_schema, schema, tagging_schema
from forecast.store.access_schema import request
from forecast.store.answers import read_estimate
from forecast.store.database import Database
from forecast.store.quarantine import BadRow
from forecast.store.runs import Run
from forecast.store.silences import read_silence
from forecast.store.versions import MOST_IDS

type Filters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """Some rows, and the place after which the next page begins; None where there is none."""

    rows: tuple[Row, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class Outline:
    """An estimate without what a list has no room for."""

    question_id: str
    as_of: datetime
    probability: float
    lower: float
    upper: float
    mass: float
    mcse: float
    health: Health
    model: str
    method: str
    reason: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Listing:
    """How one kind of row is listed.

    `key` says which rows are versions of one thing, of which the last is shown. `since` is the
    column that spans of time are about; `read` makes the thing of its columns, where that takes
    more than to put them in.
    """

    table: Any
    made: Any
    key: tuple[str, ...] = ()
    is_newest_first: bool = True
    since: str = ""
    read: Callable[[Sequence[Any]], Any] | None = None

    def names(self) -> list[str]:
        """The columns that are read."""
        return [field.name for field in fields(self.made)]


def _candidate(values: Sequence[Any]) -> Candidate:
    """Without the sketch, which only likeness is found by."""
    names = [field.name for field in fields(Candidate)]
    told = dict(zip(names, values, strict=True))
    spans = tuple(Span(*span) for span in told["spans"])
    return Candidate(**told | {"spans": spans, "sketch": ()})


LISTINGS = {
    "candidates": Listing(
        tagging_schema.candidate,
        Candidate,
        is_newest_first=False,
        since="known_at",
        read=_candidate,
    ),
    "questions": Listing(schema.question, Question, ("question_id",), is_newest_first=False),
    "reports": Listing(schema.report, Report, ("report_id",), since="known_at"),
    "events": Listing(schema.event, Event, ("event_id",), since="known_at"),
    "crowd": Listing(schema.crowd, CrowdForecast, ("question_id", "at", "source"), since="at"),
    "audits": Listing(schema.audit, Audit, since="as_of"),
    "priors": Listing(schema.prior_version, PriorVersion),
    "quarantine": Listing(schema.quarantine, BadRow),
    "states": Listing(alert_schema.rule_state, RuleState, ("rule_id", "subject")),
    "transitions": Listing(alert_schema.transition, Transition, since="at"),
    "acknowledgements": Listing(alert_schema.acknowledgement, Acknowledgement, since="at"),
    "deliveries": Listing(alert_schema.delivery, Delivery, since="created_at"),
    "requests": Listing(request, Request, since="asked_at"),
}


class Pages:
    """`store.pages`; every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def of(
        self,
        what: str,
        limit: int,
        after: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        **where: Any,
    ) -> Page[Any]:
        """A page of one of `LISTINGS`, of rows that are as `where` says; None there says nothing.

        since <= its time < until.
        """
        return self._read(_page, LISTINGS[what], limit, after, since, until, where)

    def estimates(
        self,
        question_id: str,
        limit: int,
        after: tuple[datetime, int] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[list[Estimate], tuple[datetime, int] | None]:
        """Estimates of a question, the newest first, since <= as_of < until, and the place of the
        last of them, (as_of, row), where there are more.
        """
        return self._read(_estimates, question_id, limit, after, since, until)

    def silences(self, limit: int, after: int | None = None) -> Page[Silence]:
        """Silences as they stand, the newest first."""
        return self._read(_silences, limit, after)

    def runs(
        self,
        limit: int,
        after: tuple[datetime, str] | None = None,
        schedule_id: str | None = None,
        status: str | None = None,
    ) -> list[Run]:
        """Runs, those of the latest slots first, after (slot, schedule)."""
        return self._read(_runs, limit, after, schedule_id, status)

    def latest_runs(self) -> dict[str, Run]:
        """The run of the latest slot of every schedule that ever ran."""
        return self._read(_latest_runs)

    def latest_of(self, question_ids: Sequence[str]) -> dict[str, Outline]:
        """The newest estimates of some questions, by id, at most a thousand."""
        return self._read(_latest_of, question_ids)

    def past_questions(
        self, definitions: Collection[str], now: datetime, limit: int
    ) -> list[Question]:
        """The questions of some definitions whose deadline passed last, by (deadline, id)."""
        return self._read(_past_questions, sorted(definitions), now, limit)

    def backtests(self) -> list[dict[str, Any]]:
        """What there is to be said of each backtest in a line, newest first."""
        return self._read(_backtests)


def _page(
    connection: Connection,
    listing: Listing,
    limit: int,
    after: int | None,
    since: datetime | None,
    until: datetime | None,
    where: Filters,
) -> Page[Any]:
    columns = listing.table.c
    query = select(columns.row_id, *[columns[name] for name in listing.names()])
    conditions = [columns[name] == value for name, value in where.items() if value is not None]
    if listing.key:
        conditions.append(is_newest(listing.table, listing.key))
    if since is not None:
        conditions.append(columns[listing.since] >= since)
    if until is not None:
        conditions.append(columns[listing.since] < until)
    place = columns.row_id
    if listing.table is schema.report and since is not None:
        place = place + 0  # who polls names a moment: its index finds more quickly than the rows
    query = _after(query.where(*conditions), place, after, limit, listing.is_newest_first)
    read = listing.read or (lambda values: listing.made(*values))
    return _paged(connection, query, limit, lambda row: read(row[1:]))


def is_newest(table: Any, key: Sequence[str]) -> ColumnElement[bool]:
    """Whether no later row has the same key."""
    later = table.alias("later")
    same = [later.c[name] == table.c[name] for name in key]
    return ~exists().where(*same, later.c.row_id > table.c.row_id)


def _after(
    query: Select[Any], row_id: Any, after: int | None, limit: int, is_newest_first: bool
) -> Select[Any]:
    """One row more than asked for, which shows whether there is a page after this."""
    if after is not None:
        query = query.where(row_id < after if is_newest_first else row_id > after)
    return query.order_by(row_id.desc() if is_newest_first else row_id).limit(limit + 1)


def _paged(connection: Connection, query: Select[Any], limit: int, read: Any) -> Page[Any]:
    rows = connection.execute(query).all()
    after = rows[limit - 1].row_id if len(rows) > limit else None
    return Page(tuple(read(row) for row in rows[:limit]), after)


def _estimates(
    connection: Connection,
    question_id: str,
    limit: int,
    after: tuple[datetime, int] | None,
    since: datetime | None,
    until: datetime | None,
) -> tuple[list[Estimate], tuple[datetime, int] | None]:
    """In the order of the index: a year of them is not read for the newest."""
    table = schema.estimate
    as_of, row_id = table.c.as_of, table.c.row_id
    query = select(table).where(table.c.question_id == question_id)
    if since is not None:
        query = query.where(as_of >= since)
    if until is not None:
        query = query.where(as_of < until)
    if after is not None:
        at, row = after
        query = query.where(as_of <= at, or_(as_of < at, row_id < row))
    rows = connection.execute(query.order_by(as_of.desc(), row_id.desc()).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    place = None if last is None else (last.as_of, last.row_id)
    return [read_estimate(row) for row in rows[:limit]], place


def _silences(connection: Connection, limit: int, after: int | None) -> Page[Silence]:
    table = alert_schema.silence
    columns = [table.c[field.name] for field in fields(Silence)]
    query = select(table.c.row_id, *columns).where(is_newest(table, ("silence_id",)))
    query = _after(query, table.c.row_id, after, limit, True)
    return _paged(connection, query, limit, lambda row: read_silence(*row[1:]))


_RUN = [schema.run.c[field.name] for field in fields(Run)]


def _runs(
    connection: Connection,
    limit: int,
    after: tuple[datetime, str] | None,
    schedule_id: str | None,
    status: str | None,
) -> list[Run]:
    run = schema.run.c
    query = select(*_RUN).order_by(run.slot.desc(), run.schedule_id.desc()).limit(limit)
    for column, wanted in ((run.schedule_id, schedule_id), (run.status, status)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        slot, name = after
        is_earlier = run.slot < slot
        query = query.where(or_(is_earlier, (run.slot == slot) & (run.schedule_id < name)))
    return [Run(*row) for row in connection.execute(query)]


def _latest_runs(connection: Connection) -> dict[str, Run]:
    run = schema.run.c
    last = select(run.schedule_id, func.max(run.slot)).group_by(run.schedule_id)
    query = select(*_RUN).where(tuple_(run.schedule_id, run.slot).in_(last))
    return {row.schedule_id: Run(*row) for row in connection.execute(query)}


_OUTLINE = [schema.estimate.c[field.name] for field in fields(Outline)]


def _latest_of(connection: Connection, question_ids: Sequence[str]) -> dict[str, Outline]:
    """One look into the index for each question: no estimate but the newest is read."""
    estimate, one = schema.estimate, schema.estimate.alias("one")
    newest = (
        select(one.c.row_id)
        .where(one.c.question_id == schema.question.c.question_id)
        .order_by(one.c.as_of.desc(), one.c.row_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    asked = select(newest).where(schema.question.c.question_id.in_(list(question_ids)[:MOST_IDS]))
    ids = {row_id for (row_id,) in connection.execute(asked) if row_id is not None}
    rows = connection.execute(select(*_OUTLINE).where(estimate.c.row_id.in_(ids)))
    return {row.question_id: Outline(*row) for row in rows}


def _past_questions(
    connection: Connection, definitions: list[str], now: datetime, limit: int
) -> list[Question]:
    listing = LISTINGS["questions"]
    asked = schema.question.c
    query = (
        select(*[asked[name] for name in listing.names()])
        .where(asked.definition.in_(definitions), asked.deadline < now)
        .where(is_newest(schema.question, listing.key))
        .order_by(asked.deadline.desc(), asked.question_id.desc())
        .limit(limit)
    )
    return [Question(*row) for row in connection.execute(query)][::-1]


def _backtests(connection: Connection) -> list[dict[str, Any]]:
    names = ("run_id", "task", "made_at", "digest")
    table = schema.backtest.c
    query = select(*[table[name] for name in names]).order_by(table.row_id.desc()).limit(1000)
    return [dict(row._mapping) for row in connection.execute(query)]
