"""Results of backtests, and the blocks of a walk that is on its way or was broken off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, select

from forecast.errors import StoreError, UsageError
from forecast.names import did_you_mean
from forecast.store import copying
from forecast.store.answers import insert_once
from forecast.store.database import Database
from forecast.store.schema import backtest, backtest_part

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from forecast.backtest import Backtest

KEPT_FOR = timedelta(days=30)  # blocks of walks that nobody took up again


@dataclass(frozen=True, slots=True)
class StoredBacktest:
    """A result and its rows, as a NumPy archive."""

    result: "Backtest"
    forecasts: bytes


class Backtests:
    """`store.backtests`; every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def add(self, result: "Backtest", forecasts: bytes) -> None:
        """Keep a result with its rows; one that is there already stays as it is."""
        self._write(_add, result, forecasts)

    def results(self, task: str | None = None) -> "list[Backtest]":
        """All results, or those of a task, the newest first."""
        return self._read(_results, task)

    def find(self, run_id: str) -> StoredBacktest:
        """One result with its rows; UsageError, with the nearest id, if there is none."""
        return self._read(_find, run_id)

    def latest(self, task: str) -> StoredBacktest | None:
        """The newest result of a task, if there is any."""
        return self._read(_latest, task)

    def facts(self) -> bytes:
        """All facts of the store, to be replayed elsewhere."""
        return self._read(copying.dump)

    def replay(self, facts: bytes, known_before: datetime | None = None) -> int:
        """Fill an empty store with facts; with a moment, only with those known before it.

        How many rows were left out for that.
        """
        return self._write(copying.load, facts, known_before)

    def parts(self, digest: str) -> dict[int, bytes]:
        """The blocks that are kept of a walk, by their place."""
        return self._read(_parts, digest)

    def add_part(self, digest: str, block: int, blob: bytes, recorded_at: datetime) -> None:
        """Keep a block; one that is there already stays as it is."""
        self._write(_add_part, digest, block, blob, recorded_at)

    def forget_parts(self, digest: str, now: datetime) -> None:
        """Let the blocks of a walk go, and those of any that was left alone for a month."""
        self._write(_forget_parts, digest, now)


def _add(connection: Connection, result: "Backtest", forecasts: bytes) -> None:
    row = {
        "run_id": result.run_id,
        "made_at": result.made_at,
        "task": result.task.name,
        "digest": result.digest,
        "result": _adapter().dump_python(result, mode="json"),
        "forecasts": forecasts,
    }
    connection.execute(insert_once(connection, backtest), row)


def _results(connection: Connection, task: str | None) -> "list[Backtest]":
    rows = _rows(connection, *([] if task is None else [backtest.c.task == task]))
    return [_read_result(row) for row in rows]


def _find(connection: Connection, run_id: str) -> StoredBacktest:
    found = _whole(connection, backtest.c.run_id == run_id)
    if found is None:
        known = list(connection.scalars(select(backtest.c.run_id)))
        raise UsageError(f"there is no backtest '{run_id}'{did_you_mean(run_id, known)}")
    return found


def _latest(connection: Connection, task: str) -> StoredBacktest | None:
    return _whole(connection, backtest.c.task == task)


def _whole(connection: Connection, which: Any) -> StoredBacktest | None:
    query = select(backtest.c.run_id, backtest.c.result, backtest.c.forecasts).where(which)
    row = connection.execute(_newest(query).limit(1)).first()
    return None if row is None else StoredBacktest(_read_result(row), row.forecasts)


def _rows(connection: Connection, *which: Any) -> Sequence[Row[Any]]:
    query = select(backtest.c.run_id, backtest.c.result).where(*which)
    return connection.execute(_newest(query)).all()


def _newest(query: Any) -> Any:
    return query.order_by(backtest.c.made_at.desc(), backtest.c.row_id.desc())


def _read_result(row: Row[Any]) -> "Backtest":
    try:
        return _adapter().validate_python(row.result)
    except ValueError as error:
        words = f"the backtest '{row.run_id}' was written by another Tocsin: {_first(error)}"
        raise StoreError(words) from None


def _first(error: ValueError) -> str:
    """What is wrong first, in few words."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    wrong = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, wrong['loc'])) or 'it'}: {wrong['msg']}"


def _parts(connection: Connection, digest: str) -> dict[int, bytes]:
    query = select(backtest_part.c.block, backtest_part.c.blob)
    found = connection.execute(query.where(backtest_part.c.digest == digest))
    return {row.block: row.blob for row in found}


def _add_part(
    connection: Connection, digest: str, block: int, blob: bytes, recorded_at: datetime
) -> None:
    row = {"digest": digest, "block": block, "blob": blob, "recorded_at": recorded_at}
    connection.execute(insert_once(connection, backtest_part), row)


def _forget_parts(connection: Connection, digest: str, now: datetime) -> None:
    part = backtest_part.c
    old = (part.digest == digest) | (part.recorded_at < now - KEPT_FOR)
    connection.execute(delete(backtest_part).where(old))


@cache
def _adapter() -> "TypeAdapter[Backtest]":
    """Made once, when it is first asked for: importing this must stay light."""
    from pydantic import TypeAdapter

    from forecast.backtest import Backtest

    return TypeAdapter(Backtest)
