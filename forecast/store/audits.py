"""What audits found; only ever added."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from forecast.audit import Audit, Verdict
from forecast.store.runs import RunClaim, require_held
from forecast.store.schema import audit
from forecast.store.types import UtcInstant, columns_of

_FIELDS = [field.name for field in fields(Audit)]


def add(
    connection: Connection, audits: Iterable[Audit], run: RunClaim | None, recorded_at: datetime
) -> None:
    """Add audits; StoreError where the run is no longer held."""
    if run is not None:
        require_held(connection, run)
    rows = [columns_of(one) | {"recorded_at": recorded_at} for one in audits]
    if rows:
        connection.execute(audit.insert(), rows)


def latest(connection: Connection, track: str, as_of: datetime) -> list[Audit]:
    """The audits of a track's newest moment, at or before `as_of`, that could be judged."""
    found = connection.execute(_latest(), {"track": track, "as_of": as_of})
    return [Audit(*row) for row in found]


def of_question(connection: Connection, question_id: str) -> list[Audit]:
    """All audits of a question, by (as_of, recorded)."""
    query = _all().where(audit.c.question_id == question_id)
    return [Audit(*row) for row in connection.execute(query)]


@cache
def _latest() -> Select[Any]:
    at = bindparam("as_of", type_=UtcInstant())
    judged = (
        audit.c.track == bindparam("track"),
        audit.c.as_of <= at,
        audit.c.verdict != Verdict.OPEN,
    )
    newest = select(func.max(audit.c.as_of)).where(*judged).scalar_subquery()
    return _all().where(*judged, audit.c.as_of == newest)


def _all() -> Select[Any]:
    columns = [audit.c[name] for name in _FIELDS]
    return select(*columns).order_by(audit.c.as_of, audit.c.row_id)
