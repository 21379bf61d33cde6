"""Each belief of a track before the data and after them, in its own unit; nothing is fitted.

Of the family `base-rate` and of shares in closed form, of the other families from their draws.
"""

import math
from collections.abc import Callable

from forecast.belief import Belief, Numbers
from forecast.words import DAYS_IN
from models.api import Task
from models.base_rate import BaseRate, Gamma, gamma_of
from models.priors.elicit import Beta
from models.priors.learnt import (
    LEVELS,
    Array,
    Drawn,
    drawn_from,
    normal_picture,
    picture_edges,
)
from models.shares import kinds_of
from models.track import lay_out

QUARTER = DAYS_IN["quarter"]
MOST = 50.0  # of a logarithm: a number is told of whatever the draws say
BINS = 20
_ORDER = {"base_rate": 0, "ceiling": 1, "unit_spread": 2}

type Picture = tuple[float, ...]


def beliefs_after(
    task: Task, state: bytes | None, weights: Array | None = None
) -> tuple[Belief, ...]:
    """Each belief of which the family knows what became; see `drawn_from` for the weights."""
    if task.beliefs.model == BaseRate.name:
        rates = [_conjugate(task)]
    else:
        rates = [_of_draws(drawn) for drawn in drawn_from(task.beliefs, state, weights)]
    rates.sort(key=lambda belief: _ORDER.get(belief.key, len(_ORDER)))
    shares = [_of_share(key, before, after) for key, before, after in _shares(task)]
    return tuple(b for b in (*rates, *shares) if math.isfinite(b.moved + b.narrower))


def pictures_after(task: Task, state: bytes | None) -> dict[str, tuple[Picture, Picture]]:
    """By key the densities before and after, in the same bins, up to a factor each."""
    found = {d.key: (tuple(normal_picture()), tuple(d.picture()))
             for d in drawn_from(task.beliefs, state)}  # fmt: skip
    if task.beliefs.model == BaseRate.name:
        edges = picture_edges(task.beliefs.log_rate)
        levels = _gammas(task)[1].log_density((edges[1:] + edges[:-1]) / 2)
        heights = tuple(math.exp(x - float(levels.max())) for x in levels.tolist())
        found["base_rate"] = (tuple(normal_picture()), heights)
    for key, before, after in _shares(task):
        found[key] = (share_picture(before), share_picture(after))
    return found


def share_picture(share: Beta) -> Picture:
    """The density of a share, from 0 to 1, up to a factor."""
    middles = [(k + 0.5) / BINS for k in range(BINS)]
    logs = [(share.a - 1) * math.log(x) + (share.b - 1) * math.log1p(-x) for x in middles]
    return tuple(math.exp(level - max(logs)) for level in logs)


def _of_draws(drawn: Drawn) -> Belief:
    unit, scale = _scale(drawn.key)
    return Belief(
        drawn.key,
        Numbers(unit, *(scale(drawn.prior.quantile(p)) for p in LEVELS)),
        Numbers(unit, *map(scale, drawn.quantiles)),
        drawn.moved,
        drawn.narrower,
    )


def _scale(key: str) -> tuple[str, Callable[[float], float]]:
    if key in ("base_rate", "ceiling"):
        return "per quarter", lambda log_rate: _a_quarter(math.exp(min(log_rate, MOST)))
    if key == "unit_spread":
        return "ratio", lambda log_log: math.exp(min(math.exp(min(log_log, MOST)), MOST))
    return "ratio", lambda log: math.exp(min(log, MOST))


def _a_quarter(rate: float) -> float:
    """P of an event in a quarter at a rate a day."""
    return -math.expm1(-QUARTER * rate)


def _gammas(task: Task) -> tuple[Gamma, Gamma]:
    """Of the family `base-rate`: the rate before and after."""
    rows, before = lay_out(task).rows, gamma_of(task.beliefs.log_rate)
    return before, before.after(float(rows.events.sum()), float(rows.exposure.sum()))


def _conjugate(task: Task) -> Belief:
    from scipy.special import digamma, gammaincinv, polygamma

    log_rate, (before, after) = task.beliefs.log_rate, _gammas(task)

    def numbers(gamma: Gamma) -> Numbers:
        rates = [float(gammaincinv(gamma.shape, p)) / gamma.rate for p in LEVELS]
        return Numbers("per quarter", *map(_a_quarter, rates))

    mean = float(digamma(after.shape)) - math.log(after.rate)
    sd = math.sqrt(float(polygamma(1, after.shape)))
    return Belief(
        "base_rate",
        numbers(before),
        numbers(after),
        (mean - log_rate.mean) / log_rate.sd,
        1 - sd / log_rate.sd,
    )


def _shares(task: Task) -> list[tuple[str, Beta, Beta]]:
    """Of each narrower definition with a share: the Beta before and after the known events."""
    found = []
    for part in task.beliefs.narrower:
        if part.share is not None:
            inside, outside = kinds_of(task, part)
            after = Beta(part.share.a + inside, part.share.b + outside)
            found.append((f"{part.definition}.share", part.share, after))
    return found


def _of_share(key: str, before: Beta, after: Beta) -> Belief:
    sd, sd_after = _sd(before), _sd(after)
    return Belief(
        key,
        _numbers_of(before),
        _numbers_of(after),
        (after.mean - before.mean) / sd,
        1 - sd_after / sd,
    )


def _numbers_of(share: Beta) -> Numbers:
    from scipy.special import betaincinv

    return Numbers("share", *(float(betaincinv(share.a, share.b, p)) for p in LEVELS))


def _sd(share: Beta) -> float:
    total = share.a + share.b
    return math.sqrt(share.a * share.b / (total**2 * (total + 1)))
