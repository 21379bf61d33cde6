"""The world that explanations are tested on, its stored draws, and what real updates answer."""

from dataclasses import replace
from functools import cache

from forecast.explanation import Explanation
from models.api import Task
from models.engine.fit import Fit
from models.hazard import Hazard
from models.hazard.explanation import explain
from models.hazard.scenarios import Account
from models.incidents import Incident
from tests.models import worlds

MODEL = Hazard()
EFFECTS = (
    *worlds.grouped(worlds.effect("a"), worlds.effect("b", 0.4, 0.3, 60.0)),
    worlds.effect("c", -0.3, 0.2, 20.0),
    worlds.effect("nil", 0.0, 1e-7),
)
BELIEVED = worlds.beliefs(*EFFECTS, narrower=worlds.KINDS)
REPORTS = [
    worlds.report("a1", 60, "a", grade="B2", origin="x"),
    worlds.report("a2", 150, "a", incident="i2", grade="C3", origin="y"),
    worlds.report("a3", 155, "a", incident="i2", grade="B2", origin="z"),
    worlds.report("a4", 198, "a", grade="E5", origin="x"),
    worlds.report("b1", 170, "b", value=0.6),
    worlds.report("c1", 185, "c"),
    worlds.report("n1", 190, "nil"),
]
EVENTS = [worlds.event("e1", 120)]
ASKED = worlds.question()
TASK = worlds.task(BELIEVED, 200, REPORTS, EVENTS, thresholds={ASKED.question_id: (0.2,)})


def hash_of(task: Task) -> str:
    return MODEL.model_hash(task.beliefs)


@cache
def state_of() -> bytes:
    """The draws of the world, R1."""
    state = MODEL.update(replace(TASK, thresholds={}), None).state
    assert state is not None
    return state


@cache
def account() -> Account:
    """The world's account, with all draws for scenarios too."""
    fit = Fit.from_bytes(state_of())
    return Account(TASK, ASKED, fit, hash_of(TASK), few=len(fit.draws))


@cache
def explained() -> Explanation:
    return explain(TASK, ASKED, state_of(), hash_of(TASK))


def updated(task: Task) -> tuple[float, str]:
    """P of a real update of the stored draws, and its rung."""
    [found] = MODEL.update(replace(task, thresholds={}), state_of()).estimates
    return found.probability, found.method


def incident(name: str) -> Incident:
    return next(i for i in account().work.track.incidents if i.incident_id == name)
