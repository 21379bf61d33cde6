"""`store.moments`: when estimates stand and what they came to, without all else in them; how
questions were worded then.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from sqlalchemy import Connection, bindparam, select

from forecast.question import Question
from forecast.store.database import Database
from forecast.store.facts import QUESTIONS
from forecast.store.schema import estimate
from forecast.store.types import UtcInstant
from forecast.store.versions import IDS, MOST_IDS

UNTIL = bindparam("until", type_=UtcInstant())
_MOMENTS = (
    select(estimate.c.question_id, estimate.c.as_of)
    .where(estimate.c.question_id.in_(IDS))
    .distinct()
    .order_by(estimate.c.question_id, estimate.c.as_of)
)
_SAID = (
    select(estimate.c.question_id, estimate.c.as_of, estimate.c.probability)
    .where(estimate.c.question_id.in_(IDS), estimate.c.as_of <= UNTIL)
    .order_by(estimate.c.question_id, estimate.c.as_of, estimate.c.row_id)
)
_ROW = QUESTIONS.table.c
_WORDINGS = (
    select(*QUESTIONS.columns, _ROW.recorded_at)
    .where(_ROW.question_id.in_(IDS))
    .order_by(_ROW.row_id)
)
_LAST_RECORDED = select(estimate.c.recorded_at).order_by(estimate.c.row_id.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Worded:
    """A question in the words that stood at a moment, and when these were written down.

    Where none were by then, those of today: `recorded_at` is later than the moment.
    """

    question: Question
    recorded_at: datetime


class Moments:
    """Each method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def of(self, question_ids: Iterable[str]) -> dict[str, list[datetime]]:
        """The moments of the estimates of those of some questions that have any, in order."""
        return self._read(_moments, question_ids)

    def probabilities(
        self, question_ids: Iterable[str], until: datetime
    ) -> dict[str, dict[datetime, float]]:
        """What was said of some questions up to a moment, by question and in the order of time."""
        return self._read(_probabilities, question_ids, until)

    def worded(self, question_ids: Iterable[str], moment: datetime) -> dict[str, Worded]:
        """Those of some questions that there are, as they were worded at a moment."""
        return self._read(_worded, question_ids, moment)

    def last_recorded(self) -> datetime | None:
        """When the newest estimate was written down; before it is the past."""
        return self._read(lambda connection: connection.scalar(_LAST_RECORDED))


def _moments(connection: Connection, question_ids: Iterable[str]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    for ids in batched(question_ids, MOST_IDS):
        for question_id, as_of in connection.execute(_MOMENTS, {"ids": list(ids)}):
            found[question_id].append(as_of)
    return dict(found)


def _probabilities(
    connection: Connection, question_ids: Iterable[str], until: datetime
) -> dict[str, dict[datetime, float]]:
    found: dict[str, dict[datetime, float]] = defaultdict(dict)
    for ids in batched(question_ids, MOST_IDS):
        for name, as_of, p in connection.execute(_SAID, {"ids": list(ids), "until": until}):
            found[name][as_of] = p  # of one moment the last row counts
    return dict(found)


def _worded(
    connection: Connection, question_ids: Iterable[str], moment: datetime
) -> dict[str, Worded]:
    found: dict[str, Worded] = {}
    for ids in batched(question_ids, MOST_IDS):
        for *values, recorded_at in connection.execute(_WORDINGS, {"ids": list(ids)}):
            before = found.get(values[0])
            # in the order of rows: what was written down by then is not replaced by later words
            if recorded_at <= moment or before is None or before.recorded_at > moment:
                found[values[0]] = Worded(Question(*values), recorded_at)
    return found
