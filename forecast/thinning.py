"""Which rows of a long past stay when it is thinned; pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What can be thinned, by its key in the table."""

    MODEL_STATES = "model_states"
    ESTIMATES = "estimates"
    AUDITS = "audits"
    DELIVERIES = "deliveries"
    RUNS = "runs"
    QUARANTINE = "quarantine"
    REQUESTS = "requests"


type Row = tuple[int, datetime]
"""A row's number, which grows as rows are recorded, and its moment."""

NEWEST_STATES = 3


def surplus_estimates(
    made: Sequence[Row], opened: Collection[datetime], changes: Iterable[datetime]
) -> list[int]:
    """Of a question's estimates of whole days (UTC), by (as_of, row), those that may go.

    What stays is the last of each day, the first of all and the first since the question
    opened, by which it is scored, and the two before each change of a rule's mind, from which
    and to which it changed. `opened` are its openings in all its wordings.
    """
    last = {as_of: row for row, as_of in made}  # of several of one moment the last one counts
    moments = list(last)
    kept = {*{moment.date(): moment for moment in moments}.values(), *moments[:1]}
    for opening in opened:
        first = bisect_left(moments, opening)
        kept.update(moments[first : first + 1])
    for change in changes:
        after = bisect_right(moments, change)
        kept.update(moments[max(after - 2, 0) : after])
    rows = {last[moment] for moment in kept}
    return [row for row, _ in made if row not in rows]


def surplus_states(made: Sequence[Row], before: datetime) -> list[int]:
    """Of a track's states, by (as_of, row), those that may go.

    What stays is all from `before` on, the newest three, and the last of each week (ISO, UTC).
    """
    last_of_week = {as_of.isocalendar()[:2]: row for row, as_of in made}
    kept = {*last_of_week.values(), *(row for row, _ in made[-NEWEST_STATES:])}
    return [row for row, as_of in made if as_of < before and row not in kept]
