"""What a forecast must beat: references made from the same facts, at the same origins.

    pooled       the share of the class's windows that held an event
    unit         the unit's own share so far, shrunk to the pooled one as the units' spread says
    recency      a logistic on the unit's own events, faded: how many, how lately
    history      a logistic on the unit's share, on how often it had events lately (at several
                 half-lives) against the pooled rate, and how often the class had
    logistic     that, the faded counts of every tag and other kind of event, and for level tags
                 their last values and changes, age and season
    persistence  whether the unit had an event in the last window, as two rates

Each row is seen with what was known at its own origin; what is learnt, is learnt from windows
that had ended. Importing this imports no PyMC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betaln, expit

from models.covariates import Array
from models.panel.facts import Codes, Facts, Spans, Stream
from models.panel.landmarks import Landmarks, count_in, faded_time, last_known, stocks
from models.panel.settings import level_tags, usual_gap

type Rows = NDArray[np.bool_]
type Gaps = Mapping[str, float]  # the usual one in days of each tag whose last value counts

REGRESSIONS = ("recency", "history", "logistic")
NAMES = ("pooled", "unit", *REGRESSIONS, "persistence")
TINY = 1e-6  # days: before a moment and at it are told apart
YEAR = 365.25
HALF_LIVES = (1.0, 3.0, 12.0, 48.0)  # of the unit's own events, in horizons
RECENT = 12.0  # the one of recency
CLASS_HALF_LIFE = 4.0
PRIOR_EVENTS = 0.3  # at the pooled rate, that a unit's history is shrunk by
TAG_HALF_LIFE = 12.0  # in horizons
CHANGES = (2.0, 4.0)  # of level tags, in their usual gaps
RIDGE = 10.0
FLAT = 1e-3  # of an intercept, so that where all are alike there is an answer
TAG_RIDGE = 200.0  # tags are many, and few of them say anything
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
    1 where the unit had an event within the last horizon. `own` and `watched` (row, half-life)
    are its events and its days at risk, faded; `of_class` (row,) the log of the class's rate.
    `tags` and `levels` (row, column) are raw columns, NaN where a level is missing. `horizon`
    is in days.
    """

    unit: Codes
    windows: Array
    hits: Array
    lately: Array
    own: Array
    watched: Array
    of_class: Array
    tags: Array
    levels: Array
    horizon: float


def columns(
    facts: Facts,
    kind: str,
    marks: Landmarks,
    horizon: float,
    step: float,
    at_risk: Spans,
    begins: float,
    levels: tuple[str, ...] | None = None,
) -> Columns:
    """The columns at `marks`, sorted and some `step` days apart, from where training begins on.

    `at_risk` is when each unit was, and forecasts begin at `begins`. `levels` are the tags whose
    last value counts; None: found from the rows that were usable when they began.
    """
    gaps = level_gaps(facts, begins, levels)
    return columns_with(gaps, facts, kind, marks, horizon, step, at_risk)


def level_gaps(facts: Facts, begins: float, levels: tuple[str, ...] | None = None) -> Gaps:
    """The level tags and their usual gaps, from the rows that were usable when forecasts began."""
    rows = facts.indicators.before(begins)
    chosen = level_tags(rows, facts.tags) if levels is None else levels
    return {
        tag: usual_gap(rows.where(rows.name == code))
        for code, tag in enumerate(facts.tags)
        if tag in chosen
    }


def columns_with(
    gaps: Gaps,
    facts: Facts,
    kind: str,
    marks: Landmarks,
    horizon: float,
    step: float,
    at_risk: Spans,
) -> Columns:
    """The columns where the gaps of levels are known; otherwise as `columns`."""
    events = facts.events_of(kind)
    events = replace(events, name=np.zeros_like(events.name))
    halves = np.array(HALF_LIVES) * horizon
    began = np.full(len(facts.units), np.inf)
    np.minimum.at(began, at_risk.unit, at_risk.start)
    windows, hits = ended_windows(marks, outcomes(facts, kind, marks, horizon), step)
    rows = facts.indicators
    is_level = np.array([tag in gaps for tag in facts.tags], bool)
    is_other = np.array([name != kind for name in facts.kinds], bool)
    half_life = TAG_HALF_LIFE * horizon
    return Columns(
        unit=marks.unit,
        windows=windows,
        hits=hits,
        lately=(last_known(events, marks, 0.0)[1] <= horizon).astype(float),
        own=stocks(events, 1, marks, halves)[:, 0],
        watched=faded_time(marks.origin - began[marks.unit], halves),
        of_class=_rate_of_class(events, marks, at_risk, CLASS_HALF_LIFE * horizon),
        tags=np.hstack(
            [
                _faded(rows, ~is_level, marks, half_life),
                _faded(facts.events, is_other, marks, half_life),
            ]
        ),
        levels=_of_levels(facts, gaps, marks),
        horizon=horizon,
    )


def forecasts(seen: Columns, past: Rows, happened: Array, asked: Rows) -> dict[str, Array]:
    """P of each reference (asked row,), learnt from the `past` rows and what they held.

    `happened` (past row,) is 1 where a window was known to hold an event. Where no window had
    ended there is nothing to learn: one half, but for the unit's own share.
    """
    shares = Shares.of(seen, past, happened)
    pooled, lately = shares.pooled, seen.lately[past]
    rates = [_rate(happened[lately == was], pooled) for was in (0.0, 1.0)]
    fitted = {}
    for name in REGRESSIONS:
        raw, ridge = regressors(name, seen, shares)
        fitted[name] = logistic(raw, past, happened, asked, ridge)
    return {
        "pooled": np.full(int(asked.sum()), pooled),
        "unit": shares.at(seen)[asked],
        **fitted,
        "persistence": np.where(seen.lately[asked] > 0, rates[1], rates[0]),
    }


@dataclass(frozen=True, slots=True)
class Shares:
    """The `pooled` share of windows with an event, and the `strength` with which it is a unit's.

    share of a unit = (strength * pooled + hits) / (strength + windows)
    """

    pooled: float
    strength: float

    @classmethod
    def of(cls, seen: Columns, past: Rows, happened: Array) -> "Shares":
        """As the `past` rows and what they held have it."""
        pooled = float((happened.sum() + 0.5) / (len(happened) + 1.0))
        return cls(pooled, _strength(seen, past, pooled))

    def at(self, seen: Columns) -> Array:
        """Of each row's unit (row,)."""
        return (self.strength * self.pooled + seen.hits) / (self.strength + seen.windows)


def regressors(name: str, seen: Columns, shares: Shares) -> tuple[Array, Array]:
    """What the regression `name` hears: raw columns (row, column), and the ridge of each."""
    if name == "recency":
        recency = np.log1p(seen.own[:, [HALF_LIVES.index(RECENT)]])
        return recency, np.full(1, RIDGE)
    share = shares.at(seen)
    daily = -np.log1p(-shares.pooled) / seen.horizon
    against = (PRIOR_EVENTS + seen.own) / (PRIOR_EVENTS + daily * seen.watched)
    history = np.column_stack([np.log(share / (1 - share)), against, seen.of_class])
    if name == "history":
        return history, np.full(history.shape[1], RIDGE)
    whole = np.column_stack([history, seen.levels, seen.tags])
    few = history.shape[1] + seen.levels.shape[1]
    return whole, np.r_[np.full(few, RIDGE), np.full(seen.tags.shape[1], TAG_RIDGE)]


def _rate(happened: Array, pooled: float) -> float:
    """A rate, with one window's worth of the pooled one."""
    return float((happened.sum() + pooled) / (len(happened) + 1.0))


def ended_windows(marks: Landmarks, held: Outcomes, step: float) -> tuple[Array, Array]:
    """How many windows (row,) of the same unit had ended, and how many were known to be hits.

    Those that overlap, as they lie `step` days apart, count as the part of one.
    """
    overlap = np.maximum((held.ended - marks.origin) / step, 1.0)
    nothing = np.zeros(len(marks), np.int64)
    over = Stream(marks.unit, nothing, held.ended - TINY, held.ended, np.ones(len(marks)))
    hit = np.isfinite(held.known)
    seen_at = np.maximum(held.known, held.ended - TINY)
    hits = replace(over, occurred=seen_at).where(hit)
    windows, known = (count_in(each, marks, -np.inf, 0.0) for each in (over, hits))
    return windows / overlap, known / overlap


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


def _rate_of_class(events: Stream, marks: Landmarks, at_risk: Spans, half_life: float) -> Array:
    """The log of the class's faded events by its faded time at risk (row,), a little shrunk."""
    moments, place = np.unique(marks.origin, return_inverse=True)
    pooled = replace(events, unit=np.zeros_like(events.unit))
    halves = np.array([half_life])
    seen = stocks(pooled, 1, Landmarks(np.zeros(len(moments), np.int64), moments), halves)
    watched = np.zeros(len(moments))
    for start, end, units in at_risk.grouped():
        whole, gone = (faded_time(moments - at, halves)[:, 0] for at in (start, end))
        watched += units * (whole - gone)
    return np.asarray(np.log((1.0 + seen[:, 0, 0]) / (1.0 + watched))[place])


def _faded(rows: Stream, names: Rows, marks: Landmarks, half_life: float) -> Array:
    """The log of faded counts (row, name) of the names (name,) that are true."""
    if not names.any():
        return np.zeros((len(marks), 0))
    rows = rows.where(names[rows.name])
    code, count = (np.cumsum(names) - 1)[rows.name], int(names.sum())
    rows = replace(rows, name=code, value=np.clip(rows.value, -1.0, 1.0))
    faded = stocks(rows, count, marks, np.array([half_life]))[:, :, 0]
    return np.asarray(np.sign(faded) * np.log1p(abs(faded)))


def _of_levels(facts: Facts, gaps: Gaps, marks: Landmarks) -> Array:
    """The last value of each level and its changes, with age and season (row, column)."""
    found = [_of_level(facts, tag, gap, marks) for tag, gap in gaps.items()]
    if not found:
        return np.zeros((len(marks), 0))
    turn = 2 * np.pi * marks.origin / YEAR
    age = np.log1p(np.maximum(marks.origin - facts.first_seen()[marks.unit], 0.0))
    return np.column_stack([age, np.sin(turn), np.cos(turn), *found])


def _of_level(facts: Facts, tag: str, gap: float, marks: Landmarks) -> Array:
    rows = facts.indicators.where(facts.indicators.name == facts.tags.index(tag))
    value = last_known(rows, marks, 0.0)[0]
    changes = [value - last_known(rows, marks, n * gap)[0] for n in CHANGES]
    return np.column_stack([value, *changes])


@dataclass(frozen=True, slots=True)
class Regression:
    """A ridge logistic regression as fitted: P = expit(beta_0 + z beta), z standardised columns.

    `mean` and `sd` are (column,); a column whose `sd` is 0 does not vary, and is left out. `beta`
    is (1 + varying column,), and `covariance` the inverse of the curvature there (Laplace).
    """

    mean: Array
    sd: Array
    beta: Array
    covariance: Array

    def at(self, raw: Array) -> Array:
        """P (row,) of raw columns (row, column)."""
        return np.asarray(expit(self.design(raw) @ self.beta))

    def design(self, raw: Array) -> Array:
        """1 and the standardised columns that vary (row, 1 + varying column); missing: the mean."""
        varies = self.sd > 0
        z = np.nan_to_num((raw[:, varies] - self.mean[varies]) / self.sd[varies])
        return np.column_stack([np.ones(len(raw)), z])


def regress(raw: Array, happened: Array, ridge: Array | float) -> Regression:
    """The mode by Newton's method, on columns that are standardised.

        minimise  sum log(1 + exp(eta)) - y eta + ridge/2 beta^2,   eta = a + x beta

    The intercept is not shrunk; what is missing is at its mean. Without rows it says one half.
    """
    mean, sd = _moments(raw)
    sd = np.where(sd > CLOSE, sd, 0.0)
    if not len(raw):
        return Regression(mean, sd, np.zeros(1), np.full((1, 1), 1 / FLAT))
    start = Regression(mean, sd, np.zeros(0), np.zeros(0))
    x, penalty = start.design(raw), np.r_[FLAT, np.broadcast_to(ridge, len(sd))[sd > 0]]
    beta = _newton(x, happened, penalty)
    return replace(start, beta=beta, covariance=np.linalg.inv(_curvature(x, beta, penalty)))


def logistic(raw: Array, past: Rows, happened: Array, asked: Rows, ridge: Array | float) -> Array:
    """P (asked row,) by the regression on the `past` rows; see `regress`."""
    return regress(raw[past], happened, ridge).at(raw[asked])


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
        step = np.linalg.solve(_curvature(x, beta, penalty), gradient)
        size = 1.0
        while (there := value(beta - size * step)) > here and size > CLOSE:
            size /= 2
        beta, gained, here = beta - size * step, here - there, there
        if gained < CLOSE * abs(here):
            break
    return beta


def _curvature(x: Array, beta: Array, penalty: Array) -> Array:
    """Of the penalised loss at beta (column, column)."""
    p = expit(x @ beta)
    return np.asarray((x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty))
