"""Our own families in their own worlds: a small certificate at every change, along the streams.

The thousand worlds of a release are `make certify`. What a small one finds is gross.
"""

import numpy as np
import pytest

from models.api import EventModel
from models.base_rate import BaseRate
from models.certify.certificate import PASSED
from models.certify.harness import judge, replicates
from models.certify.world import World
from models.certify.worlds import base_rate, hazard, regime, self_exciting
from models.hazard import Hazard

SEED = 4
WORLDS = [module.simulate for module in (base_rate, hazard, regime, self_exciting)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("model", "world", "count", "rungs"),
    [
        (BaseRate(), base_rate.simulate, 150, {"conjugate"}),
        (Hazard(), hazard.simulate, 40, {"R1", "T0", "T1"}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_small_certificate_passes(
    model: EventModel, world: World, count: int, rungs: set[str]
) -> None:
    found = list(replicates(model, world, count, SEED))
    made = judge(model.name, found, seed=SEED, date="", modules={})
    assert made.verdict == PASSED, made.findings
    assert made.kept > 0.95 * count, made.dropped
    assert rungs <= set(made.rungs)


@pytest.mark.parametrize("world", WORLDS)
def test_a_stream_shows_nothing_before_it_was_known(world: World) -> None:
    for number in range(8):
        stream = world(np.random.default_rng([SEED, number]))
        assert [t.snapshot.as_of for t in stream.tasks] == sorted(
            {t.snapshot.as_of for t in stream.tasks}
        )
        for task in stream.tasks:
            known = [fact.known_at for fact in task.snapshot.reports]
            known += [fact.known_at for fact in task.snapshot.events]
            assert all(moment < task.snapshot.as_of for moment in known)


@pytest.mark.parametrize("world", WORLDS)
def test_the_same_seed_makes_the_same_world(world: World) -> None:
    one, again, other = (world(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == again
    assert one.tasks[-1].seed != other.tasks[-1].seed
