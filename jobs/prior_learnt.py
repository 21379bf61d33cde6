"""What the data of one unit have made of a prior, from what is stored: nothing is fitted."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from forecast.clock import DAY
from forecast.question import Question
from jobs.app import App
from jobs.priors import QUARTER, Numbers, share_picture
from models.api import BAND, Task
from models.base_rate import gamma_of
from models.priors.beliefs import beliefs_of
from models.priors.elicit import Beta
from models.registry import family

if TYPE_CHECKING:
    from models.priors.learnt import Learnt

LEVELS = (0.5, *BAND)
_ORDER = {"base_rate": 0, "ceiling": 1, "unit_spread": 2}


@dataclass(frozen=True, slots=True)
class Moved:
    """One belief before the data and after them, in the same unit.

    `moved` is how far the middle went, in standard deviations of the prior; `narrower` by which
    share the spread shrank. The pictures are
    densities in the same bins, up to a factor each.
    """

    key: str
    prior: Numbers
    now: Numbers
    moved: float
    narrower: float
    picture: tuple[float, ...] = ()
    picture_now: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class MovedAt:
    """What the data at a unit have moved, of the beliefs that the family keeps.

    `others` are more units with the same prior; `remark` says where the draws are older than
    the beliefs, or that there are none yet.
    """

    unit: str
    beliefs: tuple[Moved, ...]
    others: int
    remark: str = ""


def moved_by_data(
    app: App, definition: str, now: datetime, question: Question | None = None, unit: str = ""
) -> MovedAt | None:
    """Of the unit of a question, or of a unit, or of the first that has a question; else None."""
    root = app.config.root_of(definition)
    inside = {d for d in app.config.definitions if app.config.root_of(d) == root}
    units = list(dict.fromkeys(q.unit for q in app.store.questions() if q.definition in inside))
    at = question.unit if question else unit or (units[0] if units else "")
    if not at:
        return None
    beliefs = beliefs_of(app.config, root)
    others = tuple(c for c in beliefs.couplings if c.unit != at)
    beliefs = replace(beliefs, couplings=others)
    probe = Question("-", "-", at, root, now, now + DAY)
    task = Task(app.store.snapshot(probe, now), beliefs, (), seed=1)
    state = app.store.model_state(f"{at}/{root}/{beliefs.model}")
    found, remark = _rates(task, state)
    return MovedAt(at, (*found, *_shares(task)), len(set(units) - {at}), remark)


def _rates(task: Task, state: bytes | None) -> tuple[list[Moved], str]:
    beliefs = task.beliefs
    if beliefs.model == "base-rate":
        return [_conjugate(task)], ""
    from models.priors.learnt import is_of, learnt_from

    found = sorted(map(_moved, learnt_from(beliefs, state)), key=lambda m: _ORDER.get(m.key, 9))
    if not found:
        return [], "no draws of it are kept yet: tocsin update makes them"
    if not is_of(beliefs, family(beliefs.model).model_hash(beliefs), state):
        return found, "the draws were made under earlier beliefs: tocsin update makes new ones"
    return found, ""


def _moved(learnt: "Learnt") -> Moved:
    unit, scale = _scale(learnt.key)
    prior = [learnt.prior.quantile(p) for p in LEVELS]
    pictures = learnt.pictures()
    return Moved(
        learnt.key,
        Numbers(unit, *map(scale, prior)),
        Numbers(unit, *map(scale, learnt.quantiles(LEVELS))),
        learnt.moved,
        learnt.narrower,
        *map(tuple, pictures),
    )


def _scale(key: str) -> tuple[str, Callable[[float], float]]:
    if key in ("base_rate", "ceiling"):
        return "per quarter", lambda log_rate: -math.expm1(-QUARTER * math.exp(log_rate))
    if key == "unit_spread":
        return "ratio", lambda log_log: math.exp(math.exp(log_log))
    return "ratio", math.exp


def _conjugate(task: Task) -> Moved:
    """Of the family `base-rate`: its Gamma before and after."""
    from scipy.special import digamma, gammaincinv, polygamma

    from models.priors.learnt import normal_picture, picture_edges
    from models.track import lay_out

    rows, log_rate = lay_out(task).rows, task.beliefs.log_rate
    before = gamma_of(log_rate)
    after = before.after(float(rows.events.sum()), float(rows.exposure.sum()))

    def numbers(shape: float, rate: float) -> Numbers:
        rates = [float(gammaincinv(shape, p)) / rate for p in LEVELS]
        return Numbers("per quarter", *(-math.expm1(-QUARTER * r) for r in rates))

    edges = picture_edges(log_rate)
    middles = (edges[1:] + edges[:-1]) / 2
    log_density = after.log_density(middles)
    sd = math.sqrt(float(polygamma(1, after.shape)))
    mean = float(digamma(after.shape)) - math.log(after.rate)
    return Moved(
        "base_rate",
        numbers(before.shape, before.rate),
        numbers(after.shape, after.rate),
        (mean - log_rate.mean) / log_rate.sd,
        1 - sd / log_rate.sd,
        tuple(normal_picture(log_rate)),
        tuple(math.exp(x - float(log_density.max())) for x in log_density.tolist()),
    )


def _shares(task: Task) -> list[Moved]:
    """Of each narrower definition with a share: the Beta before and after the known events."""
    from models.shares import kinds_of

    found = []
    for part in task.beliefs.narrower:
        if part.share is None:
            continue
        inside, outside = kinds_of(task, part)
        after = Beta(part.share.a + inside, part.share.b + outside)
        sd, sd_after = _sd(part.share), _sd(after)
        found.append(
            Moved(
                f"{part.definition}.share",
                _share(part.share),
                _share(after),
                (after.mean - part.share.mean) / sd,
                1 - sd_after / sd,
                share_picture(part.share),
                share_picture(after),
            )
        )
    return found


def _share(share: Beta) -> Numbers:
    from scipy.special import betaincinv

    return Numbers("share", *(float(betaincinv(share.a, share.b, p)) for p in LEVELS))


def _sd(share: Beta) -> float:
    total = share.a + share.b
    return math.sqrt(share.a * share.b / (total**2 * (total + 1)))


def in_words(moved: Moved) -> str:
    """How far the data moved a belief, in plain words."""
    where = "up" if moved.moved > 0 else "down"
    far = abs(moved.moved)
    if far < 0.1 and abs(moved.narrower) < 0.1:
        return "hardly touched by the data"
    went = f"{where} by {far:.1f} of its spread" if far >= 0.1 else "in place"
    share = round(100 * abs(moved.narrower))
    if share < 5:
        return went
    return f"{went}, {share} % {'narrower' if moved.narrower > 0 else 'wider'}"
