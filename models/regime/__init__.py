"""The family `regime`: hidden states of tension that events and incidents give away.

    state of a day   calm, tense or crisis, a Markov chain with dwell times
    events           Poisson, likelier from state to state
    incidents        of a tag: Poisson too, e^beta times likelier for each state up

A report is a *signal* of the state here, never a cause of the event, and a day on which a feed
worked and brought nothing is a signal as well. The hazard is never above that of a crisis.

The density is in `models.regime.density`, what lies ahead in `models.regime.outlook`. Importing
this module does not import PyMC; updating does.
"""

import hashlib

from models.api import Answer, Draws, Task
from models.audit import Sampled, by_nuts
from models.priors.beliefs import Beliefs

VERSION = "1"  # of what the model computes; a change of it is a change of model


class Regime:
    """The family `regime`; see the module."""

    name = "regime"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of streams, nesting and the version of the computation."""
        structure = [
            self.name,
            VERSION,
            [(e.tag, e.group, e.kind, e.log_ratio.mean < 0) for e in beliefs.columns()],
            [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
            [beliefs.definition, beliefs.recurrent, beliefs.observed_since],
            [beliefs.log_ceiling is not None, beliefs.ordinary_value],
        ]
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; see `models.api.EventModel`."""
        from models.regime.update import update

        return update(task, state, self.model_hash(task.beliefs))

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        """The draws behind `update`; see `models.api.Certifiable`."""
        from models.regime.update import posterior

        return posterior(task, state, self.model_hash(task.beliefs))

    def sampled(self, task: Task) -> Sampled:
        """P of every question by NUTS; see `models.audit.Auditable`."""
        from models.regime.update import Work

        work = Work(task, self.model_hash(task.beliefs))
        return by_nuts(work.problem, work.chances)
