"""A world for `base-rate`: events at a constant rate, of kinds within kinds, some untold.

The belief of the log rate is made from the Gamma that the rate is drawn from, the other way
round than the family goes. Days are counted, events and windows are exact.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from math import exp, factorial, lgamma, log

import numpy as np
from scipy.special import digamma, polygamma

from forecast.clock import parse_instant
from forecast.evidence import Event
from forecast.question import Question
from models.certify.world import Stream, tasks_as_of
from models.priors.beliefs import Beliefs, Narrower
from models.priors.elicit import Beta, Normal

START = parse_instant("2023-05-01")
COVERT, ANNOUNCED = Beta(3.0, 5.0), Beta(4.0, 2.0)
KINDS = (
    Narrower("covert", "strike", COVERT, None),
    Narrower("overt", "strike", None, "covert"),
    Narrower("announced", "overt", ANNOUNCED, None),
)
UNTOLD = 0.2  # of events are known to be strikes, and nothing more


def simulate(rng: np.random.Generator) -> Stream:
    """Up to half a year of events, seen at three moments."""
    shape, scale = float(rng.choice([1.5, 5.0])), float(rng.uniform(20.0, 120.0))
    recurrent = bool(rng.random() < 0.7)
    rate = float(rng.gamma(shape, 1 / scale))
    covert = float(rng.beta(COVERT.a, COVERT.b))
    announced = float(rng.beta(ANNOUNCED.a, ANNOUNCED.b))
    days = int(rng.integers(60, 180))
    events = _events(rng, rate, covert, announced, days, recurrent)
    beliefs = Beliefs(
        "strike", "base-rate", Normal(float(digamma(shape)) - log(scale), _sd(shape)), None,
        Normal(0.0, 1.0), (), KINDS, recurrent, START.isoformat(), 1.0,
    )  # fmt: skip
    questions = _questions(days)
    seed = int(rng.integers(2**31))
    moments = [_day(days * share // 4) for share in (2, 3, 4)]
    tasks = tasks_as_of(moments, beliefs, questions, (), events, seed)
    at_risk = days if recurrent or not events else _number(events[0].occurred_at) + 1
    told = [event.definition for event in events]
    kinds = {kind: told.count(kind) for kind in ("covert", "overt", "announced")}
    likelihood = len(events) * log(rate) - rate * at_risk + kinds["covert"] * log(covert)
    likelihood += (kinds["overt"] + kinds["announced"]) * log(1 - covert)
    likelihood += kinds["announced"] * log(announced) + kinds["overt"] * log(1 - announced)
    share = {"strike": 1.0, "covert": covert, "announced": (1 - covert) * announced}
    truth = {
        "log_rate": log(rate),
        "share:covert": covert,
        "share:overt": 1 - covert,
        "share:announced": share["announced"],
        "log_prior": shape * log(rate * scale) - rate * scale - lgamma(shape),
        "log_likelihood": likelihood,
    }
    for question in questions:
        q = share[question.definition]
        seen = sum(_is(question.definition, e.definition) for e in events if _in(question, e))
        truth[f"p:{question.question_id}"] = _chance(question, rate, q, days, seen, recurrent)
    return Stream(tasks, truth)


def _events(
    rng: np.random.Generator,
    rate: float,
    covert: float,
    announced: float,
    days: int,
    recurrent: bool,
) -> list[Event]:
    """Events one waiting time after another, each known within the same day."""
    found: list[Event] = []
    at = rng.exponential(1 / rate)
    while at < days and (recurrent or not found):
        kind = "covert" if rng.random() < covert else "overt"
        if kind == "overt" and rng.random() < announced:
            kind = "announced"
        told = "strike" if rng.random() < UNTOLD else kind
        known = int(at) + 0.5 + (at % 1) / 2.1  # after it happened, before the day is out
        found.append(Event(f"e{len(found)}", "u", told, _day(at), _day(max(at, known))))
        at += rng.exponential(1 / rate)
    return found


def _questions(days: int) -> tuple[Question, ...]:
    now = Question("now", "now", "u", "strike", START, _day(days + 30))
    return (
        now,
        replace(now, question_id="covert", definition="covert", opens_at=_day(days - 20)),
        replace(now, question_id="announced", definition="announced", opens_at=_day(days + 10)),
        replace(now, question_id="three", opens_at=_day(days - 30), at_least=3),
    )


def _chance(
    question: Question, rate: float, share: float, days: int, seen: int, recurrent: bool
) -> float:
    """P of the window, of which `seen` events have happened, at the true rate and share."""
    start = max((question.opens_at - START) / timedelta(days=1) - days, 0.0)
    end = (question.deadline - START) / timedelta(days=1) - days
    missing = max(question.at_least - seen, 1)
    if not recurrent:
        return share * (exp(-rate * start) - exp(-rate * end)) if missing == 1 else 0.0
    mean = rate * share * (end - start)
    return 1 - exp(-mean) * sum(mean**n / factorial(n) for n in range(missing))


def _is(definition: str, told: str) -> bool:
    inside = {"strike": {"strike", "covert", "overt", "announced"}, "overt": {"announced"}}
    return told == definition or told in inside.get(definition, set())


def _in(question: Question, event: Event) -> bool:
    return question.opens_at <= event.occurred_at <= question.deadline


def _sd(shape: float) -> float:
    return float(np.sqrt(polygamma(1, shape)))


def _number(moment: datetime) -> int:
    return (moment - START) // timedelta(days=1)


def _day(n: float) -> datetime:
    return START + timedelta(days=n)
