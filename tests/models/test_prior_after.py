"""What data make of a prior: the closed forms where there are any, and the draws elsewhere."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import beta, gamma

from forecast.evidence import Event
from forecast.question import Question, Snapshot
from forecast.words import DAYS_IN
from models.api import Task
from models.base_rate import gamma_of
from models.engine.fit import Fit
from models.priors.after import beliefs_after, pictures_after
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Beta, Normal
from models.priors.learnt import LEVELS, drawn_from

NOW = datetime(2025, 12, 1, tzinfo=UTC)
SINCE = NOW - timedelta(days=500)
BELIEFS = Beliefs(
    definition="strike",
    model="base-rate",
    log_rate=Normal(math.log(0.004), 0.7),
    log_ceiling=Normal(math.log(0.03), 0.5),
    log_shape=Normal(1.2, 0.4),
    effects=(Effect("ballot", Normal(0.6, 0.3), 30.0, ""),),
    narrower=(Narrower("long", "strike", Beta(4.0, 6.0), None),),
    recurrent=True,
    observed_since=f"{SINCE:%Y-%m-%d}",
    ordinary_value=0.5,
)
EVENTS = tuple(
    Event(f"e{n}", "harbour", kind, NOW - timedelta(days=days), NOW - timedelta(days=days))
    for n, (kind, days) in enumerate((("long", 300), ("strike", 200), ("long", 90)))
)
QUANTILES = np.array(LEVELS)


def task(beliefs: Beliefs = BELIEFS, events: tuple[Event, ...] = EVENTS) -> Task:
    question = Question("q", "?", "harbour", "strike", NOW, NOW + timedelta(days=30))
    snapshot = Snapshot("harbour", NOW, (question,), (), events)
    return Task(snapshot, beliefs, (question,), seed=1)


def a_quarter(rates: np.ndarray) -> np.ndarray:
    return np.asarray(-np.expm1(-rates * DAYS_IN["quarter"]))


def test_a_rate_after_the_data_is_the_conjugate_gamma() -> None:
    rate, *_ = beliefs_after(task(), None)
    before = gamma_of(BELIEFS.log_rate)
    assert rate.key == "base_rate"
    prior = gamma.ppf(QUANTILES, before.shape, scale=1 / before.rate)
    assert (rate.prior.median, rate.prior.lower, rate.prior.upper) == pytest.approx(
        a_quarter(prior), rel=1e-9
    )
    after = gamma(before.shape + len(EVENTS), scale=1 / (before.rate + 500))
    assert (rate.now.median, rate.now.lower, rate.now.upper) == pytest.approx(
        a_quarter(after.ppf(QUANTILES)), rel=1e-9
    )
    logs = np.log(after.rvs(200_000, random_state=1))
    assert rate.moved == pytest.approx((logs.mean() - BELIEFS.log_rate.mean) / 0.7, abs=0.01)
    assert rate.narrower == pytest.approx(1 - logs.std() / 0.7, abs=0.01)


def test_a_share_after_the_data_is_the_conjugate_beta() -> None:
    share = beliefs_after(task(), None)[-1]
    assert share.key == "long.share"
    after = beta(4 + 2, 6 + 1)
    assert (share.now.median, share.now.lower, share.now.upper) == pytest.approx(
        after.ppf(QUANTILES), rel=1e-9
    )
    before = beta(4, 6)
    assert share.moved == pytest.approx((after.mean() - before.mean()) / before.std())
    assert share.narrower == pytest.approx(1 - after.std() / before.std())


def test_without_data_nothing_has_moved() -> None:
    young = replace(BELIEFS, observed_since=f"{NOW:%Y-%m-%d}")
    for belief in beliefs_after(task(young, ()), None):
        assert belief.now == belief.prior
        assert belief.moved == pytest.approx(0, abs=1e-6)
        assert belief.narrower == pytest.approx(0, abs=1e-6)


def fitted(log_weights: np.ndarray) -> tuple[Beliefs, Fit]:
    """Draws as the family `hazard` keeps them: log rate, log kappa, log ceiling, and one sign."""
    rng = np.random.default_rng(5)
    centres = np.array([math.log(0.006), 1.0, math.log(0.05), 0.9])
    draws = centres + 0.2 * rng.standard_normal((len(log_weights), 4))
    fit = Fit(draws, log_weights, log_weights, "R1", "p", "d", 1)
    return replace(BELIEFS, model="hazard", narrower=()), fit


def test_of_a_family_with_draws_it_is_their_quantiles() -> None:
    beliefs, fit = fitted(np.zeros(4000))
    by_key = {b.key: b for b in beliefs_after(task(beliefs), fit.to_bytes())}
    assert list(by_key) == ["base_rate", "ceiling", "unit_spread", "effects.ballot"]
    sign = by_key["effects.ballot"]
    assert sign.prior.median == pytest.approx(math.exp(0.6))
    assert sign.now.median == pytest.approx(math.exp(np.median(fit.draws[:, 3])), rel=1e-3)
    assert sign.moved == pytest.approx((fit.draws[:, 3].mean() - 0.6) / 0.3)
    assert sign.narrower == pytest.approx(1 - fit.draws[:, 3].std() / 0.3)
    rate = by_key["base_rate"]
    assert rate.now.upper == pytest.approx(
        a_quarter(np.exp(np.quantile(fit.draws[:, 0], 0.95))), rel=1e-3
    )
    spread = by_key["unit_spread"]  # kappa fell below what was believed: units differ by more
    assert spread.now.median > spread.prior.median
    assert spread.moved > 0
    assert spread.now.lower < spread.now.median < spread.now.upper


def test_draws_are_told_by_their_weights_on_the_data_of_now() -> None:
    beliefs, fit = fitted(np.zeros(4000))
    state = fit.to_bytes()
    weights = np.exp(fit.draws[:, 0])
    weights /= weights.sum()
    plain, weighed = (
        next(d for d in drawn_from(beliefs, state, w) if d.key == "base_rate")
        for w in (None, weights)
    )
    assert weighed.moved - plain.moved == pytest.approx(0.2**2 / 0.7, rel=0.1)


def test_one_heavy_draw_does_not_speak_for_all() -> None:
    log_weights = np.zeros(4000)
    log_weights[0] = 8.0  # nearly half of all
    beliefs, fit = fitted(log_weights)
    rate = next(d for d in drawn_from(beliefs, fit.to_bytes()) if d.key == "base_rate")
    assert rate.weights.max() < 0.1
    assert rate.quantiles[1] < rate.quantiles[0] < rate.quantiles[2]


def test_a_state_that_is_no_fit_says_nothing_and_shares_are_told_all_the_same() -> None:
    hazard = replace(BELIEFS, model="hazard")
    assert [b.key for b in beliefs_after(task(hazard), b"not a fit")] == ["long.share"]
    pooled = replace(BELIEFS, model="pool")
    assert [b.key for b in beliefs_after(task(pooled), None)] == ["long.share"]


def test_pictures_are_of_the_same_beliefs() -> None:
    for beliefs, state in ((BELIEFS, None), (fitted(np.zeros(50))[0], fitted(np.zeros(50))[1])):
        kept = state.to_bytes() if state else None
        keys = [b.key for b in beliefs_after(task(beliefs), kept)]
        assert set(pictures_after(task(beliefs), kept)) == set(keys)
