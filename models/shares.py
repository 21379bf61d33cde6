"""Narrower definitions: the share of a wider one's events that they take."""

from datetime import datetime
from functools import lru_cache

import numpy as np

from models.api import Task
from models.covariates import Array
from models.priors.beliefs import Beliefs, Narrower
from models.priors.elicit import Beta
from models.track import events_of


def share_of(
    task: Task, definition: str, draws: int, known_before: datetime | None = None
) -> Array:
    """Draws (draw,) of the share of the root's events that are of a definition inside it.

    Each step down is a Beta, updated by the events whose kind is known; the rest-of step is
    one minus its sibling's own draws, so that the two make up the whole. With `known_before`
    only the events known before that moment count.
    """
    share = np.ones(draws)
    parts = {n.definition: n for n in task.beliefs.narrower}
    while definition != task.beliefs.definition:
        part = parts[definition]
        if part.rest_of is None:
            share = share * _share_draws(
                *_updated(task, definition, known_before), draws, task.seed
            )
        else:
            sibling = _share_draws(*_updated(task, part.rest_of, known_before), draws, task.seed)
            share = share * (1.0 - sibling)
        definition = part.within
    return share


def _updated(
    task: Task, definition: str, known_before: datetime | None
) -> tuple[float, float, int]:
    """Beta parameters after the known events, and the place of the definition's own stream."""
    part = next(n for n in task.beliefs.narrower if n.definition == definition)
    prior: Beta = part.share  # type: ignore[assignment]
    inside, outside = kinds_of(task, part, known_before)
    place = task.beliefs.definitions().index(definition)
    return prior.a + inside, prior.b + outside, place


def kinds_of(task: Task, part: Narrower, known_before: datetime | None = None) -> tuple[int, int]:
    """How many known events of the wider definition are inside a narrower one, and outside it.

    An event recorded as the wider definition itself is of the rest, unless a sibling names
    the rest: then its kind is not known yet, and it counts for neither.
    """
    beliefs: Beliefs = task.beliefs
    is_rest_named = any(n.rest_of == part.definition for n in beliefs.narrower)
    kinds = [e.definition for e in events_of(task, part.within, known_before)]
    inside = sum(beliefs.includes(part.definition, kind) for kind in kinds)
    unknown = kinds.count(part.within) if is_rest_named else 0
    return inside, len(kinds) - inside - unknown


@lru_cache(maxsize=32)
def _share_draws(a: float, b: float, stream: int, draws: int, seed: int) -> Array:
    from scipy.special import betaincinv

    uniform = np.random.default_rng([seed, stream, 1]).random(draws)
    return np.asarray(betaincinv(a, b, uniform))
