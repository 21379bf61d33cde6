"""`store.learnt`: what the data made of priors, as of each moment at which it changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from forecast.belief import Belief, Learnt, Numbers
from forecast.store.database import Database
from forecast.store.learnt_schema import learnt
from forecast.store.types import UtcInstant, columns_of

DIGITS = 6  # that are kept of a number
_TOLD = (  # built once, for every update of every track asks
    select(learnt.c.row_id)
    .where(learnt.c.track == bindparam("track"))
    .where(learnt.c.as_of <= bindparam("as_of", type_=UtcInstant()))
    .limit(1)
)


class LearntOf:
    """Every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def at(self, definition: str, unit: str, as_of: datetime) -> Learnt | None:
        """The newest of a root definition at a unit with a moment at or before `as_of`."""
        return self._read(_at, definition, unit, as_of)

    def units(self, definition: str, as_of: datetime) -> list[str]:
        """The units of which there is one by then, sorted."""
        return self._read(_units, definition, as_of)


def add(connection: Connection, found: Iterable[Learnt], recorded_at: datetime) -> None:
    """Add what was learnt; of several of one moment the last row counts."""
    rows = [
        columns_of(one)
        | {"track": one.track, "beliefs": list(map(_written, one.beliefs))}
        | {"recorded_at": recorded_at}
        for one in found
    ]
    if rows:
        connection.execute(learnt.insert(), rows)


def is_told(connection: Connection, track: str, as_of: datetime) -> bool:
    """Whether there is anything of a track by then."""
    return connection.scalar(_TOLD, {"track": track, "as_of": as_of}) is not None


def _at(connection: Connection, definition: str, unit: str, as_of: datetime) -> Learnt | None:
    columns = (learnt.c[name] for name in ("definition", "unit", "model", "as_of", "beliefs"))
    query = (
        select(*columns)
        .where(learnt.c.definition == definition, learnt.c.unit == unit, learnt.c.as_of <= as_of)
        .order_by(learnt.c.as_of.desc(), learnt.c.row_id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Learnt(row.definition, row.unit, row.model, row.as_of, tuple(map(_read, row.beliefs)))


def _units(connection: Connection, definition: str, as_of: datetime) -> list[str]:
    of = (learnt.c.definition == definition, learnt.c.as_of <= as_of)
    return list(connection.scalars(select(learnt.c.unit).where(*of).distinct().order_by("unit")))


def _written(belief: Belief) -> dict[str, Any]:
    """A belief as JSON: its numbers as [median, lower, upper], rounded."""
    prior, now = belief.prior, belief.now
    return {
        "key": belief.key,
        "words": belief.words,
        "fading": belief.fading,
        "unit": prior.unit,
        "prior": [_rounded(x) for x in (prior.median, prior.lower, prior.upper)],
        "now": [_rounded(x) for x in (now.median, now.lower, now.upper)],
        "moved": _rounded(belief.moved),
        "narrower": _rounded(belief.narrower),
    }


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def _read(told: dict[str, Any]) -> Belief:
    unit = told["unit"]
    return Belief(
        key=told["key"],
        prior=Numbers(unit, *told["prior"]),
        now=Numbers(unit, *told["now"]),
        moved=told["moved"],
        narrower=told["narrower"],
        words=told["words"],
        fading=told["fading"],
    )
