"""The pool keeps the contract of a family, whichever families it pools."""

from dataclasses import dataclass, replace

import pytest

from models import testing
from models.api import Answer, Task
from models.pool import Pool
from models.priors.beliefs import Beliefs, Pooled


@dataclass
class PoolOf:
    """A pool of given families, whatever the beliefs say."""

    families: tuple[str, ...]
    name: str = "pool"

    def _beliefs(self, beliefs: Beliefs) -> Beliefs:
        return replace(beliefs, pool=Pooled(families=self.families))

    def model_hash(self, beliefs: Beliefs) -> str:
        return Pool().model_hash(self._beliefs(beliefs))

    def update(self, task: Task, state: bytes | None) -> Answer:
        return Pool().update(replace(task, beliefs=self._beliefs(task.beliefs)), state)


def test_a_pool_of_the_default_families_passes() -> None:
    testing.check_model(Pool())


@pytest.mark.parametrize(
    "families", [("base-rate",), ("hazard", "base-rate"), ("history", "logistic")]
)
def test_a_pool_of_others_passes(families: tuple[str, ...]) -> None:
    testing.check_model(PoolOf(families))
