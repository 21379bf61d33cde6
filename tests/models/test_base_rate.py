"""The conjugate base rate against its closed form, root and narrower, recurrent and once only."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from scipy.stats import beta as beta_distribution
from scipy.stats import gamma as gamma_distribution
from scipy.stats import nbinom, poisson

from forecast.estimate import QUANTILE_LEVELS, Estimate
from forecast.evidence import Event
from models.base_rate import BaseRate, gamma_of
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal
from tests.models import worlds

MODEL = BaseRate()
BELIEVED = worlds.beliefs(model="base-rate", narrower=worlds.KINDS)
ONCE = worlds.beliefs(model="base-rate", narrower=worlds.KINDS, recurrent=False)
PRIOR = gamma_of(BELIEVED.log_rate)


def estimate(
    believed: Beliefs, definition: str = "strike", opens: float = 0.0, events: Iterable[Event] = ()
) -> Estimate:
    asked = worlds.question(definition, opens=opens)
    return MODEL.update(worlds.task(believed, events=events, questions=[asked]), None).estimates[0]


@pytest.mark.parametrize(("mean", "sd"), [(-6.749, 0.447), (-2.0, 1.5), (-9.0, 0.05)])
def test_the_gamma_has_the_mean_and_deviation_of_the_believed_log(mean: float, sd: float) -> None:
    found = gamma_of(Normal(mean, sd))
    assert digamma(found.shape) - np.log(found.rate) == pytest.approx(mean, abs=1e-12)
    assert np.sqrt(polygamma(1, found.shape)) == pytest.approx(sd, rel=1e-9)


def test_the_gamma_keeps_nearly_the_range_that_was_believed() -> None:
    found = gamma_of(Normal(-6.749, 0.447))  # 5 % to 20 % a quarter, 90 % sure
    below, above = (
        gamma_distribution.cdf(-np.log1p(-p), found.shape, scale=91.3125 / found.rate)
        for p in (0.05, 0.20)
    )
    assert below == pytest.approx(0.05, abs=0.02)
    assert above == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("days", [[], [20.3], [20.3, 77.0, 77.4]])
def test_p_is_the_closed_form(days: list[float]) -> None:
    events = [worlds.event(f"e{d}", d) for d in days]
    shape, rate = PRIOR.shape + len(days), PRIOR.rate + 200
    expected = 1 - (rate / (rate + 90)) ** shape
    found = estimate(BELIEVED, events=events)
    assert found.probability == pytest.approx(expected, abs=1e-12)
    assert found.mcse == 0.0


def test_a_band_is_of_the_probability_over_the_rate() -> None:
    found = estimate(BELIEVED)
    low, high = (
        1 - np.exp(-90 * gamma_distribution.ppf(q, PRIOR.shape, scale=1 / (PRIOR.rate + 200)))
        for q in (0.05, 0.95)
    )
    assert found.interval.lower == pytest.approx(low, rel=0.002)
    assert found.interval.upper == pytest.approx(high, rel=0.002)


@pytest.mark.parametrize("n", [1, 3])
def test_quantiles_are_those_of_the_probability_over_the_rate(n: int) -> None:
    found, rate = at_least(n), gamma_distribution(PRIOR.shape, scale=1 / (PRIOR.rate + 200))
    exact = poisson.sf(n - 1, 80 * rate.ppf(QUANTILE_LEVELS))
    assert found.quantiles == pytest.approx(exact, rel=0.01)
    for level in np.linspace(exact[0], exact[-1], 17)[1:-1]:
        slowest = gamma_distribution.ppf(1e-9, PRIOR.shape) / (PRIOR.rate + 200)
        at = brentq(lambda r, p=level: poisson.sf(n - 1, 80 * r) - p, slowest, 10.0)
        assert found.exceedance(level) == pytest.approx(rate.sf(at), abs=0.005)


def test_quantiles_of_a_kind_are_over_its_share_as_well() -> None:
    found, rng = estimate(BELIEVED, "covert"), np.random.default_rng(0)
    rate = rng.gamma(PRIOR.shape, 1 / (PRIOR.rate + 200), 400_000)
    share = rng.beta(3.0, 5.0, 400_000)
    simulated = np.quantile(1 - np.exp(-90 * share * rate), QUANTILE_LEVELS)
    assert found.quantiles == pytest.approx(simulated, rel=0.04)


def at_least(n: int, opens: float = 210.0, events: Iterable[Event] = ()) -> Estimate:
    asked = replace(worlds.question(opens=opens), at_least=n)
    return MODEL.update(worlds.task(BELIEVED, events=events, questions=[asked]), None).estimates[0]


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_counts_are_negative_binomial(n: int) -> None:
    rate = PRIOR.rate + 200
    counts = nbinom(PRIOR.shape, rate / (rate + 80))
    found = at_least(n)
    assert found.probability == pytest.approx(counts.sf(n - 1), abs=1e-12)
    assert found.at_least == pytest.approx(counts.sf(np.arange(max(n, 5))), abs=1e-12)
    assert found.expected_count == pytest.approx(counts.mean(), rel=1e-12)


def test_what_happened_in_the_window_already_need_not_happen_again() -> None:
    events = [worlds.event(f"e{d}", d) for d in (20.3, 77.0)]  # of these the window saw one
    rate = PRIOR.rate + 200
    ahead = nbinom(PRIOR.shape + 2, rate / (rate + 90))
    found = at_least(3, 50.0, events)
    assert found.probability == pytest.approx(ahead.sf(1), abs=1e-12)
    assert found.at_least[:3] == pytest.approx([1.0, ahead.sf(0), ahead.sf(1)], abs=1e-12)
    assert found.expected_count == pytest.approx(1 + ahead.mean(), rel=1e-12)


def test_what_happens_only_once_does_not_happen_twice() -> None:
    asked = replace(worlds.question(opens=0.0), at_least=2)
    events = [worlds.event("e", 20.3)]
    found = MODEL.update(worlds.task(ONCE, events=events, questions=[asked]), None).estimates[0]
    assert found.probability == 0.0
    assert found.at_least[1:] == (0.0,) * 4
    assert found.expected_count == found.at_least[0]


@pytest.mark.parametrize("believed", [BELIEVED, ONCE])
def test_the_draws_of_the_posterior_are_those_of_the_closed_form(believed: Beliefs) -> None:
    asked = [
        worlds.question(opens=220.0),
        worlds.question("covert"),
        replace(worlds.question(opens=150.0, name="three"), at_least=3),
    ]
    task = worlds.task(believed, events=[worlds.event("e", 170.3)], questions=asked)
    draws = MODEL.posterior(task, None)
    means = dict(zip(draws.names, draws.weights @ draws.values, strict=True))
    for estimate in MODEL.update(task, None).estimates:
        p = means[f"p:{estimate.question_id}"]
        assert p == pytest.approx(estimate.probability, abs=0.01)
    assert means["share:covert"] == pytest.approx(3 / 8, abs=0.02)
    assert means["share:covert"] + means["share:overt"] == pytest.approx(1, abs=1e-12)
    rate = np.exp(draws.values[:, 0])
    days = 200 if believed.recurrent else 171
    assert draws.values[:, draws.names.index("log_likelihood")] == pytest.approx(
        np.log(rate) - rate * days
    )


def test_the_log_likelihood_holds_the_kinds_whose_shares_are_drawn() -> None:
    kinds = ("covert", "overt", "announced", "strike")  # of the last the kind is not known
    events = [worlds.event(f"e{n}", 10.0 + n, definition=kind) for n, kind in enumerate(kinds)]
    draws = MODEL.posterior(worlds.task(BELIEVED, events=events), None)
    column = dict(zip(draws.names, draws.values.T, strict=True))
    covert = column["share:covert"]
    announced = column["share:announced"] / (1 - covert)
    kinds_said = np.log(covert) + 2 * np.log(1 - covert) + np.log(announced) + np.log(1 - announced)
    counted = 4 * column["log_rate"] - 200 * np.exp(column["log_rate"])
    assert column["log_likelihood"] == pytest.approx(counted + kinds_said)


@pytest.mark.parametrize(("kind", "a", "b"), [("covert", 3.0, 5.0), ("overt", 5.0, 3.0)])
def test_a_narrower_kind_takes_its_share_of_the_arrivals(kind: str, a: float, b: float) -> None:
    rate = PRIOR.rate + 200

    def p(q: float) -> float:
        return float((1 - (rate / (rate + q * 90)) ** PRIOR.shape) * beta_distribution.pdf(q, a, b))

    found = estimate(BELIEVED, kind)
    assert found.probability == pytest.approx(quad(p, 0, 1)[0], abs=4 * found.mcse)
    assert 0 < found.mcse < 0.005


def test_what_happens_only_once_must_not_have_happened_before_the_window_opens() -> None:
    rate = PRIOR.rate + 200
    survival = (rate / (rate + np.array([40.0, 90.0]))) ** PRIOR.shape
    assert estimate(ONCE, opens=240).probability == pytest.approx(
        survival[0] - survival[1], abs=1e-12
    )
    again = 1 - (rate / (rate + 50)) ** PRIOR.shape
    assert estimate(BELIEVED, opens=240).probability == pytest.approx(again, abs=1e-12)


def test_what_happens_only_once_is_of_one_kind_or_the_other() -> None:
    whole, covert, overt = (
        estimate(ONCE, kind, 240).probability for kind in ("strike", "covert", "overt")
    )
    assert covert + overt == pytest.approx(whole, abs=1e-12)


def test_a_thing_that_happens_once_ends_its_own_time_at_risk() -> None:
    found = estimate(ONCE, events=[worlds.event("e", 20.3), worlds.event("f", 50.0)])
    assert found.diagnostics["days_at_risk"] == 21
    assert found.diagnostics["events"] == 1


def test_the_state_is_the_prior_and_comes_back_as_it_was() -> None:
    first = MODEL.update(worlds.task(BELIEVED), None)
    again = MODEL.update(worlds.task(BELIEVED, 210), first.state)
    assert again.state is first.state


def test_a_changed_prior_is_booked_as_such_and_the_rest_is_time_and_learning() -> None:
    first = MODEL.update(worlds.task(BELIEVED), None)
    changed = worlds.beliefs(model="base-rate", narrower=worlds.KINDS, log_rate=Normal(-5.0, 0.5))
    later = worlds.task(changed, 204, previous=first.estimates)
    moved = MODEL.update(later, first.state).estimates[0].moved
    assert moved is not None
    assert moved.prior > 0.3
    assert moved.time < 0
    assert moved.learning < 0
    quiet = MODEL.update(worlds.task(BELIEVED, 204, previous=first.estimates), first.state)
    moved = quiet.estimates[0].moved
    assert moved is not None
    assert moved.prior == pytest.approx(0, abs=1e-9)
