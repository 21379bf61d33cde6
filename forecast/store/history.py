"""The estimates of one question over time, as charts, lists and moves are made of them.

Of all but the newest no more is read than they show (`_HEAVY` is left out). Estimates are only
ever added, or thinned: a long history that was read is kept, and used for as long as the question
has as many rows and none newer.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from forecast.estimate import Estimate
from forecast.store import schema
from forecast.store.answers import last_of_each_as_of, made_estimate, read_estimate

type Mark = tuple[int, int]
"""How many rows a question has, and the newest of them."""

LONG, MOST_KEPT = 200, 20_000  # estimates: of a history worth keeping, and of all that are kept
_ESTIMATE = schema.estimate
_HEAVY = (
    *("curve", "contributions", "couplings", "diagnostics"),
    *("at_least", "escalation", "findings"),
)
_LEFT_OUT = (*_HEAVY, "row_id", "recorded_at")
_LIGHT = [column for column in _ESTIMATE.c if column.name not in _LEFT_OUT]
_NAMES = [column.name for column in _LIGHT]
_AT = _NAMES.index("as_of")
_OF_QUESTION = _ESTIMATE.c.question_id == bindparam("name")
_MARK = select(func.count(), func.max(_ESTIMATE.c.row_id)).where(_OF_QUESTION)
_LINES = (  # as the index has them; by row too, they would all be sorted
    select(*_LIGHT, _ESTIMATE.c.row_id).where(_OF_QUESTION).order_by(_ESTIMATE.c.as_of)
)


class Histories:
    """What was read of long histories; shared by all who ask a store."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[Mark, tuple[Estimate, ...]]] = OrderedDict()

    def course(self, connection: Connection, question_id: str, until: datetime) -> list[Estimate]:
        """The estimates with as_of <= until, by as_of; of one as_of, the last recorded. The
        newest is whole.
        """
        past = self._all(connection, question_id)
        found = list(past[: bisect_right(past, until, key=lambda one: one.as_of)])
        if found:
            last = found[-1].as_of
            is_last = (_ESTIMATE.c.question_id == question_id, _ESTIMATE.c.as_of == last)
            found[-1] = read_estimate(
                connection.execute(last_of_each_as_of().where(*is_last)).one()
            )
        return found

    def _all(self, connection: Connection, question_id: str) -> tuple[Estimate, ...]:
        count, newest = connection.execute(_MARK, {"name": question_id}).one()
        mark = (count, newest or 0)
        with self._lock:
            kept = self._kept.pop(question_id, None)
            if kept is not None and kept[0] == mark:
                self._kept[question_id] = kept
                return kept[1]
        found = _read(connection, question_id)
        if len(found) >= LONG:
            with self._lock:
                self._kept[question_id] = (mark, found)
                self._make_room()
        return found

    def _make_room(self) -> None:
        """Let go of what nobody has asked for longest; the newest stays however long it is."""
        held = sum(len(past) for _, past in self._kept.values())
        while held > MOST_KEPT and len(self._kept) > 1:
            _, (_, gone) = self._kept.popitem(last=False)
            held -= len(gone)


def _read(connection: Connection, question_id: str) -> tuple[Estimate, ...]:
    last_of_each: dict[datetime, Any] = {}
    for row in connection.execute(_LINES, {"name": question_id}):
        if (before := last_of_each.get(row[_AT])) is None or before[-1] < row[-1]:
            last_of_each[row[_AT]] = row
    return tuple(map(_light, last_of_each.values()))


def _light(row: Sequence[Any]) -> Estimate:
    return made_estimate(dict(zip(_NAMES, row, strict=False)))  # but for the number of the row
