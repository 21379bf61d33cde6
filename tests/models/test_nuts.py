"""NUTS in its worker: exact where it can be checked, the same twice, and never a silent lie."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pymc as pm
import pytest
from arviz_stats.base import array_stats
from scipy.stats import norm

from forecast.errors import HeldError
from models.covariates import Array
from models.engine.compiled import CompiledModel
from models.engine.nuts import (
    NutsJob,
    NutsResult,
    effective_size,
    judge,
    mcse,
    rhat,
)
from models.engine.worker import NutsWorker

Data = Mapping[str, Any]
HERE = f"{__name__}:"
ROOT = Path(__file__).parents[2]
CHAINS, DRAWS = 4, 1000


# The models under test: made in the worker, which imports this file


def two_sources(data: Data) -> pm.Model:
    """A rate seen through noisy readings (observed) and through counts (a potential).

    Both lengths are of the data. theta = (log rate, log sigma of the readings).
    """
    with pm.Model() as model:
        shared = {name: pm.Data(name, value) for name, value in data.items()}
        log_rate = pm.Normal("log_rate", shared["prior"][0], shared["prior"][1])
        sigma = pm.HalfNormal("sigma", 1.0)
        pm.Normal("seen", log_rate * shared["x"], sigma, observed=shared["y"])
        running = pm.math.cumsum(shared["exposure"])
        whole = running[shared["last"]] * pm.math.exp(log_rate)
        pm.Potential("likelihood", shared["events"].sum() * log_rate - whole)
        pm.Deterministic("of_every_row", log_rate * shared["x"])
    return model


def baked(data: Data) -> pm.Model:
    """A plug-in's mistake: the outcomes stand in the program, the priors alone are pm.Data."""
    with pm.Model() as model:
        mean = pm.Data("mean", data["mean"])
        level = pm.Normal("level", mean, 1.0)
        pm.Data("y", data["y"])
        pm.Normal("seen", level, 0.5, observed=data["y"])
    return model


def unshared(data: Data) -> pm.Model:
    """The same mistake, and y is not pm.Data at all."""
    with pm.Model() as model:
        level = pm.Normal("level", pm.Data("mean", data["mean"]), 1.0)
        pm.Normal("seen", level, 0.5, observed=data["y"])
    return model


def refuses(data: Data) -> pm.Model:
    raise ValueError("two columns\nare the same")


def crashes(data: Data) -> pm.Model:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def never_ends(data: Data) -> pm.Model:
    while True:
        sleep(1)


def world(rows: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return {
        "x": x,
        "y": x * -1.0 + rng.normal(size=rows),
        "exposure": np.ones(3 * rows),
        "events": (rng.random(2 * rows) < 0.1).astype(float),
        "last": np.int64(3 * rows - 1),
        "prior": np.array([-1.5, 0.5]),
    }


def job(build: Any, data: dict[str, Any], seed: int = 5, parameters: int = 2) -> NutsJob:
    start = np.full(parameters, -1.0)
    return NutsJob(HERE + build.__name__, data, start, np.ones(parameters), seed)


def exact_moments(data: Data) -> tuple[Array, Array]:
    """Means and standard deviations of theta by summing over a fine grid."""
    a, s = np.meshgrid(np.linspace(-3.5, 1, 400), np.linspace(-3, 2.5, 400), indexing="ij")
    level = norm.logpdf(a, *data["prior"]) + norm.logpdf(np.exp(s)) + s
    for x, y in zip(data["x"], data["y"], strict=True):
        level += norm.logpdf(y, a * x, np.exp(s))
    level += data["events"].sum() * a - data["exposure"].sum() * np.exp(a)
    weight = np.exp(level - level.max())
    weight /= weight.sum()
    means = np.array([(weight * a).sum(), (weight * s).sum()])
    squares = np.array([(weight * a**2).sum(), (weight * s**2).sum()])
    return means, np.sqrt(squares - means**2)


@pytest.fixture(scope="module")
def worker() -> Iterator[NutsWorker]:
    made = NutsWorker()
    yield made
    made.close()


# Draws


def test_data_of_a_new_length_give_their_own_posterior_without_compiling(
    worker: NutsWorker,
) -> None:
    worker.run(job(two_sources, world(9, seed=1)))
    longer = world(40, seed=2)
    result = worker.run(job(two_sources, longer))
    means, sds = exact_moments(longer)
    for place in range(2):
        values = result.draws[:, :, place]
        assert abs(values.mean() - means[place]) < 4 * mcse(values)
        assert values.std() == pytest.approx(sds[place], rel=0.15)
    # a worker of its own, on one core, that compiled with these data and never saw others
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        fresh = NutsWorker(most_bytes=1)
        again = fresh.run(job(two_sources, longer))
    finally:
        os.sched_setaffinity(0, cores)
    assert fresh.pid is None  # it had eaten enough
    assert again.draws.tobytes() == result.draws.tobytes()
    assert worker.run(job(two_sources, longer)).draws.tobytes() == result.draws.tobytes()


def test_retuned_priors_and_other_seeds_change_the_draws(worker: NutsWorker) -> None:
    data = world(9, seed=1)
    one, other_seed, retuned = (
        worker.run(one).draws
        for one in (
            job(two_sources, data),
            job(two_sources, data, seed=6),
            job(two_sources, {**data, "prior": np.array([1.0, 0.1])}),
        )
    )
    assert one.shape == (CHAINS, DRAWS, 2)
    assert not np.array_equal(one, other_seed)
    assert abs(one[..., 0].mean() - other_seed[..., 0].mean()) < 0.1
    assert retuned[..., 0].mean() > one[..., 0].mean() + 0.5


def test_the_gate_passes_the_draws_of_the_data_and_fails_them_on_other_data(
    worker: NutsWorker,
) -> None:
    data = world(12, seed=3)
    result = worker.run(job(two_sources, data))
    model = CompiledModel(two_sources(data))
    flat = result.draws.reshape(-1, 2)

    def judged_on(rows: dict[str, Any]) -> str:
        model.set_data(rows)
        likelihood = model.log_likelihood(flat).reshape(CHAINS, -1)
        density = likelihood + model.log_prior(flat).reshape(CHAINS, -1)
        return judge(result, density, {"the log likelihood": likelihood}).gate.reason

    assert judged_on(data) == ""
    changed = {**data, "y": data["y"] + np.eye(12)[4] * 0.01}
    assert "sampled another density" in judged_on(changed)


# What goes wrong is a reason


def test_outcomes_that_stand_in_the_program_are_found_by_the_gate(worker: NutsWorker) -> None:
    seen, other = ({"mean": np.float64(0.0), "y": np.full(4, y)} for y in (1.0, 3.0))
    worker.run(job(baked, seen, parameters=1))
    result = worker.run(job(baked, other, parameters=1))
    level = result.draws[..., 0]
    density = norm.logpdf(level) + norm.logpdf(3.0, level, 0.5) * 4
    assert "sampled another density" in judge(result, density, {}).gate.reason


def test_whatever_a_model_does_wrong_is_said_in_one_line(worker: NutsWorker) -> None:
    mean = {"mean": np.float64(0.0)}
    data = world(9, seed=1)
    wrong = [
        (job(two_sources, {**data, "y": np.full(9, np.nan)}), "initialization points.*ErrorCode"),
        (job(two_sources, {**data, "y": np.zeros(8)}), "initialization points.*ErrorCode"),
        (job(two_sources, data, parameters=3), "the model has 2 parameters, the job 3"),
        (job(unshared, {**mean, "y": np.ones(2)}), r"not the pm.Data of the model: \['y'\]"),
        (job(refuses, mean), "ValueError: two columns are the same"),
        (replace(job(refuses, mean), build="models.engine.gates:nowhere"), "has no attribute"),
        (replace(job(refuses, mean), build="nowhere.at_all:x"), "No module named 'nowhere'"),
        (job(two_sources, mean), "KeyError: 'prior'"),
    ]
    pid = worker.pid
    for broken, words in wrong:
        with pytest.raises(HeldError, match=f"^NUTS failed: .*{words}") as caught:
            worker.run(broken)
        assert "\n" not in str(caught.value)
    assert worker.pid == pid  # none of them cost us the warm process


def test_a_crash_is_a_reason_and_the_next_job_runs_in_a_new_process() -> None:
    frugal = NutsWorker(most_jobs=1)
    with pytest.raises(HeldError, match="NUTS failed: its process died by SIGSEGV"):
        frugal.run(job(crashes, {}))
    assert frugal.pid is None
    with pytest.raises(HeldError, match="two columns"):
        frugal.run(job(refuses, {}))
    assert frugal.pid is None  # it had done enough


def test_a_job_that_takes_too_long_is_ended() -> None:
    hurried = NutsWorker(time_limit=0.5)
    with pytest.raises(HeldError, match=r"NUTS took more than 0\.5 s"):
        hurried.run(job(never_ends, {}))
    assert hurried.pid is None


def test_the_process_ends_when_its_parent_is_killed_though_it_is_at_work() -> None:
    code = f"""
import numpy as np
from models.engine.nuts import NutsJob
from models.engine.worker import NutsWorker
worker = NutsWorker()
worker._start()
print(worker.pid, flush=True)
worker.run(NutsJob("{HERE}never_ends", {{}}, np.zeros(1), np.ones(1), 1))
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    try:
        parent.communicate(timeout=30)  # the child holds the pipe open for as long as it lives
    except subprocess.TimeoutExpired:
        os.kill(child, signal.SIGKILL)
        raise


# Diagnostics: golden values


def chains(seed: int = 0, correlation: float = 0.0, draws: int = 2000) -> Array:
    """Stationary AR(1) chains (chain, draw) with unit variance."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((CHAINS, draws))
    for i in range(1, draws):
        fresh = np.sqrt(1 - correlation**2) * values[:, i]
        values[:, i] = correlation * values[:, i - 1] + fresh
    return values


def test_rhat_sees_chains_that_differ_in_place_or_in_width() -> None:
    same = chains()
    moved, wide, drifting = same.copy(), same.copy(), same.copy()
    moved[0] += 0.5
    wide[0] *= 2.0
    drifting += np.linspace(0, 1, same.shape[1])
    assert 0.999 < rhat(same) < 1.003
    # B/W of means (0.5, 0, 0, 0) is 0.0625, so R-hat^2 is about 1.0625 on the normal scores
    assert rhat(moved) == pytest.approx(np.sqrt(1.0625), abs=0.02)
    assert rhat(wide) > 1.03
    assert rhat(drifting) > 1.03


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full((4, 50), 2.0), 1.0),
        (np.repeat(np.arange(4.0), 50).reshape(4, 50), np.inf),
        (np.full((4, 50), np.nan), np.nan),
    ],
)
def test_rhat_of_chains_that_stand_still(values: Array, expected: float) -> None:
    assert rhat(values) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_effective_size_is_that_of_an_autoregression(correlation: float) -> None:
    values = chains(correlation=correlation, draws=4000)
    expected = values.size * (1 - correlation) / (1 + correlation)
    assert mcse(values) == pytest.approx(1 / np.sqrt(expected), rel=0.15)
    assert 0.5 * expected < effective_size(values) < 1.15 * expected


def result_of(draws: Array, **changes: Any) -> NutsResult:
    density = -0.5 * (draws**2).sum(axis=2)
    made = NutsResult(draws, density, 0, np.full(CHAINS, 0.9), 0.0, retried=False)
    return replace(made, **changes)


GOOD = np.stack([chains(1), chains(2)], axis=2)
APART = GOOD + np.array([0.0, 0.5]) * (np.arange(CHAINS) == 0)[:, None, None]
STUCK = GOOD * np.array([0.0, 1.0])


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (result_of(GOOD), ""),
        (result_of(APART), "R-hat 1.0.. of parameter 2 is above 1.01"),
        (result_of(np.stack([chains(1, 0.97), chains(2)], axis=2)), "parameter 1"),
        (result_of(STUCK), "NUTS did not move in parameter 1"),
        (result_of(GOOD[:, :80]), "the effective sample size .* is below 400"),
        (result_of(GOOD, divergences=1, retried=True), "1 draws of NUTS diverged"),
        (result_of(GOOD, ebfmi=np.array([0.9, 0.29, 0.9, 0.9])), "E-BFMI 0.29 of NUTS is below"),
        (result_of(GOOD, ebfmi=np.full(CHAINS, np.nan)), "E-BFMI nan"),
        (result_of(GOOD, max_depth_share=0.02), "2% of the draws of NUTS ended at the greatest"),
        (result_of(GOOD, log_density=np.full(GOOD.shape[:2], np.nan)), "another density"),
        (result_of(GOOD, log_density=np.zeros(GOOD.shape[:2])), "another density"),
    ],
)
def test_every_reason_not_to_trust_nuts_is_given(result: NutsResult, words: str) -> None:
    density = -0.5 * (result.draws**2).sum(axis=2) + 7.0  # a constant does not matter
    judged = judge(result, density, {})
    assert judged.gate.passed == (words == "")
    assert re.search(words, judged.gate.reason)
    assert judged.diagnostics["draws"] == result.draws[..., 0].size


def test_a_probability_must_have_mixed_as_well() -> None:
    density = -0.5 * (GOOD**2).sum(axis=2)
    p = np.where(np.arange(CHAINS)[:, None] == 2, 0.3, 0.5) + chains(3) * 0.01
    assert "of p is above" in judge(result_of(GOOD), density, {"p": p}).gate.reason
    certain = np.ones(GOOD.shape[:2])  # in every draw
    assert judge(result_of(GOOD), density, {"p": certain}).gate.passed


def test_the_energy_fraction_of_an_autoregression_of_energies() -> None:
    # E (e' - e)^2 / Var e = 2 (1 - correlation)
    found = array_stats.bfmi(chains(correlation=0.9, draws=20_000), chain_axis=0, draw_axis=1)
    assert found == pytest.approx(np.full(CHAINS, 0.2), rel=0.15)
