"""`store.moments`: the moments at which estimates stand, without the estimates."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import batched

from sqlalchemy import Connection, select

from forecast.store.database import Database
from forecast.store.schema import estimate
from forecast.store.versions import IDS, MOST_IDS

_MOMENTS = (
    select(estimate.c.question_id, estimate.c.as_of)
    .where(estimate.c.question_id.in_(IDS))
    .distinct()
    .order_by(estimate.c.question_id, estimate.c.as_of)
)


class Moments:
    """Each method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read = database.read

    def of(self, question_ids: Iterable[str]) -> dict[str, list[datetime]]:
        """The moments of the estimates of those of some questions that have any, in order."""
        return self._read(_moments, question_ids)


def _moments(connection: Connection, question_ids: Iterable[str]) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    for ids in batched(question_ids, MOST_IDS, strict=False):
        for question_id, as_of in connection.execute(_MOMENTS, {"ids": list(ids)}):
            found[question_id].append(as_of)
    return dict(found)
