"""A unit with questions that came out, others who said something of them, and what is open."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from forecast.clock import parse_instant
from forecast.estimate import Estimate
from forecast.evidence import CrowdForecast, Event, Outcome, Report, Resolution
from forecast.question import Question, Snapshot
from models.api import Task
from models.pool import Pool
from models.priors.beliefs import Beliefs, Effect, Narrower, Pooled
from models.priors.elicit import Beta, Normal

START = parse_instant("2020-01-01")
SIMPLE = Pooled(families=("base-rate",))


def day(n: float) -> datetime:
    """The moment n days after the start."""
    return START + timedelta(days=n)


def beliefs(pooled: Pooled = SIMPLE, **changes: Any) -> Beliefs:
    """Of strikes at a plant, about two a year."""
    plain = Beliefs(
        definition="strike",
        model="pool",
        log_rate=Normal(-5.2, 0.5),
        log_ceiling=Normal(-3.0, 0.4),
        log_shape=Normal(1.8, 0.5),
        effects=(Effect("ballot", Normal(0.6, 0.3), 30.0, ""),),
        narrower=(
            Narrower("long", "strike", Beta(3.0, 4.0), None),
            Narrower("short", "strike", None, "long"),
        ),
        recurrent=True,
        observed_since=START.isoformat(),
        ordinary_value=1.0,
        pool=pooled,
    )
    return replace(plain, **changes)


def question(name: str, opens: float, days: float, definition: str = "strike") -> Question:
    """A question at the plant."""
    return Question(name, name, "plant", definition, day(opens), day(opens + days))


def said(name: str, at: float, p: float, source: str = "market") -> CrowdForecast:
    """What a source said of a question."""
    return CrowdForecast(name, day(at), p, source)


def report(name: str, at: float) -> Report:
    """A well-graded report of a ballot."""
    return Report(
        name, "plant", "ballot", day(at), day(at + 0.1), name, reliability="A", credibility=1,
        origin=name,
    )  # fmt: skip


def ended(name: str, opens: float, days: float, outcome: Outcome) -> tuple[Question, Resolution]:
    """A question that came out at its deadline."""
    asked = question(name, opens, days)
    return asked, Resolution(name, outcome, day(opens + days), "it did")


def snapshot(as_of: float, *questions: Question, **facts: Any) -> Snapshot:
    """What was known of the plant."""
    whole = Snapshot("plant", day(as_of), questions, (), ())
    return replace(whole, **facts)


def task(seen: Snapshot, *questions: Question, of: Beliefs | None = None) -> Task:
    """Of some questions."""
    return Task(seen, of or beliefs(), questions, seed=3)


def estimate(asked: Task, state: bytes | None = None) -> Estimate:
    """Of the first question."""
    return Pool().update(asked, state).estimates[0]


def many_ended(
    count: int, market: float, *, every: float = 40.0, length: float = 30.0
) -> tuple[list[Question], list[Resolution], list[CrowdForecast], list[Event]]:
    """Questions of which each third came true, and a market that knew it (towards 1) or not.

    `market` is what it said of those that came true; of the others it said 1 less that.
    """
    questions, ends, crowd, events = [], [], [], []
    for nth in range(count):
        opens, comes = nth * every, nth % 3 == 0
        asked = question(f"q{nth}", opens, length)
        known = opens + length
        questions.append(asked)
        ends.append(Resolution(asked.question_id, Outcome(("no", "yes")[comes]), day(known), "-"))
        crowd.append(said(asked.question_id, opens + 1.0, market if comes else 1.0 - market))
        if comes:
            events.append(Event(f"e{nth}", "plant", "strike", day(known - 1), day(known - 0.5)))
    return questions, ends, crowd, events
