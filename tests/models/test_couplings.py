"""Couplings: whether news elsewhere bears on this unit is learnt, and told as a probability."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp

from forecast.estimate import Coupling
from forecast.evidence import Event
from forecast.question import Snapshot
from models.api import Task
from models.covariates import Array
from models.hazard import Hazard
from models.hazard.update import Work
from models.priors.beliefs import Beliefs, CoupledUnit
from models.priors.elicit import Normal
from tests.models import worlds

MODEL = Hazard()
PRIOR = 0.3
EFFECT = Normal(1.2, 0.3)
DAYS = 300
SHOCKS = (20, 60, 100, 140, 180, 220, 260)  # days on which something happens at the other unit


def believed(*units: str, certain: bool = False, probability: float = PRIOR) -> Beliefs:
    others = tuple(CoupledUnit(unit, ("a",), EFFECT, 6.0, probability) for unit in units)
    rate, shape = Normal(-3.5, 0.5), Normal(1.8, 0.5)
    if certain:
        rate, shape = replace(rate, sd=1e-4), replace(shape, sd=1e-4)
    plain = worlds.beliefs(log_rate=rate, log_shape=shape, log_ceiling=None)
    return replace(plain, couplings=others)


def elsewhere(unit: str, days: tuple[int, ...] = SHOCKS) -> Snapshot:
    reports = [
        replace(worlds.report(f"{unit}{day}", day + 0.5, occurred=day + 0.4), unit=unit)
        for day in days
    ]
    return Snapshot(unit, worlds.day(DAYS), (), tuple(reports), ())


def task(beliefs: Beliefs, events: list[Event], *others: Snapshot, as_of: float = DAYS) -> Task:
    asked = worlds.question(deadline=as_of + 60)
    return replace(worlds.task(beliefs, as_of, [], events, [asked]), others=others)


def events_on(*days: float) -> list[Event]:
    return [worlds.event(f"e{day}", day) for day in days]


AFTER_SHOCKS = events_on(*(day + 1.3 + lag for day in SHOCKS for lag in (0, 2)))
BETWEEN = events_on(*(day - 8.7 for day in SHOCKS))


def found(posed: Task) -> tuple[Coupling, ...]:
    return MODEL.update(posed, None).estimates[0].couplings


def by_quadrature(events: list[Event], shocks: tuple[int, ...]) -> tuple[float, float]:
    """P(coupled) and the mean effect if so, where rate and shape are known; in plain NumPy."""
    at, rho, kappa = np.arange(DAYS, dtype=float), np.exp(-3.5), np.exp(1.8)
    weight = 0.97 * 0.97 + 0.03 * 0.5  # of a report graded A1
    stock = np.zeros(DAYS)
    for day in shocks:
        stock += np.where(day + 0.5 < at, weight * 2.0 ** -((at - day - 0.4) / 6.0), 0.0)
    x, counts = np.log2(1 + stock), np.zeros(DAYS)
    for event in events:
        counts[int((event.occurred_at - worlds.START).days)] += 1
    beta = np.linspace(EFFECT.mean - 7 * EFFECT.sd, EFFECT.mean + 7 * EFFECT.sd, 4001)
    log_prior = -0.5 * ((beta - EFFECT.mean) / EFFECT.sd) ** 2
    log_prior -= logsumexp(log_prior)

    def level(m: Array) -> Array:
        n = counts.sum()
        return np.asarray(
            np.log(m) @ counts + gammaln(kappa + n) - (kappa + n) * np.log(kappa / rho + m.sum(-1))
        )

    given = level(np.exp(beta[:, None] * x)) + log_prior
    on = np.log(PRIOR) + logsumexp(given)
    off = np.log(1 - PRIOR) + float(level(np.ones(DAYS)))
    w = np.exp(given - logsumexp(given))
    return float(np.exp(on - np.logaddexp(on, off))), float(w @ beta)


@pytest.mark.parametrize(
    ("events", "shocks"),
    [
        pytest.param(
            events_on(21.3, 63.1, 90.2, 142.8, 182.5), SHOCKS, id="some events after shocks"
        ),
        pytest.param(events_on(45.3, 90.2), SHOCKS, id="none after shocks"),
        pytest.param(events_on(61.5), SHOCKS[1:2], id="one shock and one event"),
    ],
)
def test_the_probability_of_a_coupling_is_that_of_a_quadrature(
    events: list[Event], shocks: tuple[int, ...]
) -> None:
    posed = task(believed("v", certain=True), events, elsewhere("v", shocks))
    work = Work(posed, "h")
    rung = work.climb(None)
    [coupling] = work.couplings(rung)
    exact, effect = by_quadrature(events, shocks)
    chance = work.frailty(rung.posterior).weight[:, 1]
    error = rung.weights.mcse(chance)
    assert coupling.posterior == pytest.approx(exact, abs=5 * error + 1e-3)
    assert abs(exact - PRIOR) > 0.1  # the data do tell
    assert np.log(coupling.median) == pytest.approx(effect, abs=0.06)
    assert coupling.lower < coupling.median < coupling.upper


def test_a_coupling_that_is_there_is_found_and_one_that_is_not_is_refused() -> None:
    [there] = found(task(believed("v"), AFTER_SHOCKS, elsewhere("v")))
    [absent] = found(task(believed("v"), BETWEEN, elsewhere("v")))
    assert there.posterior > 0.99
    assert absent.posterior < 0.1
    assert there.prior == absent.prior == PRIOR
    assert there.median > 2


def test_each_of_two_units_is_judged_by_itself() -> None:
    posed = task(
        believed("v", "w"), AFTER_SHOCKS, elsewhere("v"), elsewhere("w", (5, 45, 85, 125, 205))
    )
    first, second = found(posed)
    assert (first.unit, second.unit) == ("v", "w")
    assert first.posterior > 0.95
    assert second.posterior < PRIOR


@pytest.mark.parametrize("probability", [0.05, 0.3, 0.9])
def test_without_news_from_there_or_time_at_risk_the_prior_stands(probability: float) -> None:
    beliefs = believed("v", probability=probability)
    silent = task(beliefs, AFTER_SHOCKS, elsewhere("v", ()))
    unheard = task(beliefs, AFTER_SHOCKS)
    fresh = task(beliefs, [], replace(elsewhere("v", ()), as_of=worlds.day(0.5)), as_of=0.5)
    for posed in (silent, unheard, fresh):
        [coupling] = found(posed)
        assert coupling.posterior == pytest.approx(probability, abs=1e-9)
        assert np.log(coupling.median) == pytest.approx(EFFECT.mean, abs=0.06)
        assert np.log(coupling.lower) == pytest.approx(EFFECT.mean - 1.645 * EFFECT.sd, abs=0.1)


def test_news_elsewhere_raises_p_by_as_much_as_it_is_believed_to_bear() -> None:
    just_now = elsewhere("v", (*SHOCKS, DAYS - 2))
    quiet = elsewhere("v")

    def rise(probability: float) -> float:
        beliefs = believed("v", probability=probability)
        one, other = (
            MODEL.update(task(beliefs, [], other), None).estimates[0].probability
            for other in (just_now, quiet)
        )
        return one - other

    low, high = rise(0.05), rise(0.9)
    assert 0 < low < 0.3 * high


def test_news_elsewhere_known_later_and_tags_not_listened_to_change_no_bit() -> None:
    beliefs = believed("v")
    plain = task(beliefs, AFTER_SHOCKS, elsewhere("v"))
    heard = elsewhere("v")
    stranger = replace(heard.reports[0], report_id="odd", tag="zzz", incident_id="odd")
    later = replace(heard.reports[0], report_id="later", known_at=worlds.day(DAYS), incident_id="x")
    planted = task(beliefs, AFTER_SHOCKS, replace(heard, reports=(*heard.reports, stranger, later)))
    one, other = (MODEL.update(t, None).estimates[0] for t in (plain, planted))
    assert replace(one, inputs_digest="") == replace(other, inputs_digest="")


def test_the_same_tag_here_and_there_are_two_things() -> None:
    beliefs = replace(believed("v"), effects=(worlds.effect("a", 0.5, 0.2),))
    here = [worlds.report("v20", 20.5, occurred=20.4)]  # the name of a report there, too
    posed = task(beliefs, AFTER_SHOCKS, elsewhere("v"))
    both = replace(posed, snapshot=replace(posed.snapshot, reports=tuple(here)))
    work = Work(both, "h")
    x = work.problem.data.x[1]
    assert x[22, 0] == pytest.approx(np.log2(1 + work.signals.pulses.weight[0] * 0.5 ** (1.6 / 30)))
    assert (x[:, 1] > 0).sum() > 250
    assert not work.problem.data.x[0][:, 1].any()  # not where it is not coupled
