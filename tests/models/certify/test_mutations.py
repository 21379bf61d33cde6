"""A certificate is worth what it catches: the families' own mathematics bent, through the harness.

Worlds in which a few months say much, seen once; the same ones for the family as it is and for
each way it is bent.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pymc as pm
import pytest

from models import shares
from models.api import Draws, EventModel, Task
from models.base_rate import BaseRate, Gamma
from models.certify.certificate import FAILED, PASSED, Certificate
from models.certify.harness import judge, replicates
from models.certify.world import Stream, World
from models.certify.worlds import base_rate, hazard
from models.hazard import Hazard, density, formulas
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Normal

WORLDS, FEW, MANY = 60, 40, 450
TELLING = Beliefs(
    definition="strike",
    model="hazard",
    log_rate=Normal(-2.2, 0.8),
    log_ceiling=None,
    log_shape=Normal(3.0, 0.2),
    effects=(Effect("march", Normal(0.5, 0.7), 15.0, ""),),
    narrower=(Narrower("covert", "strike", hazard.COVERT, None),),
    recurrent=True,
    observed_since=hazard.START.isoformat(),
    ordinary_value=1.0,
)


def seen_once(stream: Stream) -> Stream:
    """The last task with its first question only."""
    task = stream.tasks[-1]
    asked = task.questions[:1]
    task = replace(task, questions=asked, snapshot=replace(task.snapshot, questions=asked))
    kept = {f"p:{asked[0].question_id}"}
    truth = {n: v for n, v in stream.truth.items() if not n.startswith("p:") or n in kept}
    return Stream((task,), truth)


def telling(rng: np.random.Generator) -> Stream:
    return seen_once(hazard.world(rng, TELLING))


def counted(rng: np.random.Generator) -> Stream:
    return seen_once(base_rate.simulate(rng))


def certificate(model: EventModel, world: World, count: int = WORLDS) -> Certificate:
    found = list(replicates(model, world, count, seed=17))
    made = judge(model.name, found, seed=17, date="", modules={})
    assert made.kept > 0.9 * count, made.findings
    return made


@pytest.fixture(autouse=True)
def compiled_anew() -> Iterator[None]:
    density.compiled_density.cache_clear()
    yield
    density.compiled_density.cache_clear()


class Raised(Hazard):
    """The hazard with its likelihood raised to a power, in the graph and in the sums by unit.

    It owns up to the log likelihood as it is: what is found is found in the draws.
    """

    def __init__(self, power: float, monkeypatch: pytest.MonkeyPatch) -> None:
        potential, of_units = pm.Potential, formulas.unit_log_likelihood
        self.power = power
        monkeypatch.setattr(pm, "Potential", lambda name, graph: potential(name, power * graph))
        monkeypatch.setattr(
            "models.hazard.problem.unit_log_likelihood",
            lambda *arguments: power * of_units(*arguments),
        )

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        draws = super().posterior(task, state)
        values = draws.values.copy()
        values[:, draws.names.index("log_likelihood")] /= self.power
        return replace(draws, values=values)


def forget_the_quiet_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gamma, "after", lambda g, events, _: Gamma(g.shape + events, g.rate))


def forget_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gamma, "after", lambda g, *_: g)


def count_by_half(monkeypatch: pytest.MonkeyPatch) -> None:
    after = Gamma.after
    monkeypatch.setattr(Gamma, "after", lambda g, n, days: after(g, n / 2, days / 2))


def forget_the_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "events_of", lambda *_: [])


type Bend = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.timeout(600)
def test_the_hazard_as_it_is_passes() -> None:
    found = certificate(Hazard(), telling)
    assert found.verdict == PASSED, found.findings


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("power", "worlds"), [(1e-6, FEW // 2), (0.5, FEW)], ids=["deleted", "halved"]
)
def test_a_hazard_whose_likelihood_is_bent_fails(
    monkeypatch: pytest.MonkeyPatch, power: float, worlds: int
) -> None:
    found = certificate(Raised(power, monkeypatch), telling, worlds)
    assert found.verdict == FAILED
    assert any(finding.startswith("log_likelihood") for finding in found.findings)


@pytest.mark.timeout(600)
def test_a_hazard_in_which_the_sign_of_an_effect_is_flipped_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    score = formulas.score
    for place in (density, formulas):
        monkeypatch.setattr(place, "score", lambda x, beta, *groups: score(x, -beta, *groups))
    found = certificate(Hazard(), telling, FEW)
    assert found.verdict == FAILED
    assert any(finding.startswith("beta.march") for finding in found.findings)


def test_the_base_rate_as_it_is_passes() -> None:
    found = certificate(BaseRate(), counted, MANY)
    assert found.verdict == PASSED, found.findings


@pytest.mark.parametrize(
    ("bend", "worlds"),
    [
        # so many show it with each of four seeds; half as many do not show the first two
        (forget_the_data, 80),
        (count_by_half, MANY),
        (forget_the_quiet_days, FEW),
        (forget_the_kinds, FEW),
    ],
)
def test_a_bent_base_rate_fails(monkeypatch: pytest.MonkeyPatch, bend: Bend, worlds: int) -> None:
    bend(monkeypatch)
    assert certificate(BaseRate(), counted, worlds).verdict == FAILED
