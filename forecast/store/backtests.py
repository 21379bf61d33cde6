"""Results of backtests, and the blocks of a walk that is on its way or was broken off."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
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

_log = logging.getLogger(__name__)

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
        self._told: set[str] = set()  # of which runs it was said that they cannot be read

    def add(self, result: "Backtest", forecasts: bytes) -> None:
        """Keep a result with its rows; one that is there already stays as it is."""
        self._write(_add, result, forecasts)

    def results(self, task: str | None = None) -> "list[Backtest]":
        """All results, or those of a task, the newest first.

        One that another Tocsin wrote, and this one cannot read, is left out, with a warning.
        """
        return self._read(self._readable, task)

    def newest(self, limit: int) -> "list[Backtest]":
        """So many of all results, the newest first; as for `results`."""
        return self._read(lambda connection: list(islice(self._each(connection, None), limit)))

    def find(self, run_id: str) -> StoredBacktest:
        """One result with its rows; UsageError, with the nearest id, if there is none."""
        return self._read(_find, run_id)

    def latest(self, task: str) -> StoredBacktest | None:
        """The newest result of a task, if there is any; as for `results`."""
        return self._read(self._latest, task)

    def unreadable(self) -> list[str]:
        """Why each result that this Tocsin cannot read is not read."""
        return self._read(_unreadable)

    def forget(self, run_id: str) -> None:
        """Let a result go, readable or not; UsageError, with the nearest id, if there is none."""
        self._write(_forget, run_id)

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

    def _readable(self, connection: Connection, task: str | None) -> "list[Backtest]":
        return list(self._each(connection, task))

    def _latest(self, connection: Connection, task: str) -> StoredBacktest | None:
        newest = next(self._each(connection, task), None)
        return None if newest is None else _find(connection, newest.run_id)

    def _each(self, connection: Connection, task: str | None) -> "Iterator[Backtest]":
        """Those that can be read, the newest first; each of the others is warned of once."""
        query = select(backtest.c.run_id, backtest.c.result)
        if task is not None:
            query = query.where(backtest.c.task == task)
        rows: Iterable[Row[Any]] = connection.execute(_newest(query))
        for row in rows:
            try:
                yield _read_result(row)
            except StoreError as error:
                if row.run_id not in self._told:
                    self._told.add(row.run_id)
                    _log.warning("%s", error)


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


def _find(connection: Connection, run_id: str) -> StoredBacktest:
    query = select(backtest.c.run_id, backtest.c.result, backtest.c.forecasts)
    row: Any = connection.execute(query.where(backtest.c.run_id == run_id)).first()
    if row is None:
        raise _no_such(connection, run_id)
    return StoredBacktest(_read_result(row), row.forecasts)


def _no_such(connection: Connection, run_id: str) -> UsageError:
    known = list(connection.scalars(select(backtest.c.run_id)))
    return UsageError(f"there is no backtest '{run_id}'{did_you_mean(run_id, known)}")


def _forget(connection: Connection, run_id: str) -> None:
    if not connection.execute(delete(backtest).where(backtest.c.run_id == run_id)).rowcount:
        raise _no_such(connection, run_id)


def _unreadable(connection: Connection) -> list[str]:
    found = []
    for row in connection.execute(_newest(select(backtest.c.run_id, backtest.c.result))):
        try:
            _read_result(row)
        except StoreError as error:
            found.append(str(error))
    return found


def _newest(query: Any) -> Any:
    return query.order_by(backtest.c.made_at.desc(), backtest.c.row_id.desc())


def _read_result(row: Row[Any]) -> "Backtest":
    try:
        return _adapter().validate_python(row.result)
    except ValueError as error:
        raise StoreError(
            f"the backtest '{row.run_id}' was written by another Tocsin: {_first(error)}; "
            f"`tocsin backtest --forget {row.run_id}` lets it go"
        ) from None


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
