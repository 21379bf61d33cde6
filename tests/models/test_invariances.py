"""What must hold of the density, draw by draw: order, batches, units of time, relabelling."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.estimate import Estimate
from forecast.evidence import Report
from models.covariates import Array
from models.hazard import Hazard
from models.hazard.density import compiled_density
from models.hazard.formulas import Data, Multiplier, Prior
from models.hazard.outlook import Frailty, hazard_ahead
from models.hazard.problem import HazardProblem, expose, since
from models.priors.beliefs import Beliefs
from models.rows import Rows
from tests.models import worlds
from tests.models.worlds import beliefs, effect, event, report

MODEL = Hazard()
TAGS = (effect("a"), effect("b", 0.3, 0.2, 14.0))
BELIEVED = beliefs(*TAGS)
REPORTS = [report("r0", 60), report("r1", 150, "b"), report("r2", 195)]
EVENTS = [event("e0", 70.4)]
FEW = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
LISTENED = Prior.of(beliefs(*TAGS, effect("c", 0.2)))
MULTIPLIER = Multiplier(LISTENED)


def estimate(believed: Beliefs, reports: list[Report]) -> Estimate:
    return MODEL.update(worlds.task(believed, 200, reports, EVENTS), None).estimates[0]


def theta(n: int = 40) -> Array:
    z = np.random.default_rng(3).standard_normal((n, len(LISTENED.mean)))
    return np.asarray(LISTENED.mean + LISTENED.sd * z)


def level(rows: Rows, prior: Prior = LISTENED, draws: Array | None = None) -> Array:
    """Log likelihoods (draw,) of rows."""
    density = compiled_density()
    density.load(Data.of(rows), prior)
    return density.log_likelihood(theta() if draws is None else draws)


@FEW
@given(rows_of=st.integers(1, 60), seed=st.integers(0, 99), data=st.data())
def test_rows_in_any_order_and_any_batches_come_to_the_same(
    rows_of: int, seed: int, data: st.DataObject
) -> None:
    rows = worlds.rows(seed, days=rows_of + 2)
    order = np.array(data.draw(st.permutations(range(rows_of + 2))))
    shuffled = Rows.of_one_unit(rows.x[order], rows.exposure[order], rows.events[order])
    whole = level(rows)
    assert level(shuffled) == pytest.approx(whole, abs=1e-9)
    cut = data.draw(st.integers(0, rows_of + 2))
    problem = HazardProblem.of(Data.of(rows), LISTENED, "", 1)
    parts = [expose(MULTIPLIER, theta(), since(problem.data, *ends)) for ends in ((0, cut), (cut,))]
    added = {name: parts[0][name] + parts[1][name] for name in parts[0]}
    assert problem.by_setting(theta(), added)[:, 0] == pytest.approx(whole, abs=1e-9)


def test_evidence_whose_effect_is_nothing_moves_no_bit_of_a_draw() -> None:
    draws = theta()
    draws[:, 4] = 0.0
    x = worlds.rows(days=20).x
    other = x.copy()
    other[:, 1] += 3.0
    assert np.array_equal(
        MULTIPLIER.log_multiplier(draws, x), MULTIPLIER.log_multiplier(draws, other)
    )


@FEW
@given(parts=st.integers(2, 24), seed=st.integers(0, 99))
def test_hours_instead_of_days_are_the_same_likelihood(parts: int, seed: int) -> None:
    days = worlds.rows(seed)
    hours = Rows.of_one_unit(
        np.repeat(days.x, parts, axis=0),
        np.repeat(days.exposure / parts, parts),
        np.ravel(np.c_[days.events, np.zeros((len(days.events), parts - 1))]),
    )
    assert level(hours) == pytest.approx(level(days), abs=1e-9)


@FEW
@given(factor=st.sampled_from([24.0, 1 / 7, 365.25]), seed=st.integers(0, 99))
def test_another_unit_of_time_is_the_same_posterior_and_the_same_p(
    factor: float, seed: int
) -> None:
    days, draws = worlds.rows(seed), theta()
    rows = replace(days, exposure=days.exposure * factor)
    moved = draws.copy()
    moved[:, [0, 2]] -= np.log(factor)  # rate and ceiling are per unit of time
    gain = level(rows, draws=moved) - level(days, draws=draws)
    assert gain == pytest.approx(np.full(len(draws), -days.events.sum() * np.log(factor)), abs=1e-8)
    edges = np.array([0.0, 10.0, 40.0])
    one, other = (
        rate_given(t, r).chance(h[:, [0]], h[:, [2]], np.ones(len(t)), True)
        for t, r, h in (
            (draws, days, hazard_ahead(MULTIPLIER, draws, np.ones((2, 3)), edges)),
            (moved, rows, hazard_ahead(MULTIPLIER, moved, np.ones((2, 3)), edges * factor)),
        )
    )
    assert other == pytest.approx(one, rel=1e-9)


def rate_given(draws: Array, rows: Rows) -> Frailty:
    extras = expose(MULTIPLIER, draws, Data.of(rows))
    return Frailty.of(draws, extras, np.zeros((len(draws), 1)))


@FEW
@given(factor=st.floats(0.01, 100), column=st.integers(0, 2))
def test_a_covariate_in_other_steps_with_its_effect_the_other_way_is_the_same(
    factor: float, column: int
) -> None:
    rows, draws = worlds.rows(), theta()
    x = rows.x.copy()
    x[:, column] *= factor
    other = draws.copy()
    other[:, 3 + column] /= factor
    assert level(replace(rows, x=x), draws=other) == pytest.approx(level(rows), abs=1e-8)


@FEW
@given(cuts=st.lists(st.floats(0.1, 59.9), max_size=6, unique=True))
def test_a_bin_in_parts_is_the_sum_of_its_parts(cuts: list[float]) -> None:
    draws = theta()
    fine = np.array([0.0, *sorted(cuts), 60.0])
    whole = hazard_ahead(MULTIPLIER, draws, np.ones((1, 3)), np.array([0.0, 60.0]))[:, -1]
    parts = hazard_ahead(MULTIPLIER, draws, np.ones((len(fine) - 1, 3)), fine)
    assert parts[:, -1] == pytest.approx(whole, rel=1e-12)
    assert np.all(np.diff(parts, axis=1) > 0)


def test_tags_under_other_names_and_in_another_order_say_the_same() -> None:
    names = {"a": "march", "b": "threat"}
    renamed = replace(
        BELIEVED, effects=tuple(replace(e, tag=names[e.tag]) for e in BELIEVED.effects)
    )
    told = [replace(r, tag=names[r.tag]) for r in REPORTS]
    one, other = estimate(BELIEVED, REPORTS), estimate(renamed, told)
    assert other.probability == one.probability
    assert other.curve == one.curve
    assert {names[c.tag]: c.median for c in one.contributions} == {
        c.tag: c.median for c in other.contributions
    }
    turned = estimate(replace(BELIEVED, effects=BELIEVED.effects[::-1]), REPORTS)
    error = np.hypot(turned.mcse, one.mcse)  # other random numbers
    assert turned.probability == pytest.approx(one.probability, abs=4 * error)
    order = [2, 0, 1]
    rows, draws = worlds.rows(), theta()
    permuted = draws.copy()
    permuted[:, 3:] = draws[:, 3:][:, order]
    assert level(replace(rows, x=rows.x[:, order]), draws=permuted) == pytest.approx(
        level(rows), abs=1e-10
    )


@FEW
@given(order=st.permutations(range(4)))
def test_units_in_another_order_have_the_same_likelihood(order: list[int]) -> None:
    rows = worlds.rows(units=4)
    mine = [np.flatnonzero(rows.unit == u) for u in order]
    place = np.concatenate(mine)
    turned = Rows(
        rows.x[place],
        rows.exposure[place],
        rows.events[place],
        np.repeat(np.arange(4), [len(m) for m in mine]),
        rows.events_by_unit[order],
    )
    assert level(turned) == pytest.approx(level(rows), abs=1e-9)
    alone = sum(level(Rows.of_one_unit(rows.x[m], rows.exposure[m], rows.events[m])) for m in mine)
    assert level(rows) == pytest.approx(alone, abs=1e-9)  # given the parameters, independent
