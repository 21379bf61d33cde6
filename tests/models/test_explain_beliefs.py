"""What an answer rests on: the strength and the place of beliefs, and whether data contradict."""

import math
from dataclasses import replace
from typing import Any

import arviz_base
import numpy as np
import pytest
from arviz_stats import psense
from scipy.stats import nbinom

from forecast.explanation import Scaling
from models import base_rate_explained
from models.api import Task
from models.base_rate import BaseRate, gamma_of
from models.engine.fit import Fit, Posterior
from models.engine.psis import Weights, smooth
from models.explaining import (
    ALPHAS,
    Reading,
    difference_error,
    judge,
    sensitivity,
    silent,
)
from models.hazard.explanation import explain
from models.hazard.formulas import Data
from models.hazard.leverage import SHAPE, Leverage, by_week
from models.hazard.problem import AT_RISK, expose
from models.hazard.scenarios import Account
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from tests.models import worlds
from tests.models.explained_world import (
    ASKED,
    BELIEVED,
    EFFECTS,
    EVENTS,
    MODEL,
    REPORTS,
    account,
    explained,
    hash_of,
    state_of,
)

# Beliefs


def refit(believed: Beliefs) -> tuple[float, float]:
    """P and its error from new draws under other beliefs."""
    task = worlds.task(believed, 200, REPORTS, EVENTS)
    [found] = MODEL.update(task, None).estimates
    return found.probability, found.mcse


def tempered(component: str, alpha: float) -> Beliefs:
    def wide(normal: Normal) -> Normal:
        return Normal(normal.mean, normal.sd / math.sqrt(alpha))

    def effects() -> tuple[Any, ...]:
        return tuple(replace(e, log_ratio=wide(e.log_ratio)) for e in EFFECTS)

    assert BELIEVED.log_ceiling is not None
    changes: dict[str, dict[str, Any]] = {
        "base rate": {"log_rate": wide(BELIEVED.log_rate)},
        "ceiling": {"log_ceiling": wide(BELIEVED.log_ceiling)},
        "effects": {"effects": effects()},
    }
    changes["prior"] = {k: v for change in changes.values() for k, v in change.items()}
    changes["prior"]["log_shape"] = wide(BELIEVED.log_shape)
    return replace(BELIEVED, **changes[component])


@pytest.mark.parametrize("component", ["base rate", "ceiling", "effects", "prior"])
@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_a_power_of_the_prior_is_a_fit_under_that_prior(component: str, alpha: float) -> None:
    leverage = Leverage(account())
    places = leverage.components()[component]
    scaling = leverage.prior_power(component, places, alpha)
    probability, mcse = refit(tempered(component, alpha))
    error = math.hypot(mcse, account().whole.weights.mcse(account().whole.chance), scaling.mcse)
    assert not scaling.reason
    assert scaling.probability == pytest.approx(probability, abs=3 * error)


def test_weights_and_moved_draws_agree_on_a_power() -> None:
    leverage, stick = Leverage(account()), account().yardstick
    places = leverage.components()["base rate"]
    by_weights = leverage.prior_power("base rate", places, 2.0)
    moved = leverage.at(leverage.tempered(places, 2.0))
    error = math.hypot(by_weights.mcse, difference_error(stick.few, moved))
    assert stick.probability(moved.probability) == pytest.approx(
        by_weights.probability, abs=4 * error + 0.001
    )


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_moved_draws_lie_in_the_tempered_prior_as_they_did_in_the_prior(alpha: float) -> None:
    leverage, draws = Leverage(account()), account().start.draws
    for places in leverage.components().values():
        moved = leverage.tempered(places, alpha)
        there, here = (leverage.log_prior(d, places) for d in (moved, draws))
        assert alpha * there == pytest.approx(here, rel=1e-9)
        others = np.delete(np.arange(draws.shape[1]), places)
        assert (moved[:, others] == draws[:, others]).all()


def test_a_wide_spread_of_units_is_a_small_shape() -> None:
    leverage, stick = Leverage(account()), account().yardstick
    [swing] = [s for s in leverage.swings() if s.key == "unit_spread"]
    assert 1 < swing.ends[0] < swing.ends[1]
    moved = account().start.draws.copy()
    moved[:, SHAPE] += worlds.SHAPE.quantile(0.05) - worlds.SHAPE.mean
    wide = stick.probability(leverage.at(moved).probability)
    assert swing.at[1] == pytest.approx(wide, abs=1e-9)
    assert swing.at[0] != pytest.approx(wide, abs=1e-4)


def test_the_first_power_changes_nothing() -> None:
    leverage = Leverage(account())
    for name, places in leverage.components().items():
        assert leverage.prior_power(name, places, 1.0).change == pytest.approx(0, abs=1e-12)
    assert leverage.likelihood_power(1.0).change == pytest.approx(0, abs=1e-12)


def test_the_likelihood_squared_counts_every_day_and_event_twice() -> None:
    found, work = account(), account().work
    rows = work.problem.data.rows
    twice = replace(
        rows,
        exposure=2 * rows.exposure,
        events=2 * rows.events,
        events_by_unit=2 * rows.events_by_unit,
    )
    data = Data(twice, work.problem.data.x, work.problem.data.log_weight)
    problem = replace(work.problem, data=data, data_digest="twice", size=len(rows.exposure))
    posterior: Posterior = problem.reweigh(found.fit)
    direct = found.read(work, posterior, found.hazard).probability
    assert Leverage(found).likelihood_power(2.0).probability == pytest.approx(direct, abs=1e-9)


@pytest.mark.parametrize("key", ["base_rate", "effects.a", "ceiling", "unit_spread"])
def test_a_belief_at_its_end_is_a_fit_with_its_middle_there(key: str) -> None:
    swing = next(s for s in Leverage(account()).swings() if s.key == key)
    assert swing.at[0] != swing.at[1]
    for side, at in zip((-1, 1), swing.at, strict=True):
        probability, mcse = refit(shifted(key, side))
        error = math.hypot(mcse, account().whole.weights.mcse(account().whole.chance), swing.mcse)
        assert at == pytest.approx(probability, abs=3 * error)


def shifted(key: str, side: int) -> Beliefs:
    def moved(normal: Normal, way: int = side) -> Normal:
        return Normal(normal.mean + way * 1.6449 * normal.sd, normal.sd)

    assert BELIEVED.log_ceiling is not None
    if key == "effects.a":
        first = replace(EFFECTS[0], log_ratio=moved(EFFECTS[0].log_ratio))
        return replace(BELIEVED, effects=(first, *EFFECTS[1:]))
    return {
        "base_rate": replace(BELIEVED, log_rate=moved(BELIEVED.log_rate)),
        "ceiling": replace(BELIEVED, log_ceiling=moved(BELIEVED.log_ceiling)),
        # a wide spread of units is a small shape
        "unit_spread": replace(BELIEVED, log_shape=moved(BELIEVED.log_shape, -side)),
    }[key]


def test_a_share_is_a_belief_too() -> None:
    covert = worlds.question("covert")
    task = worlds.task(BELIEVED, 200, REPORTS, EVENTS, [covert])
    found = explain(task, covert, state_of(), hash_of(task))
    [swing] = [s for s in found.swings if s.key == "covert.share"]
    assert swing.ends[0] < swing.ends[1]
    assert swing.at[0] < found.probability < swing.at[1]
    [whole] = [s for s in explained().swings if s.key == "covert.share"]
    assert whole.width == pytest.approx(0.0, abs=1e-12)  # it is no part of the whole's answer


def test_weeks_keep_the_days_the_events_and_the_mean_of_the_covariates() -> None:
    data = account().work.problem.data
    weeks = by_week(data)
    assert weeks.rows.exposure.sum() == pytest.approx(data.rows.exposure.sum())
    assert len(weeks.rows.exposure) < len(data.rows.exposure) / 5
    [day] = np.flatnonzero(data.rows.events)
    [place] = np.flatnonzero(weeks.rows.events)
    assert (weeks.x[:, place] == data.x[:, day]).all()
    draws = account().start.draws
    roughly, exactly = (expose(account().work.multiplier, draws, d)[AT_RISK] for d in (weeks, data))
    assert roughly == pytest.approx(exactly, rel=0.05)
    assert roughly.mean() == pytest.approx(exactly.mean(), rel=0.005)


def test_the_surprise_of_the_count_is_the_negative_binomial_of_the_prior() -> None:
    sure = worlds.beliefs(
        log_rate=Normal(-5.0, 1e-9), log_shape=Normal(1.0, 1e-9), log_ceiling=None
    )
    task = worlds.task(sure, 200, (), [worlds.event(f"e{n}", 20.0 * n) for n in range(1, 6)])
    state = MODEL.update(task, None).state
    assert state is not None
    found = Leverage(Account(task, ASKED, Fit.from_bytes(state), hash_of(task)))
    kappa = math.e
    scale = kappa / math.exp(-5.0)
    count = nbinom(kappa, scale / (scale + 200))
    assert found.tail(5) == pytest.approx(min(count.cdf(5), count.sf(4)), rel=1e-6)
    assert found.tail(0) == pytest.approx(count.cdf(0), rel=1e-6)


def test_sensitivity_is_that_of_arviz() -> None:
    rng = np.random.default_rng(5)
    theta = rng.normal(1.0, 1.0, 4000)
    log_prior = -0.5 * (theta / 1.5) ** 2
    chance = 1 / (1 + np.exp(-theta))
    data = arviz_base.from_dict(
        {
            "posterior": {"p": chance.reshape(4, 1000)},
            "log_prior": {"theta": log_prior.reshape(4, 1000)},
        }
    )
    [theirs] = psense(data, group="prior")["p"].values.ravel()
    even = Weights(np.full(4000, 1 / 4000), -math.inf, 4000.0)
    low, high = (Reading(chance, smooth((alpha - 1) * log_prior, 1.0)) for alpha in (0.99, 1.01))
    assert sensitivity(Reading(chance, even), (low, high)) == pytest.approx(float(theirs), rel=0.05)
    assert theirs > 0.05


def scaling(crosses: tuple[float, ...] = ()) -> Scaling:
    return Scaling("prior", 0.8, 0.3, 0.0, 0.0, 0.0, crosses=crosses)


@pytest.mark.parametrize(
    ("prior", "likelihood", "tail", "crosses", "verdict"),
    [
        (0.01, 0.01, 0.5, (), "none"),
        (0.20, 0.01, 0.5, (0.2,), "strong prior"),
        (0.01, 0.20, 0.5, (0.2,), "none"),
        (0.20, 0.20, 0.5, (), "possible"),
        (0.20, 0.20, 0.5, (0.2,), "conflict"),
        (0.01, 0.01, 0.005, (), "conflict"),
    ],
)
def test_a_strong_prior_beside_weak_data_is_no_conflict(
    prior: float, likelihood: float, tail: float, crosses: tuple[float, ...], verdict: str
) -> None:
    assert judge(prior, likelihood, 0, tail, [scaling(crosses)]).verdict == verdict


# The base rate


RATE_TASK = worlds.task(
    worlds.beliefs(model="base-rate", narrower=worlds.KINDS), 200, (), EVENTS, [ASKED]
)


def rate_of(task: Task) -> float:
    return BaseRate().update(task, None).estimates[0].probability


def test_the_base_rate_explains_itself_in_closed_form() -> None:
    found = base_rate_explained.explain(RATE_TASK, ASKED)
    prior = gamma_of(RATE_TASK.beliefs.log_rate)

    def p(a: float, b: float) -> float:
        return -math.expm1(-a * math.log1p(90 / b))

    assert found.probability == pytest.approx(rate_of(RATE_TASK), abs=1e-12)
    by_kind = {(s.component, s.alpha): s.probability for s in found.scalings}
    for alpha in ALPHAS:
        weighed = p(alpha * prior.shape + 1, alpha * prior.rate + 200)
        counted = p(prior.shape + alpha, prior.rate + alpha * 200)
        assert by_kind["base rate", alpha] == pytest.approx(weighed, abs=1e-12)
        assert by_kind["likelihood", alpha] == pytest.approx(counted, abs=1e-12)


def test_the_base_rate_at_its_ends_and_in_silence_is_a_real_update() -> None:
    found = base_rate_explained.explain(RATE_TASK, ASKED)
    [swing] = [s for s in found.swings if s.key == "base_rate"]
    beliefs = RATE_TASK.beliefs
    for p, at in zip((0.05, 0.95), swing.at, strict=True):
        there = Normal(beliefs.log_rate.quantile(p), beliefs.log_rate.sd)
        moved = replace(RATE_TASK, beliefs=replace(beliefs, log_rate=there))
        assert at == pytest.approx(rate_of(moved), abs=1e-12)
    [quiet] = found.of_kind("silence")
    assert quiet.probability == pytest.approx(rate_of(silent(RATE_TASK, 30)), abs=1e-12)


def test_counts_that_the_base_rate_did_not_expect_are_a_conflict() -> None:
    many = [worlds.event(f"e{n}", 10.0 * n) for n in range(1, 16)]
    task = worlds.task(RATE_TASK.beliefs, 200, (), many, [ASKED])
    found = base_rate_explained.explain(task, ASKED)
    prior = gamma_of(task.beliefs.log_rate)
    count = nbinom(prior.shape, prior.rate / (prior.rate + 200))
    assert found.conflict.tail == pytest.approx(float(count.sf(14)), rel=1e-6)
    assert found.conflict.verdict == "conflict"
    assert any(n.kind == "conflict" and n.blocks for n in found.notes)
    assert base_rate_explained.explain(RATE_TASK, ASKED).conflict.verdict != "conflict"


def test_a_kind_of_the_base_rate_has_a_share_to_believe_in() -> None:
    covert = worlds.question("covert")
    task = worlds.task(RATE_TASK.beliefs, 200, (), EVENTS, [covert])
    found = base_rate_explained.explain(task, covert)
    assert found.probability == pytest.approx(rate_of(task), abs=1e-12)
    [swing] = [s for s in found.swings if s.key == "covert.share"]
    assert swing.at[0] < found.probability < swing.at[1]


def test_the_shape_is_where_the_leverage_looks_for_it() -> None:
    assert account().work.prior.mean[SHAPE] == worlds.SHAPE.mean
