"""One slot of a schedule: claimed once, whoever ticks, done in parts, and ended with a word on
how it went.

A small run is one part, which its process holds from the start. Of a larger one everybody takes
parts that nobody holds: this process here, other services on the store, workers from the queue.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.audit import Audit
from forecast.audit import in_words as verdicts_in_words
from forecast.clock import Clock, format_instant
from forecast.errors import StoreError
from forecast.question import Question
from forecast.schedule_table import Schedule
from forecast.store import Part, RunClaim
from forecast.store.runs import taken_over
from jobs.app import App
from jobs.audit import Audited, audit_questions
from jobs.audit import Compute as AuditCompute
from jobs.decisions import Occasion, Updated
from jobs.log import bound
from jobs.update import Compute, update_questions
from jobs.workers.shards import shares_of

LEASE = timedelta(minutes=15)  # who is silent for longer may be taken over from
AUDIT_LEASE = timedelta(hours=1)  # NUTS takes seconds a track, and minutes where it compiles
DONE, FAILED = "done", "failed"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """A slot of a schedule and who would run it; `missed` are the slots that it makes up for.

    What is held is renewed between two tracks; who is silent for longer than `lease` may be
    taken over from. `is_stopping` is asked before another part is begun.
    """

    schedule: Schedule
    slot: datetime
    owner: str
    clock: Clock
    missed: int = 0
    lease: timedelta = LEASE
    is_stopping: Callable[[], bool] = bool  # never


def run_name(turn: Turn) -> str:
    """What the log calls the run: its schedule and its slot."""
    return _name(turn.schedule.id, turn.slot)


def part_name(part: Part) -> str:
    """What the log calls a part."""
    return f"{_name(part.schedule_id, part.slot)} part {part.part}"


def run_slot(app: App, turn: Turn, compute: Compute = map, *, works: bool = True) -> Updated | None:
    """Update the schedule's questions as of the slot; None where others have all of it.

    Without `works` it is begun, and left to workers. A failure is a stored failed run, and
    propagates. Where the store itself fails, the part is left to its lease: it is taken over, by
    whoever ticks then, and tried again.
    """
    held = None
    if not app.store.ledger.has_parts(turn.schedule.id, turn.slot):
        begun = _begin(app, turn, works=works)
        if not begun:
            return None
        held = begun[0]
        if not works:
            _log.info("%s: %d parts are left to workers", run_name(turn), len(begun))
    return run_parts(app, turn, compute, held) if works else None


def run_parts(app: App, turn: Turn, compute: Compute, held: Part | None = None) -> Updated | None:
    """Do `held`, and then parts of the run for as long as there is one to be had; or None."""
    done: Updated | None = None
    trouble: Exception | None = None
    part = held or _next_part(app, turn)
    while part is not None:
        done = done or Updated()
        try:
            done.add(run_part(app, part, turn.clock, turn.lease, compute).in_brief())
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised when the other parts are done
            trouble = trouble or error
        part = None if turn.is_stopping() else _next_part(app, turn)
    if trouble is not None:
        raise trouble
    return done


def run_part(
    app: App, part: Part, clock: Clock, lease: timedelta, compute: Compute = map
) -> Updated:
    """Update the questions of a part that is held, and end it; the run too, with the last one."""
    ledger, claim = app.store.ledger, part.claim
    found = app.store.alerts.questions_among(part.questions)
    questions = [found[name] for name in part.questions if name in found]
    holding = _holding(app, claim, clock, lease, compute)
    try:
        with bound(run=_name(part.schedule_id, part.slot)):
            occasion = Occasion(clock(), run=claim)
            updated = update_questions(app, questions, part.slot, occasion, holding)
    except StoreError as error:
        raise _reason(app, claim, error) from None
    except Exception as error:
        ledger.end_part(claim, FAILED, f"{type(error).__name__}: {error}", clock())
        raise
    counts = {"estimates": len(updated.estimates), "notices": len(updated.notices)}
    words = f"{counts['estimates']} estimates, {counts['notices']} notices"
    detail = words + "".join(f"; {error}" for error in updated.failures)
    status = FAILED if updated.failures else DONE
    ended = ledger.end_part(claim, status, detail, clock(), **counts)
    if ended is not None and ended[1] != detail:
        said = _log.info if ended[0] == DONE else _log.error
        said("%s: the run is %s: %s", _name(part.schedule_id, part.slot), *ended)
    return updated


def audit_slot(app: App, turn: Turn, compute: AuditCompute = map) -> Audited | None:
    """Audit the schedule's questions as of the slot, whole; None where another process has it."""
    lease = max(turn.lease, AUDIT_LEASE)
    at = (turn.schedule.id, turn.slot, turn.owner)
    fence = app.store.ledger.claim_run(*at, turn.clock(), lease, turn.missed)
    if not fence:
        return None
    run = RunClaim(*at, fence)

    def record(audits: Sequence[Audit]) -> None:
        app.store.record_audits(audits, turn.clock(), run)

    holding = _holding(app, run, turn.clock, lease, compute)
    try:
        with bound(run=run_name(turn)):
            done = audit_questions(app, _questions(app, turn), turn.slot, record, holding)
    except StoreError:
        raise
    except Exception as error:
        app.store.ledger.finish_run(run, FAILED, f"{type(error).__name__}: {error}", turn.clock())
        raise
    detail = verdicts_in_words(done.audits) + "".join(f"; {error}" for error in done.failures)
    app.store.ledger.finish_run(run, FAILED if done.failures else DONE, detail, turn.clock())
    return done


def _begin(app: App, turn: Turn, *, works: bool) -> list[Part]:
    """The parts of the run, as they are stored with it; none where another process was first."""
    shares = shares_of(app.config, _questions(app, turn))
    return app.store.ledger.begin(
        RunClaim(turn.schedule.id, turn.slot, turn.owner),
        *(shares, turn.clock(), turn.lease, turn.missed),
        keeps=works,
        is_queued=len(shares) > 1 or not works,
    )


def _questions(app: App, turn: Turn) -> list[Question]:
    return [question for question in app.store.questions() if turn.schedule.takes(question)]


def _next_part(app: App, turn: Turn) -> Part | None:
    at = (turn.schedule.id, turn.slot, turn.owner)
    return app.store.ledger.claim_part(*at, turn.clock(), turn.lease)


def _reason(app: App, claim: RunClaim, error: StoreError) -> StoreError:
    """Why a holder failed: who was frozen in a transaction finds its connection cut, but why?"""
    try:
        return error if app.store.ledger.holds(claim) else taken_over(claim)
    except StoreError:
        return error


def _holding[Item, Done](
    app: App,
    claim: RunClaim,
    clock: Clock,
    lease: timedelta,
    compute: Callable[[Callable[[Item], Done], Iterable[Item]], Iterable[Done]],
) -> Callable[[Callable[[Item], Done], Iterable[Item]], Iterable[Done]]:
    """`compute`, whose holder renews its lease between two tracks once a third of it is over."""
    renewed_at = clock()

    def kept[Thing](things: Iterable[Thing]) -> Iterator[Thing]:
        nonlocal renewed_at
        for thing in things:
            now = clock()
            if now - renewed_at >= lease / 3:
                app.store.ledger.renew(claim, now + lease)
                renewed_at = now
            yield thing

    return lambda work, items: kept(compute(work, kept(items)))


def _name(schedule_id: str, slot: datetime) -> str:
    return f"{schedule_id}@{format_instant(slot)}"
