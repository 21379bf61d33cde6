"""Other beliefs on the draws that are there: weighed or moved, they say what an update would."""

from dataclasses import replace

import numpy as np
import pytest

from models.api import Task
from models.covariates import Array
from models.engine.answers import answers
from models.engine.fit import Posterior
from models.engine.ladder import refit
from models.hazard import Hazard
from models.hazard.density import compiled_density
from models.hazard.predictive import effective_days
from models.hazard.update import Work
from models.priors.beliefs import Beliefs, CoupledUnit
from models.priors.elicit import Beta, Normal
from models.retuning import Retuned, chances, retuned
from tests.models import worlds

MODEL = Hazard()
DRAWS = 120


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


def work_on(task: Task) -> Work:
    return Work(task, MODEL.model_hash(task.beliefs))


def drawn(work: Work) -> Array:
    target = work.problem.target
    z = np.random.default_rng(4).standard_normal((DRAWS, len(target.start)))
    return target.start + target.scale * z


@pytest.mark.parametrize("name", ["groups", "settings", "levels"])
def test_the_time_at_risk_counts_by_what_the_signs_do(name: str) -> None:
    task = world(BELIEVED[name])
    work, density = work_on(task), compiled_density()
    log_rate, log_shape = np.linspace(-8.0, -5.0, 50), np.linspace(-1.0, 1.0, 50)
    found = effective_days(MODEL, task, log_rate, log_shape)
    start, scale = work.problem.target.start, work.problem.target.scale
    z = np.random.default_rng([task.seed, 9]).standard_normal((50, len(start)))
    draws = start + scale * z
    draws[:, 0], draws[:, 1] = log_rate, log_shape
    data = work.problem.data
    density.load(data, work.prior)
    m = [np.exp(density.along("log_m", "x", draws, x)) @ data.rows.exposure for x in data.x]
    assert found == pytest.approx(np.exp(data.log_weight) @ np.array(m), rel=1e-9)
    assert found.max() > 1.1 * data.rows.exposure.sum()


@pytest.mark.parametrize("name", BELIEVED)
def test_what_comes_along_a_draw_does_not_hang_on_how_many_there_are(name: str) -> None:
    task = world(BELIEVED[name])
    work = work_on(task)
    draws = np.concatenate([drawn(work)] * 25)  # more than one block of futures
    likelihood, extras = work.problem.kept(draws)
    posterior = Posterior(draws, np.zeros(len(draws)), likelihood, extras)
    every, few = chances(work, posterior, len(draws)), chances(work, posterior, 1200)
    for question, p in few.items():
        assert p == pytest.approx(every[question][:1200], rel=1e-12)


def test_a_fit_of_other_beliefs_or_of_long_ago_is_not_looked_at() -> None:
    task = world(PLAIN)
    state = refit(work_on(task).problem, 1000).fit.to_bytes()
    assert retuned(MODEL, task, PLAIN, state)
    other = world(replace(PLAIN, log_rate=Normal(-4.0, 0.5)))
    assert retuned(MODEL, other, PLAIN, state) is None
    assert retuned(MODEL, world(PLAIN, 240.0), PLAIN, state) is None
    assert retuned(MODEL, task, BELIEVED["settings"], state) is None


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
    # no power of it is wider than what stands, where the draws would be moved
    task, middle, sd = world(PLAIN), PLAIN.log_rate.mean + 0.3, 0.6 * PLAIN.log_rate.sd
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
    work = work_on(task)
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


FAR = Normal(PLAIN.log_rate.mean + 3.5, PLAIN.log_rate.sd / 2)
WIDE = Normal(PLAIN.log_rate.mean, 2 * PLAIN.log_rate.sd)


@pytest.mark.parametrize(("rate", "draws", "ratio"), [(FAR, 3000, 1.6), (WIDE, 1000, 1.2)])
def test_a_look_errs_by_no_more_than_it_says(rate: Normal, draws: int, ratio: float) -> None:
    """Far off the old draws tell little of the new; of a wider prior they lack the tails."""
    changed = replace(PLAIN, log_rate=rate)
    work = work_on(world(changed))
    rung = refit(work.problem, 20_000)
    truth = answers(rung.weights, work.chances(rung))
    off: dict[str, list[float]] = {name: [] for name in truth}
    told: dict[str, list[float]] = {name: [] for name in truth}
    for seed in range(12):
        task = replace(world(PLAIN), seed=500 + seed)
        state = refit(work_on(task).problem, draws).fit.to_bytes()
        found = retuned(MODEL, task, changed, state)
        assert found is not None
        for name, one in found.after.items():
            off[name].append(one.probability - truth[name].probability)
            told[name].append(one.mcse)
    errors = [np.sqrt(np.mean(np.square(off[name]))) / np.mean(told[name]) for name in truth]
    assert max(errors) < ratio
