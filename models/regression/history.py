"""A unit's own events and its class's, by a ridge regression: how many, how often, how lately.

See `models.regression`.
"""

from models import regression
from models.api import Answer, Lesson, Task
from models.priors.beliefs import Beliefs


class History:
    """The family `history`; see the module."""

    name = "history"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of the structure; see `models.api.EventModel`."""
        return regression.model_hash(self.name, beliefs)

    def learn(self, lesson: Lesson, state: bytes | None) -> bytes:
        """What the units of a class teach; see `models.api.Learner`."""
        from models.regression.update import learn

        return learn(self.name, lesson)

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; the unit's own facts teach where no class does."""
        from models.regression.update import update

        return update(self.name, task, state, self.model_hash(task.beliefs))
