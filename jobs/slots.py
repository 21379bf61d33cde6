"""One slot of a schedule: claimed once, whoever ticks, and ended with a word on how it went."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from forecast.audit import Audit, in_words
from forecast.clock import Clock
from forecast.config import Schedule
from forecast.errors import StoreError, TocsinError
from forecast.store import RunClaim
from jobs.app import App
from jobs.audit import Audited, audit_questions
from jobs.audit import Compute as AuditCompute
from jobs.decisions import Occasion, Updated
from jobs.update import Compute, update_questions

LEASE = timedelta(minutes=15)  # a run that is silent for longer may be taken over
AUDIT_LEASE = timedelta(hours=6)  # NUTS takes seconds a track, and minutes where it compiles


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
    run = RunClaim(schedule.id, slot, owner)
    if not app.store.claim_run(*run, clock(), lease, missed):
        return None
    with _failing(app, run, clock):
        questions = app.store.questions(schedule.questions)
        updated = update_questions(app, questions, slot, Occasion(clock(), run=run), compute)
    detail = f"{len(updated.estimates)} estimates, {len(updated.notices)} notices"
    _finish(app, run, detail, updated.failures, clock)
    return updated


def audit_slot(
    app: App,
    schedule: Schedule,
    slot: datetime,
    owner: str,
    clock: Clock,
    *,
    missed: int = 0,
    compute: AuditCompute = map,
    lease: timedelta = LEASE,
) -> Audited | None:
    """Audit the schedule's questions as of the slot, as `run_slot` updates them."""
    run = RunClaim(schedule.id, slot, owner)
    if not app.store.claim_run(*run, clock(), max(lease, AUDIT_LEASE), missed):
        return None

    def record(audits: Sequence[Audit]) -> None:
        app.store.record_audits(audits, clock(), run)

    with _failing(app, run, clock):
        questions = app.store.questions(schedule.questions)
        audited = audit_questions(app, questions, slot, record, compute)
    detail = in_words(audited.audits)
    _finish(app, run, detail, audited.failures, clock)
    return audited


@contextmanager
def _failing(app: App, run: RunClaim, clock: Clock) -> Iterator[None]:
    """Store a failure of the run, and let it propagate."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        app.store.finish_run(*run, "failed", detail, clock())
        raise


def _finish(
    app: App, run: RunClaim, detail: str, failures: Sequence[TocsinError], clock: Clock
) -> None:
    detail += "".join(f"; {error}" for error in failures)
    app.store.finish_run(*run, "failed" if failures else "done", detail, clock())
