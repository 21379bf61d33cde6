"""The bounds beside an estimate's diagnostics are where its gates switch, and nowhere else."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from forecast.estimate import Estimate, Health, Interval
from models.engine.bounds import with_bounds
from models.engine.gates import precision_gate, weights_gate
from models.engine.nuts import NutsResult, judge
from models.engine.psis import Weights

MADE = Estimate(
    question_id="q",
    as_of=datetime(2025, 12, 1, tzinfo=UTC),
    probability=0.3,
    interval=Interval(0.2, 0.4),
    mcse=0.002,
    health=Health.HEALTHY,
    model="hazard",
    model_hash="",
    method="T1",
    inputs_digest="",
)


def bounds_of(method: str, **diagnostics: float) -> dict[str, float]:
    found = with_bounds(replace(MADE, method=method, diagnostics=diagnostics)).diagnostics
    assert diagnostics.items() <= found.items()
    return {name: bound for name, bound in found.items() if name not in diagnostics}


def passes(khat: float, ess: float, draws: int) -> bool:
    return weights_gate(Weights(np.full(draws, 1 / draws), khat, ess)).passed


@pytest.mark.parametrize("draws", [500, 1000, 3000, 20_000])
def test_the_gate_of_weights_switches_at_the_bounds(draws: int) -> None:
    bounds = bounds_of("T1", khat=0.1, ess=900.0, draws=float(draws))
    khat, ess = bounds["khat_below"], bounds["ess_at_least"]
    assert passes(math.nextafter(khat, 0.0), ess, draws)
    assert not passes(khat, ess, draws)
    assert not passes(0.1, math.nextafter(ess, 0.0), draws)


def test_the_gate_of_precision_switches_at_the_bound() -> None:
    bound = bounds_of("T0", khat=0.1, ess=900.0, draws=1000.0)["mcse_at_most"]
    assert precision_gate(0.3, bound).passed
    assert not precision_gate(0.3, math.nextafter(bound, 1.0)).passed


def test_the_gate_of_nuts_switches_at_the_bounds() -> None:
    bounds = bounds_of("R2", khat=0.1, ess=2000.0, draws=4000.0, rhat=1.0)
    assert "khat_below" not in bounds
    draws = np.random.default_rng(3).standard_normal((4, 1000, 2))
    density = -0.5 * (draws**2).sum(axis=2)
    good = NutsResult(draws, density, 0, np.full(4, bounds["ebfmi_at_least"]), 0.0, retried=False)
    least, deepest = bounds["ebfmi_at_least"], bounds["max_depth_share_at_most"]
    for result, reason in (
        (replace(good, max_depth_share=deepest), ""),
        (replace(good, max_depth_share=math.nextafter(deepest, 1.0)), "tree depth"),
        (replace(good, ebfmi=np.full(4, math.nextafter(least, 0.0))), "E-BFMI"),
        (replace(good, divergences=1 + int(bounds["divergences_at_most"])), "diverged"),
    ):
        assert reason in judge(result, density, {}).gate.reason
        assert judge(result, density, {}).gate.passed is (not reason)
    apart = draws + 0.2 * np.arange(4)[:, None, None]
    far = replace(good, draws=apart)
    assert f"above {bounds['rhat_at_most']:g}" in judge(far, density, {}).gate.reason
    half = np.repeat(draws[0, :20, 0], 25)  # every half of a chain says the same, slowly
    slow = {"slow": np.tile(np.concatenate([half, half[::-1]]), (4, 1))}
    assert f"is below {bounds['ess_at_least']:g}" in judge(good, density, slow).gate.reason


def test_numbers_that_no_gate_looked_at_have_no_bounds() -> None:
    assert bounds_of("conjugate", shape=2.0) == {}
    assert bounds_of("baseline") == {}
    assert "correlation_at_most" in bounds_of(
        "T2", khat=0.1, ess=900.0, draws=1000.0, correlation=0.05
    )
