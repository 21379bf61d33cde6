"""A track under other facts, on the draws that it has, so that the difference is not noise."""

from dataclasses import dataclass

from models.api import Task
from models.draws_family import DrawsFamily
from models.engine.fit import Fit
from models.engine.ladder import Rung
from models.explaining import Reading, difference_error


@dataclass(frozen=True, slots=True)
class WhatIf:
    """P with the facts as they are and as they might be, and the error of the difference.

    `trouble` says why the draws do not bear the other facts, or nothing.
    """

    before: float
    after: float
    mcse: float
    error: float
    trouble: str


def what_if(
    family: DrawsFamily, task: Task, changed: Task, state: bytes | None, question_id: str
) -> WhatIf:
    """One question of a task, and of the same one changed; nothing is kept."""
    work = family.work(task)
    fit = Fit.restored(state)
    if fit is not None and work.fits(fit) and work.problem.is_fresh(fit):
        now = Rung.of("T1", fit, work.problem.reweigh(fit))
        now = now if now.gate.passed else work.climb(None)
    else:
        now = work.climb(None)
    before = Reading(work.chances(now)[question_id], now.weights)
    other = family.work(changed)
    then = Rung.of("T1", now.fit, other.problem.reweigh(now.fit))
    after = Reading(other.chances(then)[question_id], then.weights)
    return WhatIf(
        before.probability,
        after.probability,
        before.weights.mcse(before.chance),
        difference_error(before, after),
        after.trouble(),
    )
