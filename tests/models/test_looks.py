"""Looks say what the models and ArviZ say: the formulas written again in NumPy, to 1e-9."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from models.api import Task
from models.covariates import Array
from models.engine import psis
from models.engine.answers import answers
from models.engine.gates import weights_gate
from models.engine.ladder import Rung, refit
from models.hazard import Hazard
from models.hazard.update import Work
from models.looks.hazard import HazardLook
from models.looks.weighing import answered, smooth
from models.priors.beliefs import Beliefs, CoupledUnit
from models.priors.elicit import Beta, Normal
from models.retuning import Retuned, retuned
from tests.models import worlds

MODEL = Hazard()
DRAWS = 120


def weights_of(kind: str) -> Array:
    rng = np.random.default_rng(5)
    made = {
        "light": rng.normal(size=1000),
        "heavy": 3.0 * rng.standard_t(3, 1000),
        "few": rng.normal(size=150),
        "constant": np.full(300, -3.7),
        "with nothing": np.where(rng.random(1000) < 0.2, -np.inf, rng.normal(size=1000)),
        "no numbers": np.where(rng.random(400) < 0.5, np.nan, rng.normal(size=400)),
        "only no numbers": np.full(200, np.nan),
    }
    return np.asarray(made[kind])


KINDS = ["light", "heavy", "few", "constant", "with nothing", "no numbers", "only no numbers"]


@pytest.mark.parametrize("efficiency", [1.0, 0.6])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_smoothed_as_arviz_smooths_them(kind: str, efficiency: float) -> None:
    found = smooth(weights_of(kind), efficiency)
    wanted = psis.smooth(weights_of(kind), efficiency)
    assert found.khat == pytest.approx(wanted.khat, rel=1e-9, nan_ok=True)
    assert found.ess == pytest.approx(wanted.ess, rel=1e-9)
    assert found.w == pytest.approx(wanted.w, rel=1e-9)
    assert found.passes == weights_gate(wanted).passed
    p = np.random.default_rng(6).random(len(found.w))
    [mine], [theirs] = answered(found, {"q": p}).values(), answers(wanted, {"q": p}).values()
    assert (mine.probability, mine.mcse) == pytest.approx((theirs.probability, theirs.mcse))
    assert mine.quantiles == theirs.quantiles


# The hazard

A, B = worlds.effect("a", 0.8, 0.3, 20.0), worlds.effect("b", -0.4)
REPORTS = [worlds.report("r0", 60), worlds.report("r1", 150), worlds.report("r2", 190, "b")]
EVENTS = [worlds.event("e0", 70.4), worlds.event("e1", 161.2)]
ASKED = [
    worlds.question(),
    worlds.question(opens=230.0, name="opens later"),
    worlds.question("covert", deadline=320.0),
    worlds.question("announced", deadline=260.0),
    replace(worlds.question(name="four of them"), at_least=4),
]
GROUPED = (*worlds.grouped(A, B, worlds.effect("c", 0.3)), worlds.effect("d", 0.2))
LEVEL = replace(B, kind="level", per=0.5, stale_after=400.0)
UNSURE = replace(A, half_life_factor=2.0)
PLAIN = worlds.beliefs(A, B, narrower=worlds.KINDS)
BELIEVED = {
    "plain": PLAIN,
    "groups": worlds.beliefs(*GROUPED, narrower=worlds.KINDS),
    "no ceiling": replace(PLAIN, log_ceiling=None),
    "only once": replace(PLAIN, recurrent=False),
    "levels": worlds.beliefs(A, LEVEL, narrower=worlds.KINDS),
    "no signs": worlds.beliefs(narrower=worlds.KINDS),
    "settings": replace(
        worlds.beliefs(UNSURE, B, narrower=worlds.KINDS),
        couplings=(CoupledUnit("v", ("a",), Normal(0.7, 0.3), 20.0, 0.3),),
    ),
}


def world(believed: Beliefs, as_of: float = 200.0) -> Task:
    events = EVENTS if believed.recurrent else []
    return worlds.task(believed, as_of, REPORTS, events, ASKED)


def both(task: Task) -> tuple[HazardLook, Work]:
    return HazardLook.of(task, MODEL.model_hash(task.beliefs)), Work(
        task, MODEL.model_hash(task.beliefs)
    )


def drawn(work: Work) -> Array:
    target = work.problem.target
    z = np.random.default_rng(4).standard_normal((DRAWS, len(target.start)))
    return target.start + target.scale * z


@pytest.mark.parametrize("name", BELIEVED)
def test_a_look_at_the_hazard_is_what_the_hazard_says(name: str) -> None:
    look, work = both(world(BELIEVED[name]))
    draws = drawn(work)
    fit = work.problem.fit(draws, None, "R1")
    assert look.is_of(fit)
    seen = look.posterior(draws)
    assert seen.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-9)
    apart = look.log_prior(draws) - work.problem.target.log_prior(draws)
    assert np.ptp(apart) < 1e-9
    found, wanted = look.chances(seen, DRAWS), work.chances(Rung.of_fit(fit))
    assert found.keys() == wanted.keys() == {q.question_id for q in ASKED}
    for question, p in wanted.items():
        assert found[question] == pytest.approx(p, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ["groups", "settings"])
def test_the_time_at_risk_counts_by_what_the_signs_do(name: str) -> None:
    look, work = both(world(BELIEVED[name]))
    log_rate, log_shape = np.linspace(-8.0, -5.0, 50), np.linspace(-1.0, 1.0, 50)
    found = look.effective_days(log_rate, log_shape)
    draws = look.start + look.scale * np.random.default_rng([look.task.seed, 9]).standard_normal(
        (50, len(look.start))
    )
    draws[:, 0], draws[:, 1] = log_rate, log_shape
    weight = np.exp(work.problem.data.log_weight)
    wanted = work.problem.kept(draws)[1]["at_risk"] @ weight
    assert found == pytest.approx(wanted, rel=1e-9)
    assert found.max() > 1.1 * work.track.rows.exposure.sum()


@pytest.mark.parametrize("name", ["groups", "settings"])
def test_draws_of_earlier_days_are_weighed_on_later_ones(name: str) -> None:
    _, before = both(world(BELIEVED[name]))
    look, now = both(world(BELIEVED[name], 220.0))
    fit = before.problem.fit(drawn(before), None, "R1")
    found, wanted = look.reweigh(fit), now.problem.reweigh(fit)
    assert look.is_of(fit)
    assert found.log_weights == pytest.approx(wanted.log_weights, rel=1e-9)
    late = worlds.report("late", 100)  # changes rows that the fit has seen
    task = world(BELIEVED[name], 220.0)
    task = replace(task, snapshot=replace(task.snapshot, reports=(late, *task.snapshot.reports)))
    look, now = both(task)
    found, wanted = look.reweigh(fit), now.problem.reweigh(fit)
    assert found.log_weights == pytest.approx(wanted.log_weights, rel=1e-9)


def test_a_fit_of_other_beliefs_or_of_long_ago_is_not_looked_at() -> None:
    _, work = both(world(PLAIN))
    fit = work.problem.fit(drawn(work), None, "R1")
    assert not both(world(replace(PLAIN, log_rate=Normal(-4.0, 0.5))))[0].is_of(fit)
    assert not both(world(PLAIN, 240.0))[0].is_of(fit)
    assert not both(world(BELIEVED["settings"]))[0].has_place_for(fit)


@pytest.mark.parametrize(
    "changed",
    [
        replace(PLAIN, log_rate=Normal(PLAIN.log_rate.mean + 0.3, PLAIN.log_rate.sd)),  # weighed
        replace(PLAIN, log_rate=Normal(PLAIN.log_rate.mean + 2.0, 0.3)),  # moved
        worlds.beliefs(replace(A, half_life=9.0), B, narrower=worlds.KINDS),  # other rows
    ],
)
def test_a_look_without_pymc_is_what_a_look_with_it_is(changed: Beliefs) -> None:
    task = world(PLAIN)
    state = MODEL.update(task, None).state
    quick = retuned(MODEL, task, changed, state)
    slow = retuned(Beside(), task, changed, state)
    assert quick is not None
    assert slow is not None
    for mine, theirs in zip(parts(quick), parts(slow), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-7, abs=1e-9)


RATE = Normal(PLAIN.log_rate.mean + 2.0, 0.4)


def test_moved_draws_say_what_an_update_would_and_a_power_is_a_narrower_prior() -> None:
    task = world(PLAIN)
    state = MODEL.update(task, None).state
    found = retuned(MODEL, task, replace(PLAIN, log_rate=RATE), state)
    assert found is not None
    for strength, mine in ((0.5, found.weaker), (1.0, found.after), (2.0, found.stronger)):
        rate = Normal(RATE.mean, RATE.sd / strength**0.5)
        made = MODEL.update(replace(task, beliefs=replace(PLAIN, log_rate=rate)), None)
        for wanted in made.estimates:
            one = mine[wanted.question_id]
            error = 3 * np.hypot(one.mcse, wanted.mcse)
            assert one.probability == pytest.approx(wanted.probability, abs=error)


def test_a_power_of_a_belief_is_one_of_another_width_to_the_digit() -> None:
    task, middle, sd = world(PLAIN), PLAIN.log_rate.mean + 0.3, PLAIN.log_rate.sd
    state = MODEL.update(task, None).state

    def under(width: float) -> Retuned:
        found = retuned(MODEL, task, replace(PLAIN, log_rate=Normal(middle, width)), state)
        assert found is not None
        return found

    told = under(sd)
    for strength, mine in ((0.5, told.weaker), (2.0, told.stronger)):
        for name, wanted in under(sd / strength**0.5).after.items():
            assert mine[name].probability == pytest.approx(wanted.probability, rel=1e-6)


@pytest.mark.parametrize("draws", [1000, 3000])
def test_a_question_that_a_change_is_not_about_shows_none(draws: int) -> None:
    task = world(PLAIN)
    _, work = both(task)
    state = refit(work.problem, draws).fit.to_bytes()
    covert, *others = PLAIN.narrower
    changed = replace(PLAIN, narrower=(replace(covert, share=Beta(1.0, 9.0)), *others))
    found = retuned(MODEL, task, changed, state)
    assert found is not None
    name = worlds.question().question_id  # of the root, whatever the kinds
    assert found.after[name].probability == pytest.approx(found.before[name].probability, abs=1e-9)
    assert found.after["covert-0-320"].probability < found.before["covert-0-320"].probability / 2


def test_few_draws_say_the_same_within_their_error() -> None:
    task = world(PLAIN)
    state = MODEL.update(task, None).state
    changed = replace(PLAIN, log_rate=Normal(PLAIN.log_rate.mean + 0.3, PLAIN.log_rate.sd))
    few, all_ = (retuned(MODEL, task, changed, state, most) for most in (300, None))
    assert few is not None
    assert all_ is not None
    for name, one in few.after.items():
        assert one.probability != all_.after[name].probability
        assert one.probability == pytest.approx(all_.after[name].probability, abs=5 * one.mcse)


class Beside(Hazard):
    """The hazard under a name of its own, which is looked at by its work."""


def parts(found: Retuned) -> list[float]:
    every = (found.before, found.after, found.weaker, found.stronger)
    return [x for answers in every for a in answers.values() for x in (a.probability, a.mcse)]


def test_a_look_does_not_import_pymc_nor_arviz() -> None:
    code = "import sys, models.retuning; sys.exit(bool({'pymc', 'arviz_stats'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
