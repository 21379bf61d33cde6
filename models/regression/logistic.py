"""A ridge regression on a unit's events, all its tags and levels: plain, and hard to beat.

See `models.regression`.
"""

from models import regression
from models.api import Answer, Lesson, Task
from models.priors.beliefs import Beliefs


class Logistic:
    """The family `logistic`; see the module."""

    name = "logistic"

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
