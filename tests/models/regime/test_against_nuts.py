"""R1 against NUTS, which samples the very same PyMC model in a process of its own."""

import os

import numpy as np
import pytest

from models.certify.worlds import regime as simulator
from models.regime import Regime


@pytest.mark.skipif("TOCSIN_SLOW" not in os.environ, reason="compiles for a minute: TOCSIN_SLOW=1")
@pytest.mark.timeout(900)
def test_nuts_comes_to_the_same_probabilities() -> None:
    task, _ = simulator.world(np.random.default_rng(11))
    sampled = Regime().sampled(task)
    assert sampled.reason == ""
    for told in Regime().update(task, None).estimates:
        p, mcse = sampled.answers[told.question_id]
        assert told.method == "R1"
        assert told.probability == pytest.approx(p, abs=4 * float(np.hypot(told.mcse, mcse)))
