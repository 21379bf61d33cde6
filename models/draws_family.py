"""A family whose answers are of draws by the ladder: what it is to others, light to import."""

import hashlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from models.api import Answer, Draws, Task
from models.audit import Sampled, by_nuts
from models.priors.beliefs import Beliefs

if TYPE_CHECKING:
    from models.work import DrawsWork


class DrawsFamily(ABC):
    """A family of models that says how the work on one task is done."""

    name: str
    version: str = "1"  # of what the model computes; a change of it is a change of model

    @abstractmethod
    def work(self, task: Task) -> "DrawsWork":
        """The work of one update; what it needs is imported here, not with the family."""

    def structure(self, beliefs: Beliefs) -> list[tuple[object, ...]]:
        """What the beliefs say of the structure of each column."""
        return [(e.tag, e.half_life, e.group, e.kind) for e in beliefs.columns()]

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of columns, nesting and the version of the computation."""
        structure = [
            self.name,
            self.version,
            self.structure(beliefs),
            [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
            [beliefs.definition, beliefs.recurrent, beliefs.observed_since],
            [beliefs.log_ceiling is not None, beliefs.ordinary_value],
        ]
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question; the state is the fit, the same object if it was kept."""
        from models.engine.fit import Fit

        if not task.questions:
            return Answer((), state)
        work, before = self.work(task), Fit.restored(state)
        rung = work.climb(before)
        estimates = work.estimates(rung, work.moves(before, rung))
        return Answer(estimates, state if rung.fit is before else rung.fit.to_bytes())

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        """The draws behind `update`; see `models.api.Certifiable`."""
        return self.work(task).posterior(state)

    def sampled(self, task: Task) -> Sampled:
        """P of every question by NUTS; see `models.audit.Auditable`."""
        work = self.work(task)
        return by_nuts(work.problem, work.chances)
