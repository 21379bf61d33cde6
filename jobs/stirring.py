"""Updates on news: units that new facts are about are updated at once, whoever ticks.

The facts' own transaction marked them. A unit is claimed with a lease and a fence: whoever dies
of it leaves it to the next one, and whoever was frozen past its lease writes nothing. News that
comes while a unit is updated makes it due again; a unit that fails is left alone for longer and
longer.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from forecast.clock import Clock
from forecast.config import Config
from forecast.errors import StoreError, TocsinError
from forecast.estimate import Health
from forecast.question import Question
from forecast.store.due_units import DueClaim, DueUnit
from jobs.app import App
from jobs.decisions import Occasion, Updated
from jobs.notify import form_due
from jobs.prior_ledger import words_of
from jobs.update import Compute, update_questions

BATCH = 32  # units claimed at once: what a stop waits for, and a kill leaves to its lease
MOST = 4 * BATCH  # of one call, which under constant news would never end, nor hear of an edit
LEASE = timedelta(minutes=5)  # a batch of ordinary updates takes a second
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stirred:
    """What the updates on news came to: how many units, and what of each."""

    units: int = 0
    updated: Updated = field(default_factory=Updated)


def pause_after(attempts: int) -> timedelta:
    """How long a unit is left alone that failed so many times in a row.

    >>> [pause_after(n) // timedelta(minutes=1) for n in (1, 2, 3, 7, 99)]
    [1, 2, 4, 60, 60]
    """
    doubled: int = 2 ** min(attempts - 1, 10)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def update_due(
    app: App,
    clock: Clock,
    owner: str,
    compute: Compute = map,
    *,
    lease: timedelta = LEASE,
    is_stopping: Callable[[], bool] = lambda: False,
    most: int = MOST,
) -> Stirred:
    """Update the questions of the units with news that are due, `most` or a few more, and ring.

    `owner` names this process in its claims. StoreError where the store fails: what was claimed
    is then left to its lease.
    """
    stirred, table = Stirred(), app.config.updates
    if not table.on_news:
        return stirred
    wait = (table.quiet, table.longest)
    while (
        stirred.units < most
        and not is_stopping()
        and app.store.due_units.is_any_due(clock(), *wait)
    ):
        now = clock()
        claim = app.store.due_units.claim(now, owner, lease, BATCH, *wait)
        if not claim.units:  # somebody else was quicker
            break
        stirred.units += len(claim.units)
        stirred.updated.add(_update(app, claim, now, clock, compute).in_brief())
    return stirred


def stir_changed(app: App, before: Config, now: datetime) -> int:
    """Make due what is believed otherwise than `before`: how many units have it asked of them."""
    config = app.config
    if not config.updates.on_news:
        return 0
    changed = [
        name
        for name in config.definitions
        if name not in before.definitions or words_of(config, name) != words_of(before, name)
    ]
    return app.store.due_units.stir(changed, now)


def _update(app: App, claim: DueClaim, as_of: datetime, clock: Clock, compute: Compute) -> Updated:
    """Update the units of a claim, and those that listen to them, as of its moment."""
    names = [due.unit for due in claim.units]
    try:
        questions = app.store.due_units.questions(names, listeners(app.config, names))
        updated = update_questions(app, questions, as_of, Occasion(clock(), run=claim), compute)
    except StoreError:
        raise
    except Exception as error:
        _fail(app, claim, claim.units, clock(), error)
        raise
    form_due(app, clock())  # at once: the rest may wait for the next tick
    failed = _failed(app, questions, updated, as_of) if updated.failures else set()
    done = [due for due in claim.units if due.unit not in failed]
    app.store.due_units.finish(claim, done, as_of)
    if failed:
        left = [due for due in claim.units if due.unit in failed]
        _fail(app, claim, left, clock(), updated.failures[0])
    return updated


def listeners(config: Config, units: Sequence[str]) -> list[str]:
    """The definitions that listen to any of some units, with all that lies within them."""
    roots = {name for name, table in config.definitions.items() if table.coupled.keys() & {*units}}
    if not roots:
        return []
    return [name for name in config.definitions if config.root_of(name) in roots]


def _failed(app: App, questions: Sequence[Question], updated: Updated, as_of: datetime) -> set[str]:
    """The units with a running question that has no estimate of its own from this update."""
    done = {e.question_id for e in updated.estimates if e.health is not Health.HELD}
    left = [q for q in questions if q.deadline > as_of and q.question_id not in done]
    over = app.store.resolved([q.question_id for q in left], as_of)
    over |= {row.question_id for row in updated.resolutions}
    return {q.unit for q in left if q.question_id not in over}


def _fail(
    app: App, claim: DueClaim, units: Sequence[DueUnit], now: datetime, error: Exception
) -> None:
    words = str(error) if isinstance(error, TocsinError) else f"{type(error).__name__}: {error}"
    for due in units:
        pause = pause_after(due.attempts + 1)
        app.store.due_units.fail(claim, due, now + pause, " ".join(words.split()))
        _log.warning("news of %s: tried again in %s: %s", due.unit, pause, words)
