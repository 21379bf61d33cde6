"""What a forecast must beat: references made from the same facts, at the same origins.

    pooled       the share of the class's windows that held an event
    unit         the unit's own share so far, shrunk to the pooled one as the units' spread says
    recency      a logistic on the time since the unit's last event
    history      a logistic on the unit's share and its faded events at several half-lives
    logistic     that, the faded counts of every tag, and for level tags their last values and
                 changes, age and season
    persistence  whether the unit had an event in the last window, as two rates

Each row is seen with what was known at its own origin; what is learnt, is learnt from windows
that had ended. Importing this imports no PyMC.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betaln, expit

from models.covariates import Array
from models.panel.facts import Codes, Facts, Stream
from models.panel.landmarks import Landmarks, count_in, last_known, stocks
from models.panel.settings import level_tags, usual_gap

type Rows = NDArray[np.bool_]

NAMES = ("pooled", "unit", "recency", "history", "logistic", "persistence")
TINY = 1e-6  # days: before a moment and at it are told apart
YEAR = 365.25
HALF_LIVES = (1.0, 4.0, 16.0, 64.0)  # of the unit's own events, in horizons
TAG_HALF_LIVES = (3.0, 12.0)  # in horizons
CHANGES = (2.0, 4.0)  # of level tags, in their usual gaps
RIDGE = 1.0
FLAT = 1e-3  # of an intercept, so that where all are alike there is an answer
TAG_RIDGE = 30.0  # tags are many, and few of them say anything
STRENGTHS = (0.5, 1000.0)  # of the pooled share, in windows that do not overlap
STEPS = 50  # of Newton's method
CLOSE = 1e-8


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the window [origin, origin + horizon) of each row held.

    `first` (row,) is when its first event occurred, `known` (row,) when one of its events was
    first known; both infinite where there was none. `ended` (row,) is when the window ended.
    """

    first: Array
    known: Array
    ended: Array


def outcomes(facts: Facts, kind: str, marks: Landmarks, horizon: float) -> Outcomes:
    """The outcomes of the windows that begin at `marks`."""
    events = facts.events_of(kind)
    order = np.lexsort((events.occurred, events.unit))
    unit, occurred, known = (a[order] for a in (events.unit, events.occurred, events.known))
    before, until = (count_in(events, marks, -np.inf, end) for end in (0.0, horizon))
    begins = np.searchsorted(unit, marks.unit) + before.astype(np.int64)
    length = (until - before).astype(np.int64)
    row = np.repeat(np.arange(len(marks)), length)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    place = begins[row] + nth
    first, soonest = np.full(len(marks), np.inf), np.full(len(marks), np.inf)
    np.minimum.at(first, row, occurred[place])
    np.minimum.at(soonest, row, known[place])
    return Outcomes(first, soonest, marks.origin + horizon)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the references see of each row, as was known at its own origin.

    `unit` (row,) are codes; `windows` and `hits` (row,) count the unit's windows that had ended,
    and those of them that held an event, overlapping ones as the part of one; `lately` (row,) is
    1 where the unit had an event within the last horizon. `recency`, `own` and `tags`
    (row, column) are raw columns, NaN where a level is missing.
    """

    unit: Codes
    windows: Array
    hits: Array
    lately: Array
    recency: Array
    own: Array
    tags: Array


def columns(
    facts: Facts,
    kind: str,
    marks: Landmarks,
    horizon: float,
    step: float,
    levels: tuple[str, ...] | None = None,
) -> Columns:
    """The columns at `marks`, sorted and some `step` days apart, from where training begins on.

    `levels` are the tags whose last value counts; None: found from the rows.
    """
    events = facts.events_of(kind)
    events = replace(events, name=np.zeros_like(events.name))
    since = last_known(events, marks, 0.0)[1]
    never = ~np.isfinite(since)
    log_since = np.log1p(np.where(never, 0.0, since) / horizon)
    own = stocks(events, 1, marks, np.array(HALF_LIVES) * horizon)[:, 0]
    windows, hits = _ended(marks, outcomes(facts, kind, marks, horizon))
    overlap = max(horizon / step, 1.0)
    return Columns(
        marks.unit,
        windows / overlap,
        hits / overlap,
        (since <= horizon).astype(float),
        np.column_stack([never, log_since, log_since**2]),
        np.log1p(own),
        _of_tags(facts, marks, horizon, levels),
    )


def forecasts(seen: Columns, past: Rows, happened: Array, asked: Rows) -> dict[str, Array]:
    """P of each reference (asked row,), learnt from the `past` rows and what they held.

    `happened` (past row,) is 1 where a window was known to hold an event. Without a window that
    has ended every forecast is one half.
    """
    pooled = (happened.sum() + 0.5) / (len(happened) + 1.0)
    strength = _strength(seen, past, pooled)
    share = (strength * pooled + seen.hits) / (strength + seen.windows)
    history = np.column_stack([np.log(share / (1 - share)), seen.own])
    whole = np.column_stack([history, seen.tags])
    ridge = np.r_[np.full(history.shape[1], RIDGE), np.full(seen.tags.shape[1], TAG_RIDGE)]
    lately = seen.lately[past]
    rates = [_rate(happened[lately == was], pooled) for was in (0.0, 1.0)]
    return {
        "pooled": np.full(int(asked.sum()), pooled),
        "unit": share[asked],
        "recency": _logistic(seen.recency, past, happened, asked, RIDGE),
        "history": _logistic(history, past, happened, asked, RIDGE),
        "logistic": _logistic(whole, past, happened, asked, ridge),
        "persistence": np.where(seen.lately[asked] > 0, rates[1], rates[0]),
    }


def _rate(happened: Array, pooled: float) -> float:
    """A rate, with one window's worth of the pooled one."""
    return float((happened.sum() + pooled) / (len(happened) + 1.0))


def _ended(marks: Landmarks, held: Outcomes) -> tuple[Array, Array]:
    """How many windows (row,) of the same unit had ended, and how many were known to be hits."""
    nothing = np.zeros(len(marks), np.int64)
    over = Stream(marks.unit, nothing, held.ended - TINY, held.ended, np.ones(len(marks)))
    hit = np.isfinite(held.known)
    seen_at = np.maximum(held.known, held.ended - TINY)
    hits = replace(over, occurred=seen_at).where(hit)
    return count_in(over, marks, -np.inf, 0.0), count_in(hits, marks, -np.inf, 0.0)


def _strength(seen: Columns, past: Rows, pooled: float) -> float:
    """Windows' worth of the pooled share, by the beta-binomial likelihood of the units' counts.

    The counts are those at each unit's newest past row.
    """
    places = np.flatnonzero(past)
    if not len(places):
        return 1.0
    newest = places[np.flatnonzero(np.diff(seen.unit[places], append=-1))]
    n, y = seen.windows[newest], seen.hits[newest]

    def loss(log_strength: float) -> float:
        a, b = np.exp(log_strength) * pooled, np.exp(log_strength) * (1 - pooled)
        return float(-(betaln(a + y, b + n - y) - betaln(a, b)).sum())

    found = minimize_scalar(loss, bounds=np.log(STRENGTHS), method="bounded")
    return float(np.exp(found.x))


def _of_tags(
    facts: Facts, marks: Landmarks, horizon: float, levels: tuple[str, ...] | None
) -> Array:
    """Faded counts of incidents; of levels the last value, its changes, age and season."""
    rows = facts.indicators
    chosen = level_tags(rows, facts.tags) if levels is None else levels
    is_level = np.array([tag in chosen for tag in facts.tags], bool)
    incidents = rows.where(~is_level[rows.name]) if is_level.any() else rows
    counted = replace(incidents, value=np.clip(incidents.value, -1.0, 1.0))
    faded = stocks(counted, len(facts.tags), marks, np.array(TAG_HALF_LIVES) * horizon)
    faded = faded[:, ~is_level].reshape(len(marks), -1)
    found = [np.sign(faded) * np.log1p(abs(faded))]
    if is_level.any():
        turn = 2 * np.pi * marks.origin / YEAR
        age = np.log1p(np.maximum(marks.origin - facts.first_seen()[marks.unit], 0.0))
        found.append(np.column_stack([age, np.sin(turn), np.cos(turn)]))
        found += [_of_level(facts, int(code), marks) for code in np.flatnonzero(is_level)]
    return np.hstack(found)


def _of_level(facts: Facts, code: int, marks: Landmarks) -> Array:
    rows = facts.indicators.where(facts.indicators.name == code)
    value, gap = last_known(rows, marks, 0.0)[0], usual_gap(rows)
    changes = [value - last_known(rows, marks, n * gap)[0] for n in CHANGES]
    return np.column_stack([value, *changes])


def _logistic(raw: Array, past: Rows, happened: Array, asked: Rows, ridge: Array | float) -> Array:
    """P (asked row,) of a ridge logistic regression on standardised columns, by Newton's method.

        minimise  sum log(1 + exp(eta)) - y eta + ridge/2 beta^2,   eta = a + x beta

    The intercept is not shrunk; what is missing is at its mean.
    """
    if not past.any():
        return np.full(int(asked.sum()), 0.5)
    old = raw[past]
    mean, sd = _moments(old)
    varies = sd > CLOSE
    mean, sd, old, new = mean[varies], sd[varies], old[:, varies], raw[asked][:, varies]
    x, new = (np.nan_to_num((part - mean) / sd) for part in (old, new))
    x, new = (np.column_stack([np.ones(len(part)), part]) for part in (x, new))
    penalty = np.r_[FLAT, np.broadcast_to(ridge, raw.shape[1])[varies]]
    return np.asarray(expit(new @ _newton(x, happened, penalty)))


def _moments(raw: Array) -> tuple[Array, Array]:
    """Mean and spread (column,) of what is there; 0 where nothing is."""
    there = np.isfinite(raw)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, raw, 0.0).sum(axis=0) / count
    sd = np.sqrt(np.where(there, (raw - mean) ** 2, 0.0).sum(axis=0) / count)
    return mean, sd


def _newton(x: Array, y: Array, penalty: Array) -> Array:
    """The mode of the penalised likelihood; each step halved until it improves."""
    beta = np.zeros(x.shape[1])
    beta[0] = np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5))

    def value(at: Array) -> float:
        eta = x @ at
        return float(np.logaddexp(0.0, eta).sum() - y @ eta + 0.5 * penalty @ at**2)

    here = value(beta)
    for _ in range(STEPS):
        p = expit(x @ beta)
        gradient = x.T @ (p - y) + penalty * beta
        curvature = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (there := value(beta - size * step)) > here and size > CLOSE:
            size /= 2
        beta, gained, here = beta - size * step, here - there, there
        if gained < CLOSE * abs(here):
            break
    return beta
