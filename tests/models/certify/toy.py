"""A family whose posterior is exact and simple, and ways to spoil it: what tries the harness.

    log rate ~ Normal(-2.5, 0.6), events a day ~ Poisson(rate), question: any in the next 5 days?

Draws from the prior are weighed by the likelihood, raised to `power`: 1 is right, 0 forgets
the data.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from forecast.clock import parse_instant
from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import Event
from forecast.question import Question, Snapshot
from models.api import Answer, Draws, Task
from models.certify.world import Stream
from models.priors.beliefs import Beliefs
from models.priors.elicit import Normal

START = parse_instant("2024-01-01")
MEAN, SD, DAYS, AHEAD, DRAWS = -2.5, 0.6, 60, 5.0, 4000


def beliefs() -> Beliefs:
    return Beliefs(
        "strike", "toy", Normal(MEAN, SD), None, Normal(0, 1), (), (), True, START.isoformat(), 1.0
    )


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def simulate(rng: np.random.Generator) -> Stream:
    """Sixty days, seen at one or two moments."""
    log_rate = float(rng.normal(MEAN, SD))
    rate = float(np.exp(log_rate))
    happened: list[Event] = []
    for number in range(DAYS):
        for _ in range(rng.poisson(rate)):
            at = number + rng.uniform(0.0, 0.9)
            name = f"e{len(happened)}"
            happened.append(Event(name, "u", "strike", day(at), day(at + 0.01)))
    question = Question("q", "q", "u", "strike", START, day(DAYS + AHEAD))
    tasks = []
    for upto in [DAYS // 2, DAYS] if rng.random() < 0.5 else [DAYS]:
        known = tuple(e for e in happened if e.known_at < day(upto))
        snapshot = Snapshot("u", day(upto), (question,), (), known)
        tasks.append(Task(snapshot, beliefs(), (question,), int(rng.integers(2**31))))
    n = len(happened)
    truth = {
        "log_rate": log_rate,
        "log_prior": -0.5 * ((log_rate - MEAN) / SD) ** 2,
        "log_likelihood": n * log_rate - rate * DAYS,
        "p:q": 1 - float(np.exp(-rate * AHEAD)),
    }
    return Stream(tuple(tasks), truth)


@dataclass
class Toy:
    """See the module; `power` of the likelihood, `shift` of the log rate in the answer."""

    power: float = 1.0
    shift: float = 0.0
    held_above: int = 10_000
    name: str = "toy"

    def model_hash(self, beliefs: Beliefs) -> str:
        return "toy"

    def posterior(self, task: Task, state: bytes | None) -> Draws:
        days = (task.snapshot.as_of - START) / timedelta(days=1)
        theta = np.random.default_rng(task.seed).normal(MEAN, SD, DRAWS)
        likelihood = len(task.snapshot.events) * theta - np.exp(theta) * days
        w = np.exp(self.power * (likelihood - likelihood.max()))
        theta = theta + self.shift
        prior = -0.5 * ((theta - MEAN) / SD) ** 2
        p = 1 - np.exp(-np.exp(theta) * AHEAD)
        names = ("log_rate", "log_prior", "log_likelihood", "p:q")
        return Draws(names, np.stack([theta, prior, likelihood, p], axis=1), w / w.sum())

    def update(self, task: Task, state: bytes | None) -> Answer:
        draws = self.posterior(task, state)
        events = len(task.snapshot.events)
        estimate = Estimate(
            question_id="q",
            as_of=task.snapshot.as_of,
            probability=float(draws.weights @ draws.values[:, 3]),
            interval=Interval(0.0, 1.0),
            mcse=0.0,
            health=Health.HELD if events > self.held_above else Health.HEALTHY,
            model=self.name,
            model_hash="toy",
            method="T1" if state else "R1",
            inputs_digest="",
            reason=f"{events} events are too many" if events > self.held_above else "",
        )
        return Answer((estimate,), b"kept")


class PlainToy:
    """The same answers from a family that shows no posterior; `factor` spoils its P."""

    name = "plain-toy"

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def model_hash(self, beliefs: Beliefs) -> str:
        return "toy"

    def update(self, task: Task, state: bytes | None) -> Answer:
        answer = Toy().update(task, state)
        estimate = answer.estimates[0]
        spoilt = replace(estimate, probability=estimate.probability * self.factor)
        return Answer((spoilt,), None)
