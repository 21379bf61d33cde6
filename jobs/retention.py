"""Retention: what `[retention]` lets go of the past, seen beforehand or taken away.

A service does it once a day, whoever of several is first: the run ledger says whose turn it is.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from forecast.store.runs import DONE, FAILED, RunClaim
from forecast.thinning import Kind
from jobs.app import App

RUN = "tocsin/retention"  # in the run ledger, beside the names of schedules
AT = time(3, 30, tzinfo=UTC)
LEASE = timedelta(hours=6)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Thinned:
    """Of one kind: from before which moment, and how many rows go or went."""

    kind: Kind
    before: datetime
    rows: int


def surplus(app: App, now: datetime) -> list[Thinned]:
    """What would go, of each kind that `[retention]` names."""
    stated = app.config.retention.before(now)
    return [
        Thinned(kind, before, app.store.retention.count(kind, before))
        for kind, before in stated.items()
    ]


def thin(app: App, now: datetime, is_stopping: Callable[[], bool] = lambda: False) -> list[Thinned]:
    """Take it away, in transactions of a few hundred rows; what is done by then stays done."""
    stated = app.config.retention.before(now)
    return [
        Thinned(kind, before, app.store.retention.thin(kind, before, is_stopping))
        for kind, before in stated.items()
    ]


def thin_due(
    app: App, now: datetime, owner: str, is_stopping: Callable[[], bool] = lambda: False
) -> list[Thinned]:
    """Once a day, after AT: `thin`; [] where nothing is stated, or it was done already.

    Where it is broken off, the next day goes on: what may go then is what was left.
    """
    slot = last_slot(now)
    if not app.config.retention.before(now):
        return []
    done = app.store.last_slot(RUN)
    if done is not None and slot <= done <= now:
        return []
    fence = app.store.ledger.claim_run(RUN, slot, owner, now, LEASE)
    if not fence:
        return []
    run = RunClaim(RUN, slot, owner, fence)
    try:
        gone = thin(app, now, is_stopping)
    except Exception as error:
        app.store.ledger.finish_run(run, FAILED, f"{type(error).__name__}: {error}", now)
        raise
    app.store.ledger.finish_run(run, DONE, in_words(gone), now)
    _log.info("retention: %s", in_words(gone))
    return gone


def last_slot(now: datetime) -> datetime:
    """The last moment at which it was due."""
    today = datetime.combine(now.astimezone(UTC).date(), AT)
    return today if today <= now else today - timedelta(days=1)


def in_words(gone: list[Thinned]) -> str:
    """On one line.

    >>> in_words([])
    'nothing went'
    """
    some = [f"{one.rows:,} {one.kind.value.replace('_', ' ')}" for one in gone if one.rows]
    return f"{', '.join(some)} went" if some else "nothing went"
