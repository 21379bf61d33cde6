"""One slot of a schedule: claimed once, whoever ticks, and ended with a word on how it went."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.audit import Audit
from forecast.audit import in_words as verdicts_in_words
from forecast.clock import Clock, format_instant
from forecast.errors import StoreError
from forecast.question import Question
from forecast.schedule_table import Schedule
from forecast.store import RunClaim
from jobs.app import App
from jobs.audit import Audited, audit_questions
from jobs.audit import Compute as AuditCompute
from jobs.decisions import Occasion, Updated
from jobs.log import bound
from jobs.update import Compute, update_questions

LEASE = timedelta(minutes=15)  # a run that is silent for longer may be taken over
AUDIT_LEASE = timedelta(hours=6)  # NUTS takes seconds a track, and minutes where it compiles


@dataclass(frozen=True, slots=True)
class Turn:
    """A slot of a schedule and who would run it; `missed` are the slots that it makes up for.

    A run that is silent for longer than `lease` may be taken over.
    """

    schedule: Schedule
    slot: datetime
    owner: str
    clock: Clock
    missed: int = 0
    lease: timedelta = LEASE


def run_name(turn: Turn) -> str:
    """What the log calls the run: its schedule and its slot."""
    return f"{turn.schedule.id}@{format_instant(turn.slot)}"


def run_slot(app: App, turn: Turn, compute: Compute = map) -> Updated | None:
    """Update the schedule's questions as of the slot; None where another process has it.

    A failure is a stored failed run, and propagates. Where the store itself fails, the run is
    left to its lease: it is taken over, by whoever ticks then, and tried again.
    """

    def update(questions: Sequence[Question], run: RunClaim) -> Updated:
        return update_questions(app, questions, turn.slot, Occasion(turn.clock(), run=run), compute)

    def in_words(updated: Updated) -> str:
        return f"{len(updated.estimates)} estimates, {len(updated.notices)} notices"

    return _in_turn(app, turn, turn.lease, update, in_words)


def audit_slot(app: App, turn: Turn, compute: AuditCompute = map) -> Audited | None:
    """Audit the schedule's questions as of the slot, as `run_slot` updates them."""

    def audit(questions: Sequence[Question], run: RunClaim) -> Audited:
        def record(audits: Sequence[Audit]) -> None:
            app.store.record_audits(audits, turn.clock(), run)

        return audit_questions(app, questions, turn.slot, record, compute)

    def in_words(audited: Audited) -> str:
        return verdicts_in_words(audited.audits)

    return _in_turn(app, turn, max(turn.lease, AUDIT_LEASE), audit, in_words)


def _in_turn[Done: (Updated, Audited)](
    app: App,
    turn: Turn,
    lease: timedelta,
    work: Callable[[Sequence[Question], RunClaim], Done],
    in_words: Callable[[Done], str],
) -> Done | None:
    """Claim the run, do the work, and end the run with a word on how it went."""
    run = RunClaim(turn.schedule.id, turn.slot, turn.owner)
    if not app.store.claim_run(*run, turn.clock(), lease, turn.missed):
        return None
    try:
        with bound(run=run_name(turn)):
            done = work(app.store.questions(turn.schedule.questions), run)
    except StoreError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        app.store.finish_run(*run, "failed", detail, turn.clock())
        raise
    detail = in_words(done) + "".join(f"; {error}" for error in done.failures)
    app.store.finish_run(*run, "failed" if done.failures else "done", detail, turn.clock())
    return done
