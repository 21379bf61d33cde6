"""Small worlds for the tests of models: beliefs, reports, questions and tasks in few words."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from forecast.clock import parse_instant
from forecast.estimate import Estimate
from forecast.evidence import Event, Report
from forecast.question import Question, Snapshot
from models.api import Task
from models.covariates import Array
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Beta, Normal
from models.rows import Rows

START = parse_instant("2025-01-01")
SEED = 7
RATE, CEILING, SHAPE = Normal(-5.5, 0.5), Normal(-3.3, 0.4), Normal(1.8, 0.5)


def day(n: float) -> datetime:
    """The moment n days after the start of observation."""
    return START + timedelta(days=n)


def effect(tag: str, mean: float = 0.64, sd: float = 0.28, half_life: float = 30.0) -> Effect:
    """A tag on its own."""
    return Effect(tag, Normal(mean, sd), half_life, "")


def grouped(*effects: Effect) -> tuple[Effect, ...]:
    """The same tags as one group."""
    return tuple(replace(e, group="all") for e in effects)


def beliefs(
    *effects: Effect,
    log_rate: Normal = RATE,
    log_ceiling: Normal | None = CEILING,
    log_shape: Normal = SHAPE,
    narrower: tuple[Narrower, ...] = (),
    recurrent: bool = True,
    model: str = "hazard",
) -> Beliefs:
    """What is believed of `strike`; one in 245 days before the evidence."""
    return Beliefs(
        "strike", model, log_rate, log_ceiling, log_shape, effects, narrower, recurrent,
        START.isoformat(), 1.0,
    )  # fmt: skip


KINDS = (
    Narrower("covert", "strike", Beta(3.0, 5.0), None),
    Narrower("overt", "strike", None, "covert"),
    Narrower("announced", "overt", Beta(8.0, 2.0), None),
)


def report(
    report_id: str,
    known: float,
    tag: str = "a",
    *,
    occurred: float | None = None,
    incident: str = "",
    value: float = 1.0,
    origin: str = "",
    grade: str = "A1",
) -> Report:
    """A report known so many days after the start."""
    happened = known - 0.5 if occurred is None else occurred
    return Report(
        report_id, "u", tag, day(happened), day(known), incident or report_id, value,
        origin=origin, reliability=grade[0], credibility=int(grade[1]),
    )  # fmt: skip


def event(
    event_id: str, occurred: float, known: float | None = None, definition: str = "strike"
) -> Event:
    """An event, known half a day later unless said."""
    return Event(
        event_id, "u", definition, day(occurred), day(occurred + 0.5 if known is None else known)
    )


def question(
    definition: str = "strike", opens: float = 0.0, deadline: float = 290.0, name: str = ""
) -> Question:
    """A question about `definition` between two days."""
    name = name or f"{definition}-{opens:g}-{deadline:g}"
    return Question(name, name, "u", definition, day(opens), day(deadline))


def task(
    believed: Beliefs,
    as_of: float = 200.0,
    reports: Iterable[Report] = (),
    events: Iterable[Event] = (),
    questions: Iterable[Question] = (),
    *,
    seed: int = SEED,
    previous: Iterable[Estimate] = (),
    thresholds: dict[str, tuple[float, ...]] | None = None,
) -> Task:
    """A task as of a day, with one question unless some are given."""
    asked = tuple(questions) or (question(),)
    snapshot = Snapshot(
        "u",
        day(as_of),
        asked,
        tuple(sorted(reports, key=lambda r: (r.known_at, r.report_id))),
        tuple(sorted(events, key=lambda e: (e.occurred_at, e.event_id))),
    )
    return Task(
        snapshot, believed, asked, seed, thresholds or {}, {e.question_id: e for e in previous}
    )


def rows(seed: int = 1, days: int = 40, tags: int = 3, units: int = 1) -> Rows:
    """Rows with covariates of all sizes and a few events, for densities."""
    rng = np.random.default_rng(seed)
    n = days * units
    events = np.zeros(n)
    events[rng.choice(n, 3 * units, replace=False)] = 1.0
    unit = np.repeat(np.arange(units), days)
    x: Array = rng.gamma(0.5, 1.0, (n, tags)) * (rng.random((n, tags)) < 0.6)
    exposure = np.asarray(rng.choice([0.0, 0.5, 1.0], n), float)
    return Rows(x, exposure, events, unit, np.bincount(unit, events, units).astype(float))
