"""What audits found; only ever added."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from forecast.audit import Audit, Verdict
from forecast.store.runs import RunClaim, require_held
from forecast.store.schema import audit
from forecast.store.types import columns_of

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
    judged = (audit.c.track == track, audit.c.as_of <= as_of, audit.c.verdict != Verdict.OPEN)
    newest = select(func.max(audit.c.as_of)).where(*judged).scalar_subquery()
    query = _all().where(*judged, audit.c.as_of == newest)
    return [Audit(*row) for row in connection.execute(query)]


def of_question(connection: Connection, question_id: str) -> list[Audit]:
    """All audits of a question, by (as_of, recorded)."""
    query = _all().where(audit.c.question_id == question_id)
    return [Audit(*row) for row in connection.execute(query)]


def _all() -> Select[Any]:
    columns = [audit.c[name] for name in _FIELDS]
    return select(*columns).order_by(audit.c.as_of, audit.c.row_id)
