"""The audit: NUTS on the rows of every track, beside the answer that the fast rungs give.

    work   = prepare(track)     as for an update, as of the same moment
    audits = audit(work)        pure; the answer of an update, and that of NUTS from the same
                                facts with randomness of its own
    record(audits)              track by track

A failed audit is a doubt (`forecast.audit.doubt_of`) until a newer one is passed: updates then
ask NUTS first, and what any other rung answers is unverified.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from forecast.audit import Audit, Verdict, difference, verdict_of
from forecast.errors import TocsinError
from forecast.estimate import Estimate, Health
from forecast.question import Question
from jobs.app import App
from jobs.decisions import Failure, Work
from jobs.update import Snapshots, failure_of, works_of
from models.api import EventModel
from models.audit import Auditable, Sampled
from models.registry import family

OTHER_SEED = 1  # added to the track's: the two answers must not share their randomness

type Found = tuple[Audit, ...] | Failure
type Compute = Callable[[Callable[[Work], Found], Iterable[Work]], Iterable[Found]]


@dataclass(slots=True)
class Audited:
    """What an audit came to; `failures` are of tracks, which do not stop the others."""

    audits: list[Audit] = field(default_factory=list)
    failures: list[TocsinError] = field(default_factory=list)


def audit_questions(
    app: App,
    questions: Sequence[Question],
    as_of: datetime,
    record: Callable[[Sequence[Audit]], None],
    compute: Compute = map,
) -> Audited:
    """Audit the tracks of the questions as of `as_of`; StoreError where the store fails.

    `record` is given the audits of a track as they come; `compute` maps `audit` over the
    tracks. Families that NUTS cannot sample, such as closed forms, are left out.
    """
    audited = Audited()
    works = works_of(app, questions, Snapshots(app, as_of), audited.failures)
    asked = (work for work in works if work.task.questions and not work.reference)
    for found in compute(audit, asked):
        if isinstance(found, Failure):
            audited.failures.append(found.error)
        elif found:
            record(found)
            audited.audits += found
    return audited


def audit(work: Work) -> Found:
    """The audits of a track's questions; none of a family that NUTS cannot sample."""
    try:
        return audit_of(work, family(work.task.beliefs.model))
    except Exception as error:  # noqa: BLE001 - whatever a model does, the others are audited
        return Failure(failure_of(work.key, error))


def audit_of(work: Work, model: EventModel) -> tuple[Audit, ...]:
    """The answers of a model and of NUTS to the questions of a track, one beside the other."""
    if not isinstance(model, Auditable):
        return ()
    task = work.task
    if task.doubt:  # may the fast rungs be trusted again: not NUTS, which stands in, nor its draws
        estimates = model.update(replace(task, doubt=""), None).estimates
    else:
        estimates = work.same or model.update(task, work.state).estimates
    sampled = model.sampled(replace(task, seed=task.seed + OTHER_SEED))
    return tuple(compare(work.key, estimate, sampled) for estimate in estimates)


def compare(track: str, estimate: Estimate, sampled: Sampled) -> Audit:
    """The estimate of a question beside the answer of NUTS to it."""
    name = estimate.question_id
    audit = Audit(
        track=track,
        question_id=name,
        as_of=estimate.as_of,
        p_fast=estimate.probability,
        method=estimate.method,
        p_nuts=None,
        mcse=None,
        z=None,
        verdict=Verdict.OPEN,
        diagnostics=sampled.diagnostics,
    )
    if estimate.health is Health.HELD:  # the last good number, which is not of these rows
        return replace(audit, reason=f"the estimate is held: {estimate.reason}")
    if sampled.reason or name not in sampled.answers:
        return replace(audit, reason=sampled.reason or "NUTS gave no answer")
    p_nuts, mcse_nuts = sampled.answers[name]
    error, z = difference(estimate.probability, estimate.mcse, p_nuts, mcse_nuts)
    verdict = verdict_of(z)
    words = (
        f"NUTS gives {p_nuts:.4f} where {estimate.method} gives {estimate.probability:.4f}, "
        f"{z:.1f} Monte Carlo errors apart"
    )
    reason = "" if verdict is Verdict.AGREES else words
    return replace(audit, p_nuts=p_nuts, mcse=error, z=z, verdict=verdict, reason=reason)
