"""The default family: a Gamma-frailty proportional hazard on tagged incidents.

    hazard of unit u   lambda_u(t) = g_u m(s),  g_u ~ Gamma(kappa, mean e^log_rate)
    score              s = sum of beta_k x_k(t), groups with diminishing returns, up to a ceiling
    covariate          x_k(t) = log2(1 + sum over incidents of weight 2^-(age / half-life_k))

The density is in `models.engine.density`, the ladder of an update in `models.engine.ladder`,
the futures in `models.futures`. Importing this module does not import PyMC; updating does.
"""

import hashlib

from models.api import Answer, Task
from models.priors.beliefs import Beliefs

VERSION = "1"  # of what the model computes; a change of it is a change of model


class Hazard:
    """The family `hazard`; see the module."""

    name = "hazard"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of tags, half-lives, groups, nesting and the version of the computation."""
        structure = [
            self.name,
            VERSION,
            [(e.tag, e.half_life, e.group) for e in beliefs.effects],
            [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
            [beliefs.definition, beliefs.recurrent, beliefs.observed_since],
            [beliefs.log_ceiling is not None, beliefs.ordinary_value],
        ]
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; see `models.api.EventModel`."""
        from models.engine.ladder import update

        return Answer(*update(task, state, self.name, self.model_hash(task.beliefs)))
