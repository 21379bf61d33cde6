"""The default family: a Gamma-frailty proportional hazard on tagged incidents.

    hazard of unit u   lambda_u(t) = g_u m(s),  g_u ~ Gamma(kappa, mean e^log_rate)
    score              s = sum of beta_k x_k(t), groups with diminishing returns, up to a ceiling
    covariate          x_k(t) = log2(1 + sum over incidents of weight 2^-(age / half-life_k))

The density is in `density`, covariates and their futures in `signals`, what is discrete and
uncertain in `settings`, one update in `update`. Importing this does not import PyMC.
"""

from typing import TYPE_CHECKING

from forecast.explanation import Explanation
from forecast.question import Question
from models.api import Task
from models.draws_family import DrawsFamily
from models.priors.beliefs import Beliefs

if TYPE_CHECKING:
    from models.hazard.update import Work


class Hazard(DrawsFamily):
    """The family `hazard`; see the module."""

    name = "hazard"
    version = "2"

    def structure(self, beliefs: Beliefs) -> list[tuple[object, ...]]:
        """Columns with the settings of their half-lives."""
        return [
            (e.tag, e.half_life, e.half_life_factor, e.group, e.kind, e.lead, e.stale_after)
            for e in beliefs.columns()
        ]

    def work(self, task: Task) -> "Work":
        """The work of one update."""
        from models.hazard.update import Work

        return Work(task, self.model_hash(task.beliefs))

    def explain(self, task: Task, question: Question, state: bytes | None) -> Explanation:
        """Why one question's answer is what it is; see `models.api.Explainer`."""
        from models.hazard.explanation import explain

        return explain(task, question, state, self.model_hash(task.beliefs))
