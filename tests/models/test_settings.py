"""Settings: half-lives and couplings summed out, against sums and quadratures written anew."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

from models.covariates import Array
from models.engine.fit import Fit
from models.engine.ladder import refit
from models.hazard import Hazard
from models.hazard.density import compiled_density
from models.hazard.formulas import Data, Prior
from models.hazard.outlook import Frailty, hazard_ahead
from models.hazard.problem import HazardProblem
from models.hazard.settings import couples, plain_setting, settings_of
from models.hazard.update import Work
from models.priors.beliefs import Beliefs, CoupledUnit
from models.priors.elicit import Normal
from models.rows import Rows
from tests.models import worlds

MODEL = Hazard()
UNCERTAIN = replace(worlds.effect("a", 0.8, 0.3, 20.0), half_life_factor=2.0)
BELIEVED = worlds.beliefs(UNCERTAIN, worlds.effect("b", 0.3))
REPORTS = [worlds.report("r0", 60), worlds.report("r1", 150), worlds.report("r2", 190, "b")]
EVENTS = [worlds.event("e0", 70.4), worlds.event("e1", 161.2)]


def coupled(*units: str, probability: float = 0.3) -> Beliefs:
    others = tuple(CoupledUnit(unit, ("a",), Normal(0.7, 0.3), 20.0, probability) for unit in units)
    return replace(worlds.beliefs(UNCERTAIN), couplings=others)


def data_of(settings: int, rows: Rows) -> Data:
    rng = np.random.default_rng(9)
    x = np.stack([rows.x * rng.uniform(0.3, 1.5, rows.x.shape) for _ in range(settings)])
    w = rng.uniform(0.2, 1.0, settings)
    return Data(rows, x, np.log(w / w.sum()))


def test_half_lives_stand_on_three_points_and_units_are_coupled_or_not() -> None:
    found = settings_of(coupled("v", "w", probability=0.3))
    assert len(found) == 3 * 4
    assert np.exp([s.log_weight for s in found]).sum() == pytest.approx(1.0)
    assert {s.half_lives[0] for s in found} == {10.0, 20.0, 40.0}
    assert all(s.half_lives[1] == s.half_lives[2] == 20.0 for s in found)  # those are certain
    for s in found:
        assert s.on.tolist() == [1.0, *map(float, s.coupled)]
        chance = np.prod([0.3 if c else 0.7 for c in s.coupled])
        assert np.exp(s.log_weight) == pytest.approx(
            chance * (0.5 if s.half_lives[0] == 20.0 else 0.25)
        )
    assert plain_setting(found).coupled == (False, False)
    assert plain_setting(found).half_lives[0] == 20.0
    assert couples(found, 1).tolist() == [s.coupled[1] for s in found]


def test_where_nothing_is_uncertain_there_is_one_setting() -> None:
    [only] = settings_of(worlds.beliefs(worlds.effect("a")))
    assert (only.log_weight, only.coupled) == (0.0, ())
    assert settings_of(worlds.beliefs())[0].on.tolist() == [1.0]


def test_the_density_of_a_mixture_is_the_log_of_the_sum_of_densities() -> None:
    density, prior = compiled_density(), Prior.of(worlds.beliefs(*BELIEVED.effects))
    data = data_of(4, worlds.rows(tags=2, units=2))
    draws = prior.mean + prior.sd * np.random.default_rng(2).standard_normal((30, 5))
    apart = []
    for x, log_weight in zip(data.x, data.log_weight, strict=True):
        density.load(Data.of(replace(data.rows, x=x)), prior)
        apart.append(log_weight + density.log_likelihood(draws))
        log_prior = density.log_prior(draws)
    density.load(data, prior)
    together = logsumexp(apart, axis=0)
    assert density.log_likelihood(draws) == pytest.approx(together, rel=1e-11)
    assert np.array_equal(density.log_prior(draws), log_prior)
    values = [density.value_and_gradient(theta)[0] for theta in draws]
    assert values == pytest.approx(together + log_prior, rel=1e-11)


def test_rows_summed_up_for_each_draw_give_the_density_of_the_mixture() -> None:
    prior = Prior.of(BELIEVED)
    data = data_of(3, worlds.rows(tags=2))
    problem = HazardProblem.of(data, prior, "", 1)
    draws = prior.mean + prior.sd * np.random.default_rng(2).standard_normal((30, 5))
    likelihood, extras = problem.kept(draws)
    assert extras["at_risk"].shape == (30, 3)
    assert likelihood == pytest.approx(problem.target.log_likelihood(draws), rel=1e-11)


@pytest.mark.parametrize("changed", [False, True], ids=["days were added", "a row was corrected"])
def test_weighing_kept_draws_anew_is_computing_all_again(changed: bool) -> None:
    prior = Prior.of(BELIEVED)
    new = data_of(3, worlds.rows(tags=2))
    old = Data(new.rows.between(0, 25), new.x[:, :25], new.log_weight)
    if changed:
        events = old.rows.events.copy()
        events[3] += 1
        old = replace(old, rows=Rows.of_one_unit(old.rows.x, old.rows.exposure, events))
    fit = refit(HazardProblem.of(old, prior, "", 1), 200).fit
    problem = HazardProblem.of(new, prior, "", 1)
    found = problem.reweigh(fit)
    likelihood, extras = problem.kept(fit.draws)
    for name, values in extras.items():
        assert found.extras[name] == pytest.approx(values, rel=1e-12)
    assert found.log_likelihood == pytest.approx(likelihood, rel=1e-11)
    gain = likelihood - fit.log_likelihood
    assert found.log_weights == pytest.approx(fit.log_weights + gain, abs=1e-9)
    compiled = problem.target.log_likelihood(fit.draws)
    assert found.log_likelihood == pytest.approx(compiled, rel=1e-11)


class Quadrature:
    """The posterior of one coefficient, rate and shape known, and what it gives; in plain NumPy.

    `x` (setting, day, 1), `ahead` (setting, day): covariates of the past and of a known future.
    """

    def __init__(self, x: Array, rows: Rows, log_weight: Array, ahead: Array) -> None:
        self.beta = np.linspace(-2.0, 4.0, 4001)
        rho, kappa, n = np.exp(-3.5), np.exp(1.0), rows.events.sum()
        m = np.exp(self.beta[:, None, None] * x[None, :, :, 0])
        at_risk = (m * rows.exposure).sum(axis=2)
        log_m = (np.log(m) * rows.events).sum(axis=2)
        levels = log_weight + log_m - (kappa + n) * np.log(kappa / rho + at_risk)
        levels = levels + gammaln(kappa + n) - 0.5 * ((self.beta[:, None] - 0.7) / 0.5) ** 2
        joint = np.exp(levels - levels.max())
        self.joint = joint / joint.sum()
        hazard = np.exp(self.beta[:, None, None] * ahead).sum(axis=2)
        scale = kappa / rho + at_risk
        self.p = float((self.joint * (1 - (scale / (scale + hazard)) ** (kappa + n))).sum())

    @property
    def of_settings(self) -> Array:
        return np.asarray(self.joint.sum(axis=0))

    @property
    def mean_beta(self) -> float:
        return float(self.joint.sum(axis=1) @ self.beta)


def signs(half_life: float, days: int = 200) -> Array:
    """x (day, 1) of incidents on some days."""
    at = np.arange(days)
    stock = sum(np.where(at > day, 2.0 ** -((at - day) / half_life), 0.0) for day in (20, 70, 130))
    return np.log2(1 + np.asarray(stock))[:, None]


def test_half_lives_on_a_grid_are_the_posterior_of_a_quadrature() -> None:
    events = np.zeros(200)
    events[[22, 25, 71, 73, 133, 134]] = 1.0  # all soon after an incident: a short memory
    rows = Rows.of_one_unit(signs(20.0), np.ones(200), events)
    data = Data(rows, np.stack([signs(h) for h in (5.0, 20.0, 80.0)]), np.log([0.25, 0.5, 0.25]))
    ahead = np.stack([np.full(30, level) for level in (0.2, 0.7, 0.9)])
    exact = Quadrature(data.x, rows, data.log_weight, ahead)
    believed = worlds.beliefs(
        worlds.effect("a", 0.7, 0.5),
        log_rate=Normal(-3.5, 1e-4),
        log_shape=Normal(1.0, 1e-4),
        log_ceiling=None,
    )
    problem = HazardProblem.of(data, Prior.of(believed), "", 1)
    rung = refit(problem, 8000)
    draws = rung.posterior.draws
    frailty = Frailty.of(
        draws, rung.posterior.extras, problem.by_setting(draws, rung.posterior.extras)
    )
    weights = rung.weights
    for place, expected in enumerate(exact.of_settings):
        chance = frailty.weight[:, place]
        assert weights.mean(chance) == pytest.approx(expected, abs=5 * weights.mcse(chance) + 1e-3)
    assert exact.of_settings[0] > 0.5  # the data do tell
    beta = draws[:, 3]
    assert weights.mean(beta) == pytest.approx(exact.mean_beta, abs=5 * weights.mcse(beta))
    hazard = np.stack(
        [hazard_ahead(problem.multiplier, draws, x[:, None], np.arange(31.0)) for x in ahead],
        axis=1,
    )
    p = frailty.chance(hazard[:, :, 0], hazard[:, :, -1], np.ones(len(draws)), recurrent=True)
    assert weights.mean(p) == pytest.approx(exact.p, abs=5 * weights.mcse(p) + 1e-4)


def test_a_restart_from_the_bytes_gives_the_same_bytes_with_settings() -> None:
    believed = replace(coupled("v"), effects=BELIEVED.effects)
    task = worlds.task(believed, 200, REPORTS, EVENTS)
    first = MODEL.update(task, None)
    assert first.state is not None
    assert Fit.from_bytes(first.state).to_bytes() == first.state
    assert MODEL.update(task, None) == first
    later = worlds.task(believed, 207, REPORTS, EVENTS, previous=first.estimates)
    copy = bytes(bytearray(first.state))
    one, other = MODEL.update(later, first.state), MODEL.update(later, copy)
    assert one == other
    assert one.estimates[0].method == "T1"


def test_days_through_t1_come_to_a_fresh_fit_with_settings() -> None:
    task = worlds.task(BELIEVED, 200, REPORTS, EVENTS)
    state = MODEL.update(task, None).state
    events = [*EVENTS, worlds.event("e2", 204.2)]
    for day in (203.0, 212.0, 224.0):
        told = MODEL.update(worlds.task(BELIEVED, day, REPORTS, events), state)
        state = told.state
    [streamed] = told.estimates
    [fresh] = MODEL.update(worlds.task(BELIEVED, 224, REPORTS, events, seed=5), None).estimates
    assert (streamed.method, fresh.method) == ("T1", "R1")
    error = np.hypot(streamed.mcse, fresh.mcse)
    assert streamed.probability == pytest.approx(fresh.probability, abs=3 * error)


def test_beliefs_that_changed_are_fitted_anew_and_an_uncertain_half_life_is_a_change_of_model() -> (
    None
):
    task = worlds.task(BELIEVED, 200, REPORTS, EVENTS)
    first = MODEL.update(task, None)
    likelier = replace(coupled("v"), effects=BELIEVED.effects)
    retuned = replace(likelier, couplings=(replace(likelier.couplings[0], probability=0.6),))
    assert MODEL.model_hash(likelier) == MODEL.model_hash(retuned) != MODEL.model_hash(BELIEVED)
    state = MODEL.update(worlds.task(likelier, 200, REPORTS, EVENTS), None).state
    again = MODEL.update(worlds.task(retuned, 200.5, REPORTS, EVENTS), state)
    assert again.estimates[0].method == "R1"
    certain = replace(BELIEVED, effects=(worlds.effect("a", 0.8, 0.3, 20.0), BELIEVED.effects[1]))
    assert MODEL.model_hash(certain) != MODEL.model_hash(BELIEVED)
    other = worlds.task(certain, 200.5, REPORTS, EVENTS, previous=first.estimates)
    [moved] = MODEL.update(other, first.state).estimates
    assert moved.moved is not None
    assert moved.moved.model != 0


def test_equal_half_lives_on_every_point_are_as_certain_ones() -> None:
    """Three settings that say the same are one."""
    certain = worlds.beliefs(worlds.effect("a", 0.8, 0.3, 20.0))
    work = Work(worlds.task(certain, 200, REPORTS, EVENTS), "h")
    one = work.problem
    x = np.repeat(one.data.x, 3, axis=0)
    three = HazardProblem.of(
        Data(one.data.rows, x, np.log([0.25, 0.5, 0.25])), work.prior, "", one.seed
    )
    draws = work.prior.mean + work.prior.sd * np.random.default_rng(1).standard_normal((20, 4))
    assert three.kept(draws)[0] == pytest.approx(one.kept(draws)[0], rel=1e-12)
