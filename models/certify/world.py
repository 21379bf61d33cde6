"""Simulated worlds: what a family is certified on, brought by whoever brings the family.

A world is a function of a random generator, registered under the family's name in the entry
point group `tocsin.worlds`:

    def simulate(rng: np.random.Generator) -> Stream: ...

It draws the parameters from the prior that the tasks' beliefs state, lives through the world,
and writes down what a desk would have known. It must be written apart from the model: what the
two share, certification cannot see.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import entry_points

import numpy as np

from forecast.errors import ConfigError
from forecast.evidence import Event, Report
from forecast.question import Question, Snapshot
from models.api import Task
from models.priors.beliefs import Beliefs

GROUP = "tocsin.worlds"


@dataclass(frozen=True, slots=True)
class Stream:
    """One world as a desk lived through it: a task as of each successive moment, and the truth.

    The state of each update feeds the next, so that the fast rungs are met as well; each task
    has a seed of its own world. `truth` holds, as of the last task, every quantity that the
    family's `posterior` draws, by the same names: parameters, `log_prior`, `log_likelihood`,
    and `p:QUESTION_ID`, the probability that one draw with these parameters, and this future,
    gives the question. A family without `posterior` needs only the last.
    """

    tasks: tuple[Task, ...]
    truth: dict[str, float]


type World = Callable[[np.random.Generator], Stream]


def tasks_as_of(
    moments: Iterable[datetime],
    beliefs: Beliefs,
    questions: tuple[Question, ...],
    reports: Iterable[Report],
    events: Iterable[Event],
    seed: int,
) -> tuple[Task, ...]:
    """A task as of each moment, with what was known before it; all at the questions' unit."""
    reports = sorted(reports, key=lambda r: (r.known_at, r.report_id))
    events = sorted(events, key=lambda e: (e.occurred_at, e.event_id))
    return tuple(
        Task(
            Snapshot(
                questions[0].unit,
                moment,
                questions,
                tuple(r for r in reports if r.known_at < moment),
                tuple(e for e in events if e.known_at < moment),
            ),
            beliefs,
            questions,
            seed,
        )
        for moment in moments
    )


def place_of_world(family: str) -> str:
    """`package.module:function` of a family's world; ConfigError where there is none."""
    places = {point.name: point.value for point in entry_points(group=GROUP)}
    if family not in places:
        raise ConfigError(f"no world is registered for the family '{family}' in {GROUP}")
    return places[family]


def world_named(place: str, family: str) -> World:
    """The function at `package.module:function`."""
    from importlib import import_module

    module, _, name = place.partition(":")
    try:
        world: World = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the world of '{family}' cannot be loaded: {error}", at=place) from None
    return world
