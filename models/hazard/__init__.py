"""The default family: a Gamma-frailty proportional hazard on tagged incidents.

    hazard of unit u   lambda_u(t) = g_u m(s),  g_u ~ Gamma(kappa, mean e^log_rate)
    score              s = sum of beta_k x_k(t), groups with diminishing returns, up to a ceiling
    covariate          x_k(t) = log2(1 + sum over incidents of weight 2^-(age / half-life_k))

The density is in `density`, covariates and their futures in `signals`, what is discrete and
uncertain in `settings`, one update in `update`. Importing this does not import PyMC.
"""

import hashlib

from forecast.explanation import Explanation
from forecast.question import Question
from models.api import Answer, Draws, Task
from models.audit import Sampled
from models.priors.beliefs import Beliefs

VERSION = "2"  # of what the model computes; a change of it is a change of model


class Hazard:
    """The family `hazard`; see the module."""

    name = "hazard"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of columns, settings, nesting and the version of the computation."""
        structure = [
            self.name,
            VERSION,
            [
                (e.tag, e.half_life, e.half_life_factor, e.group, e.kind, e.lead, e.stale_after)
                for e in beliefs.columns()
            ],
            [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
            [beliefs.definition, beliefs.recurrent, beliefs.observed_since],
            [beliefs.log_ceiling is not None, beliefs.ordinary_value],
        ]
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; see `models.api.EventModel`."""
        from models.hazard.update import update

        return update(task, state, self.model_hash(task.beliefs))

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        """The draws behind `update`; see `models.api.Certifiable`."""
        from models.hazard.update import posterior

        return posterior(task, state, self.model_hash(task.beliefs))

    def sampled(self, task: Task) -> Sampled:
        """P of every question by NUTS; see `models.audit.Auditable`."""
        from models.audit import by_nuts
        from models.hazard.update import Work

        work = Work(task, self.model_hash(task.beliefs))
        return by_nuts(work.problem, work.chances)

    def explain(self, task: Task, question: Question, state: bytes | None) -> Explanation:
        """Why one question's answer is what it is; see `models.api.Explainer`."""
        from models.hazard.explanation import explain

        return explain(task, question, state, self.model_hash(task.beliefs))
