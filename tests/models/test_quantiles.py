"""Quantiles of P: of the draws that made the probability, in every family that has draws."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from forecast.estimate import QUANTILE_LEVELS
from models.api import Certifiable
from models.hazard import Hazard
from models.quantiles import weighted_quantiles
from models.regime import Regime
from models.self_exciting import SelfExciting
from models.testing import check_quantiles, sample_task


@pytest.mark.parametrize("make", [Hazard, Regime, SelfExciting])
def test_quantiles_and_probability_are_of_the_same_draws(
    make: Callable[[], Hazard | Regime | SelfExciting],
) -> None:
    family = make()
    assert isinstance(family, Certifiable)
    check_quantiles(family)
    whole = sample_task(family)
    task = replace(whole, questions=whole.questions[2:])  # a kind, the rest, and one that opens
    draws = family.posterior(task, None)
    for found in family.update(task, None).estimates:
        p = draws.values[:, draws.names.index(f"p:{found.question_id}")]
        assert found.probability == pytest.approx(draws.weights @ p, rel=1e-12)
        exact = weighted_quantiles(p, draws.weights, QUANTILE_LEVELS)
        assert found.quantiles == tuple(exact)
        assert found.interval.lower == np.quantile(
            p, 0.05, weights=draws.weights, method="inverted_cdf"
        )
        level = float(exact[8])
        above = draws.weights @ (p > level)
        assert found.exceedance(level) == pytest.approx(above, abs=0.002)
