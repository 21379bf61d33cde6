"""The family `regime`: hidden states of tension that events and incidents give away.

    state of a day   calm, tense or crisis, a Markov chain with dwell times
    events           Poisson, likelier from state to state
    incidents        of a tag: Poisson too, e^beta times likelier for each state up

A report is a *signal* of the state here, never a cause of the event, and a day on which a feed
worked and brought nothing is a signal as well. The hazard is never above that of a crisis.

The density is in `models.regime.density`, what lies ahead in `models.regime.outlook`. Importing
this module does not import PyMC; updating does.
"""

from typing import TYPE_CHECKING

from models.api import Task
from models.draws_family import DrawsFamily
from models.priors.beliefs import Beliefs

if TYPE_CHECKING:
    from models.regime.update import Work


class Regime(DrawsFamily):
    """The family `regime`; see the module."""

    name = "regime"

    def structure(self, beliefs: Beliefs) -> list[tuple[object, ...]]:
        """The streams."""
        return [(e.tag, e.group, e.kind, e.log_ratio.mean < 0) for e in beliefs.columns()]

    def work(self, task: Task) -> "Work":
        """The work of one update."""
        from models.regime.update import Work

        return Work(task, self.model_hash(task.beliefs))
