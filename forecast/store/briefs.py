"""What one update of a track reads beside its facts, at once: its own past in the store.

Read together and by statements that are built once, for an update has milliseconds. Each newest
row is found by one look into an index, however long the past of a question is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Select,
    TableValuedAlias,
    bindparam,
    cast,
    func,
    select,
)

from forecast.audit import Audit
from forecast.estimate import Estimate
from forecast.store import answers, audits, learnt
from forecast.store.database import Database
from forecast.store.schema import estimate, report
from forecast.store.types import Json, UtcInstant

_AS_OF = bindparam("as_of", type_=UtcInstant())
_MADE = select(estimate.c.recorded_at).where(
    estimate.c.row_id
    == select(estimate.c.row_id)
    .where(estimate.c.question_id == bindparam("question"), estimate.c.as_of < _AS_OF)
    .order_by(estimate.c.as_of.desc(), estimate.c.row_id.desc())
    .limit(1)
    .scalar_subquery()
)
_LATE = select(report.c.report_id).where(
    report.c.unit == bindparam("unit"),
    report.c.recorded_at > bindparam("made", type_=UtcInstant()),
)


@dataclass(frozen=True, slots=True)
class Brief:
    """What the store remembers of a track before a moment.

    `last` are the newest estimates before it, `standing` those of the moment itself, both by
    question; `audits` those of the track's newest audited moment; `state` what its model
    remembers; `late` the ids of reports at the unit that came in after the first question's last
    estimate was made; `is_told` whether what data made of its prior is on record.
    """

    last: dict[str, Estimate] = field(default_factory=dict)
    standing: dict[str, Estimate] = field(default_factory=dict)
    audits: list[Audit] = field(default_factory=list)
    state: bytes | None = None
    late: frozenset[str] = frozenset()
    is_told: bool = False


class Briefs:
    """`store.briefs`; every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def of(self, key: str, unit: str, question_ids: Sequence[str], as_of: datetime) -> Brief:
        """What is remembered of the track `key` at a unit, whose open questions these are."""
        return self._read(_brief, key, unit, question_ids, as_of)

    def latest(self, question_ids: Sequence[str], before: datetime) -> dict[str, Estimate]:
        """The newest estimate with as_of < before of those of some questions that have one."""
        return self._read(_latest, "before", question_ids, before)


def _brief(
    connection: Connection, key: str, unit: str, question_ids: Sequence[str], as_of: datetime
) -> Brief:
    first = question_ids[:1]
    return Brief(
        last=_latest(connection, "before", question_ids, as_of),
        standing=_latest(connection, "standing", question_ids, as_of),
        audits=audits.latest(connection, key, as_of),
        state=answers.model_state(connection, key, as_of),
        late=frozenset(_late(connection, first[0], unit, as_of) if first else ()),
        is_told=learnt.is_told(connection, key, as_of),
    )


def _late(connection: Connection, question_id: str, unit: str, as_of: datetime) -> set[str]:
    """Ids of reports at a unit that came in after the question's last estimate before `as_of`."""
    made = connection.scalar(_MADE, {"question": question_id, "as_of": as_of})
    if made is None:
        return set()
    return set(connection.scalars(_LATE, {"unit": unit, "made": made}))


def _latest(
    connection: Connection, which: str, question_ids: Sequence[str], as_of: datetime
) -> dict[str, Estimate]:
    if not question_ids:
        return {}
    query = _latest_query(connection.dialect.name, which)
    found = connection.execute(query, {"ids": list(question_ids), "as_of": as_of})
    rows = {row.question_id: row for row in found}
    return {name: answers.read_estimate(rows[name]) for name in question_ids if name in rows}


@cache
def _latest_query(dialect: str, which: str) -> Select[Any]:
    """One newest row for each of the `ids`, which come as one JSON array."""
    of, asked = estimate.alias("of_one"), _asked(dialect)
    is_then = of.c.as_of < _AS_OF if which == "before" else of.c.as_of == _AS_OF
    newest = (
        select(of.c.row_id)
        .where(of.c.question_id == asked.c.value, is_then)
        .order_by(of.c.as_of.desc(), of.c.row_id.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return select(estimate).where(estimate.c.row_id.in_(select(newest).select_from(asked)))


def _asked(dialect: str) -> TableValuedAlias:
    ids = bindparam("ids", type_=Json())
    if dialect == "postgresql":
        return func.json_array_elements_text(cast(ids, JSON)).table_valued("value", name="asked")
    return func.json_each(ids).table_valued("value", name="asked")
