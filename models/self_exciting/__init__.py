"""The family `self-exciting`: for what recurs, and where one event sets off others.

    hazard   mu m(tags) + n (1 - e^-w) sum over own past events of e^(-w (days since))

a discrete-time Hawkes process: background mu m(tags) as in the hazard family, branching ratio
n ~ Beta(2, 6), memory 1/w ~ LogNormal(log 14 days, 0.6). Events of a day begin to count on the
next. The density is in `density`, what is still to come in `cascade`, exactly and without
simulating events. Importing this module does not import PyMC; updating does.
"""

import hashlib

from forecast.errors import ConfigError
from models.api import Answer, Draws, Task
from models.audit import Sampled
from models.priors.beliefs import Beliefs

VERSION = "1"  # of what the model computes; a change of it is a change of model


class SelfExciting:
    """The family `self-exciting`; see the module."""

    name = "self-exciting"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of tags, half-lives, groups, nesting and the version of the computation."""
        structure = [
            self.name,
            VERSION,
            [(e.tag, e.half_life, e.group, e.kind) for e in beliefs.effects],
            [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
            [beliefs.definition, beliefs.recurrent, beliefs.observed_since],
            [beliefs.log_ceiling is not None, beliefs.ordinary_value],
        ]
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; see `models.api.EventModel`.

        ConfigError where the event can happen only once.
        """
        from models.self_exciting.update import update

        _require_recurrent(task.beliefs)
        return update(task, state, self.model_hash(task.beliefs))

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        """The draws behind `update`; see `models.api.Certifiable`."""
        from models.self_exciting.update import posterior

        _require_recurrent(task.beliefs)
        return posterior(task, state, self.model_hash(task.beliefs))

    def sampled(self, task: Task) -> Sampled:
        """P of every question by NUTS; see `models.audit.Auditable`."""
        from models.audit import by_nuts
        from models.self_exciting.update import Work

        _require_recurrent(task.beliefs)
        work = Work(task, self.model_hash(task.beliefs))
        return by_nuts(work.problem, work.chances)


def _require_recurrent(beliefs: Beliefs) -> None:
    if not beliefs.recurrent:
        raise ConfigError(
            "self-exciting needs recurrent = true: what can happen only once sets off no other",
            at=f"definitions.{beliefs.definition}.recurrent",
        )
