"""Any PyMC model as compiled functions: its densities are those that PyMC itself says."""

from collections.abc import Callable

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.mode import Mode

from models.covariates import Array
from models.engine.compiled import CompiledModel
from models.engine.ladder import refit
from models.engine.parts import CELLS, in_parts
from models.engine.problem import Problem

RNG = np.random.default_rng(5)


def stranger(y: Array, x: Array, sd: Array) -> pm.Model:
    """A model of somebody else's: constrained parameters, a matrix, a likelihood, a potential."""
    with pm.Model() as model:
        y, x, sd = pm.Data("y", y), pm.Data("x", x), pm.Data("sd", sd)
        share = pm.Beta("share", 2.0, 3.0)
        spread = pm.HalfNormal("spread", 1.5)
        inside = pm.Uniform("inside", -1.0, 4.0)
        loads = pm.Normal("loads", 0.0, 1.0, shape=(2, 2))
        parts = pm.Dirichlet("parts", np.ones(3))
        beta = pm.Normal("beta", 0.0, sd)
        mean = x @ beta + share + inside + loads.sum() * parts[0]
        pm.Deterministic("double", 2 * mean)
        pm.Normal("seen", mean, spread, observed=y)
        pm.Potential("thought", -((share - 0.5) ** 2))
    return model


def data(rows: int, tags: int) -> dict[str, Array]:
    return {
        "y": RNG.normal(1, 1, rows), "x": RNG.normal(0, 1, (rows, tags)), "sd": np.full(tags, 0.7)
    }  # fmt: skip


def theirs(model: pm.Model) -> Callable[[Array], tuple[float, float]]:
    """PyMC's own log density of theta, and that of the priors alone."""
    start = model.initial_point()
    compiled = model.compile_fn(
        [model.logp(), model.varlogp],
        inputs=model.value_vars,
        mode=Mode(linker="py", optimizer="fast_compile"),
    )

    def levels(theta: Array) -> tuple[float, float]:
        point, begin = {}, 0
        for variable, value in start.items():
            size = np.size(value)
            point[variable] = theta[begin : begin + size].reshape(np.shape(value))
            begin += size
        assert begin == len(theta)
        whole, prior = compiled(point)
        return float(whole), float(prior)

    return levels


@pytest.fixture(scope="module")
def compiled() -> CompiledModel:
    return CompiledModel(stranger(**data(4, 2)))


@pytest.mark.parametrize(("rows", "tags"), [(5, 1), (30, 4)])
def test_every_part_is_what_pymc_says_at_data_of_any_length(
    compiled: CompiledModel, rows: int, tags: int
) -> None:
    given = data(rows, tags)
    compiled.set_data(given)
    levels = theirs(stranger(**given))
    draws = RNG.normal(0, 0.8, (4, 1 + 1 + 1 + 4 + 2 + tags))
    prior, likelihood = compiled.log_prior(draws), compiled.log_likelihood(draws)
    for theta, of_prior, of_data in zip(draws, prior, likelihood, strict=True):
        whole, of_theirs = levels(theta)
        assert of_prior + of_data == pytest.approx(whole, rel=1e-10)
        assert compiled.value_and_gradient(theta)[0] == pytest.approx(whole, rel=1e-10)
        assert of_prior == pytest.approx(of_theirs, rel=1e-10)


def test_the_gradient_is_that_of_the_value(compiled: CompiledModel) -> None:
    compiled.set_data(data(6, 3))
    theta = RNG.normal(0, 0.8, 12)
    gradient = compiled.value_and_gradient(theta)[1]
    assert gradient.shape == (12,)
    for i, slope in enumerate(gradient):
        step = np.zeros(12)
        step[i] = 1e-6
        ahead, behind = (compiled.value_and_gradient(theta + s)[0] for s in (step, -step))
        assert slope == pytest.approx((ahead - behind) / 2e-6, rel=1e-4, abs=1e-5)


def test_where_the_prior_is_and_how_wide_is_found_on_the_unconstrained_scale(
    compiled: CompiledModel,
) -> None:
    compiled.set_data(data(6, 3))
    mode, sd = compiled.prior_shape()
    assert mode.shape == sd.shape == (1 + 1 + 1 + 4 + 2 + 3,)  # three parts have two numbers
    # the logit of a Beta(2, 3) has its mode where the share is 2/5, and information 5 p q
    assert mode[0] == pytest.approx(np.log(2 / 3), abs=1e-4)
    assert sd[0] == pytest.approx((5 * 0.4 * 0.6) ** -0.5, rel=1e-3)
    assert mode[1] == pytest.approx(np.log(1.5), abs=1e-4)
    assert sd[1] == pytest.approx(2**-0.5, rel=1e-3)  # of log |Normal|: curvature 2 at the mode
    assert sd[3:7] == pytest.approx(np.ones(4), rel=1e-3)
    assert sd[9:] == pytest.approx(np.full(3, 0.7), rel=1e-3)


def test_a_deterministic_is_one_of_theta_and_of_many(compiled: CompiledModel) -> None:
    given = data(3, 2)
    compiled.set_data(given)
    double = compiled.function([compiled.draws], compiled.batched(compiled.named("double")))
    draws = RNG.normal(0, 0.5, (5, 11))
    found = double(draws)
    assert found.shape == (5, 3)
    share = 1 / (1 + np.exp(-draws[:, 0]))
    inside = -1 + 5 / (1 + np.exp(-draws[:, 2]))
    parts = np.exp(np.c_[draws[:, 7:9], -draws[:, 7:9].sum(axis=1)])  # the simplex transform
    first = parts[:, 0] / parts.sum(axis=1)
    mean = draws[:, 9:] @ given["x"].T + (share + inside)[:, None]
    mean += (draws[:, 3:7].sum(axis=1) * first)[:, None]
    assert found == pytest.approx(2 * mean, rel=1e-9)


def test_a_batch_in_parts_is_the_batch(compiled: CompiledModel) -> None:
    given, draws = data(6, 2), RNG.normal(0, 0.8, (50, 11))
    compiled.set_data(given)
    whole = compiled.log_likelihood(draws)
    for rows in (CELLS // 7, 10 * CELLS):
        compiled.set_data(given, rows)
        assert compiled.log_likelihood(draws) == pytest.approx(whole, rel=1e-13)
    seen: list[int] = []

    def doubled(some: Array, other: Array) -> Array:
        seen.append(len(some))
        return some[:, 0] * 2 + other

    assert np.array_equal(
        in_parts(doubled, draws, CELLS // 20, draws[:, 1]), draws[:, 0] * 2 + draws[:, 1]
    )
    assert seen == [20, 20, 10]


def test_what_data_decide_the_length_of_must_come_last() -> None:
    with pm.Model() as model:
        sd = pm.Data("sd", np.ones(3))
        pm.Normal("beta", 0.0, sd)
        pm.Normal("after", 0.0, 1.0)
    with pytest.raises(ValueError, match="after comes after a variable whose length data decide"):
        CompiledModel(model)


def test_a_model_without_data_has_a_likelihood_of_nothing() -> None:
    with pm.Model() as model:
        pm.HalfNormal("spread", 1.0)
    compiled = CompiledModel(model)
    assert np.array_equal(compiled.log_likelihood(np.zeros((3, 1))), np.zeros(3))


class Coin:
    """Heads of a coin: the share has a Beta posterior, whatever scale it is drawn on."""

    start, scale = np.zeros(1), np.ones(1)

    def __init__(self, heads: int, tosses: int) -> None:
        with pm.Model() as model:
            share = pm.Beta("share", 2.0, 3.0)
            pm.Binomial("heads", n=tosses, p=share, observed=heads)
        compiled = CompiledModel(model)
        self.value_and_gradient = compiled.value_and_gradient
        self.log_prior, self.log_likelihood = compiled.log_prior, compiled.log_likelihood


def test_a_strangers_model_climbs_the_ladder_to_its_closed_form() -> None:
    target = Coin(heads=3, tosses=10)
    problem = Problem(target=target, seed=1, prior_digest="p", data_digest="d", size=1)
    rung = refit(problem, 4000)
    assert rung.gate.passed
    share = 1 / (1 + np.exp(-rung.posterior.draws[:, 0]))
    mean, var = 5 / 15, 5 * 10 / 15**2 / 16  # Beta(5, 10)
    assert rung.weights.mean(share) == pytest.approx(mean, abs=4 * rung.weights.mcse(share))
    assert rung.weights.mean((share - mean) ** 2) == pytest.approx(var, rel=0.1)
