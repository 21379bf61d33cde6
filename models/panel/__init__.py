"""What a class of units teaches: base rate, frailty and effects from the dated facts of many.

For questions at a unit of a reference class, where effects are to be learnt rather than stated.
The hazard is that of `models.hazard` without a ceiling; it is learnt from windows of one length
(landmarks), with tags at several half-lives, the event's own history at the unit and in the
class, and effects shrunk together. Importing this does not import PyMC.
"""

import hashlib

from models.api import Answer, Lesson, Task
from models.priors.beliefs import Beliefs

VERSION = "2"  # of what the model computes; a change of it is a change of model


class Panel:
    """The family `panel`; see the module."""

    name = "panel"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of nesting, levels, horizon, settings and the version of the computation."""
        structure = [
            *(self.name, VERSION, beliefs.definition, beliefs.recurrent, beliefs.observed_since),
            [(n.definition, n.within, n.rest_of) for n in beliefs.narrower],
            [e.tag for e in beliefs.effects if e.kind == "level"],
            beliefs.horizon,
        ]
        if beliefs.settings is not None:
            structure.append(beliefs.settings)
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def learn(self, lesson: Lesson, state: bytes | None) -> bytes:
        """What the units of a class teach; see `models.api.Learner`."""
        from models.panel.family import learn

        return learn(lesson)

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; the unit's own facts teach where no class does."""
        from models.panel.family import update

        return update(task, state, self.model_hash(task.beliefs))
