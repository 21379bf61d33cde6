"""The family `pool`: one probability from those of families, analysts and markets.

    pool       logit p = b + a sum_m v_m logit p_m
    members    families of models, and others by the source of their forecasts
    weights    from questions of the class that came out: what each member said before they did

The mathematics is in `models.pool.stack`; until there is a record the weights are those of the
table `pool`, equal where it states none. Past 200 questions the pool is recalibrated by reference
class, see `models.pool.recalibrate`. Importing this does not import PyMC; updating does, where a
member needs it.
"""

import hashlib

from forecast.errors import ConfigError
from models.api import Answer, Lesson, Task
from models.priors.beliefs import Beliefs, Pooled

VERSION = "1"  # of what the model computes; a change of it is a change of model


class Pool:
    """The family `pool`; see the module."""

    name = "pool"

    def model_hash(self, beliefs: Beliefs) -> str:
        """A digest of its families' own, of whose numbers are heard, and of the computation."""
        from models.pool.past import of_family
        from models.registry import family

        pooled = beliefs.pool or Pooled()
        try:
            members = [(family(name), of_family(beliefs, name)) for name in pooled.families]
        except ConfigError as error:
            place = f"definitions.{beliefs.definition}.pool.families"
            raise ConfigError(error.message, at=place) from None
        families = [member.model_hash(own) for member, own in members]
        structure = (self.name, VERSION, families, pooled.crowd, pooled.stale_after)
        return hashlib.sha256(repr(structure).encode()).hexdigest()

    def learn(self, lesson: Lesson, state: bytes | None) -> bytes:
        """What a class teaches the pool and its families; see `models.api.Learner`."""
        from models.pool.update import learn

        return learn(lesson, state)

    def update(self, task: Task, state: bytes | None) -> Answer:
        """Estimate every question of the task; see `models.api.EventModel`."""
        from models.pool.update import update

        return update(task, state, self.model_hash(task.beliefs))
