"""What we said: estimates, and what models remember; only ever added."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    select,
)
from sqlalchemy.sql.dml import Insert

from forecast.clock import format_instant
from forecast.estimate import Contribution, Coupling, CurvePoint, Estimate, Interval, Move
from forecast.store import schema
from forecast.store.types import Encoded, UtcInstant, columns_of

type ModelState = tuple[str, datetime, bytes]
type Shared = dict[int, tuple[object, Encoded]]
"""What is encoded already, by the id of what it is of, which is kept alive beside it."""

_ESTIMATE = schema.estimate
# Built once, for every update of every track asks.
_STATE_NOW = (
    select(schema.model_state.c.blob)
    .where(schema.model_state.c.key == bindparam("key"))
    .order_by(schema.model_state.c.as_of.desc(), schema.model_state.c.row_id.desc())
    .limit(1)
)
_STATE_AT = _STATE_NOW.where(schema.model_state.c.as_of <= bindparam("as_of", type_=UtcInstant()))


def add_estimates(
    connection: Connection, estimates: Iterable[Estimate], recorded_at: datetime
) -> None:
    """Add estimates; one that is there already (question, as_of, inputs) is left alone."""
    shared: Shared = {}
    rows = [
        _estimate_row(estimate, shared) | {"recorded_at": recorded_at} for estimate in estimates
    ]
    if rows:
        connection.execute(insert_once(connection, _ESTIMATE), rows)


def add_model_states(
    connection: Connection, states: Iterable[ModelState], recorded_at: datetime
) -> None:
    """Add what models remember; a state equal to the one before it is not written again."""
    for key, as_of, blob in states:
        if model_state(connection, key, as_of) != blob:
            row = {"key": key, "as_of": as_of, "blob": blob, "recorded_at": recorded_at}
            connection.execute(schema.model_state.insert(), row)


def estimates(
    connection: Connection, question_id: str, since: datetime | None, until: datetime | None
) -> list[Estimate]:
    """The estimates with since <= as_of <= until, by as_of; of one as_of, the last recorded."""
    query = last_of_each_as_of().where(_ESTIMATE.c.question_id == question_id)
    if since is not None:
        query = query.where(_ESTIMATE.c.as_of >= since)
    if until is not None:
        query = query.where(_ESTIMATE.c.as_of <= until)
    return [read_estimate(row) for row in connection.execute(query.order_by(_ESTIMATE.c.as_of))]


def latest_estimate(
    connection: Connection, question_id: str, before: datetime | None
) -> Estimate | None:
    """The newest estimate of a question, or the newest with as_of < before."""
    query = select(_ESTIMATE).where(_ESTIMATE.c.question_id == question_id)
    if before is not None:
        query = query.where(_ESTIMATE.c.as_of < before)
    query = query.order_by(_ESTIMATE.c.as_of.desc(), _ESTIMATE.c.row_id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else read_estimate(row)


def latest_estimates(connection: Connection) -> dict[str, Estimate]:
    """The newest estimate of every question that has one."""
    asked = select(_ESTIMATE.c.question_id).distinct().subquery()
    one = _ESTIMATE.alias("one")
    newest = (
        select(one.c.row_id)
        .where(one.c.question_id == asked.c.question_id)
        .order_by(one.c.as_of.desc(), one.c.row_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(_ESTIMATE).join(asked, _ESTIMATE.c.row_id == newest)
    return {row.question_id: read_estimate(row) for row in connection.execute(query)}


def model_state(connection: Connection, key: str, as_of: datetime | None) -> bytes | None:
    """What a model remembered at `as_of` (its newest state with as_of <= that), or now."""
    if as_of is None:
        blob = connection.scalar(_STATE_NOW, {"key": key})
    else:
        blob = connection.scalar(_STATE_AT, {"key": key, "as_of": as_of})
    return None if blob is None else bytes(blob)


def insert_once(connection: Connection, table: Table) -> Insert:
    """An INSERT that leaves a row alone which is there already."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql(table).on_conflict_do_nothing()
    from sqlalchemy.dialects.sqlite import insert

    return insert(table).on_conflict_do_nothing()


def last_of_each_as_of() -> Select[Any]:
    later = _ESTIMATE.alias("later")
    same = [later.c[name] == _ESTIMATE.c[name] for name in ("question_id", "as_of")]
    return select(_ESTIMATE).where(
        ~exists().where(and_(*same, later.c.row_id > _ESTIMATE.c.row_id))
    )


def _estimate_row(estimate: Estimate, shared: Shared) -> dict[str, Any]:
    row = columns_of(estimate)
    row |= columns_of(row.pop("interval"))
    row["curve"] = _once(shared, estimate.curve, _point)
    row["contributions"] = _once(shared, estimate.contributions, columns_of)
    row["couplings"] = [columns_of(coupling) for coupling in estimate.couplings]
    row["moved"] = None if estimate.moved is None else columns_of(estimate.moved)
    return row


def _once[Part](
    shared: Shared, parts: tuple[Part, ...], write: Callable[[Part], dict[str, Any]]
) -> Encoded:
    """Parts as JSON; the same tuple of several estimates is encoded once."""
    if id(parts) not in shared:
        shared[id(parts)] = (parts, Encoded.of([write(part) for part in parts]))
    return shared[id(parts)][1]


def _point(point: CurvePoint) -> dict[str, Any]:
    return columns_of(point) | {"by": format_instant(point.by)}


@lru_cache(maxsize=1 << 14)
def _moment(text: str) -> datetime:
    """Remembered: the curves of a track's questions end at the same moments."""
    return datetime.fromisoformat(text)


def read_estimate(row: Row[Any]) -> Estimate:
    """The estimate that a whole row holds."""
    values = dict(row._mapping)
    del values["row_id"], values["recorded_at"]
    values["curve"] = tuple(
        CurvePoint(_moment(point.pop("by")), **point) for point in values["curve"]
    )
    values["contributions"] = tuple(
        Contribution(**part | {"incidents": tuple(part["incidents"])})
        for part in values["contributions"]
    )
    values["couplings"] = tuple(Coupling(**coupling) for coupling in values["couplings"])
    for name in ("at_least", "escalation", "findings"):
        values[name] = tuple(values[name])
    return made_estimate(values)


def made_estimate(values: dict[str, Any]) -> Estimate:
    """The estimate of some columns; those that are left out are empty."""
    lower, upper, mass = values.pop("lower"), values.pop("upper"), values.pop("mass")
    values["quantiles"] = tuple(values["quantiles"])
    if values["moved"] is not None:
        values["moved"] = Move(**values["moved"])
    return Estimate(interval=Interval(lower, upper, mass), **values)
