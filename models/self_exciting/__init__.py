"""The family `self-exciting`: for what recurs, and where one event sets off others.

    hazard   mu m(tags) + n (1 - e^-w) sum over own past events of e^(-w (days since))

a discrete-time Hawkes process: background mu m(tags) as in the hazard family, branching ratio
n ~ Beta(2, 6), memory 1/w ~ LogNormal(log 14 days, 0.6). Events of a day begin to count on the
next. The density is in `density`, what is still to come in `cascade`, exactly and without
simulating events. Importing this module does not import PyMC; updating does.
"""

from typing import TYPE_CHECKING

from forecast.errors import ConfigError
from models.api import Task
from models.draws_family import DrawsFamily
from models.priors.beliefs import Beliefs

if TYPE_CHECKING:
    from models.self_exciting.update import Work


class SelfExciting(DrawsFamily):
    """The family `self-exciting`; see the module."""

    name = "self-exciting"

    def structure(self, beliefs: Beliefs) -> list[tuple[object, ...]]:
        """The columns of the unit's own tags."""
        return [(e.tag, e.half_life, e.group, e.kind) for e in beliefs.effects]

    def work(self, task: Task) -> "Work":
        """The work of one update; ConfigError where the event can happen only once."""
        from models.self_exciting.update import Work

        if not task.beliefs.recurrent:
            raise ConfigError(
                "self-exciting needs recurrent = true: what can happen only once sets off no other",
                at=f"definitions.{task.beliefs.definition}.recurrent",
            )
        return Work(task, self.model_hash(task.beliefs))
