"""One slot of a schedule: claimed once, whoever ticks, and ended with a word on how it went."""

from datetime import datetime, timedelta

from forecast.clock import Clock
from forecast.config import Schedule
from forecast.errors import StoreError
from forecast.store import RunClaim
from jobs.app import App
from jobs.decisions import Occasion, Updated
from jobs.update import Compute, update_questions

LEASE = timedelta(minutes=15)  # a run that is silent for longer may be taken over


def run_slot(
    app: App,
    schedule: Schedule,
    slot: datetime,
    owner: str,
    clock: Clock,
    *,
    missed: int = 0,
    compute: Compute = map,
    lease: timedelta = LEASE,
) -> Updated | None:
    """Update the schedule's questions as of the slot; None where another process has it.

    A failure is a stored failed run, and propagates. Where the store itself fails, the run is
    left to its lease: it is taken over, by whoever ticks then, and tried again.
    """
    if not app.store.claim_run(schedule.id, slot, owner, clock(), lease, missed):
        return None
    occasion = Occasion(clock(), run=RunClaim(schedule.id, slot, owner))
    try:
        questions = app.store.questions(schedule.questions)
        updated = update_questions(app, questions, slot, occasion, compute)
    except StoreError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        app.store.finish_run(schedule.id, slot, owner, "failed", detail, clock())
        raise
    detail = f"{len(updated.estimates)} estimates, {len(updated.deliveries)} messages"
    detail += "".join(f"; {error}" for error in updated.failures)
    status = "failed" if updated.failures else "done"
    app.store.finish_run(schedule.id, slot, owner, status, detail, clock())
    return updated
