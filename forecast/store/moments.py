"""`store.moments`: when estimates stand and what they came to, without all else in them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import batched

from sqlalchemy import Connection, bindparam, select

from forecast.store.database import Database
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
