"""Alerts as they are lived: episodes of a rule, matched one to one to events.

A rule that fires at one line and clears at a lower one is replayed on the forecasts of each unit.
An episode rings at a forecast of `fire_at` or more, and is over

    with its event        as the question is; what stands above the line then rings anew
    at the all-clear      the first forecast of `clear_at` or less
    with the forecasts    where none follows in time: when the window of the last one ends

It can tell any event from its ring to one horizon after it, or while it lasts. Events, in order
of time, each take the episode that would be the first to expire, which makes as many pairs as
can be made.

    hit           an episode with its event       precision  hits / episodes
    false alarm   an episode without one          recall     hits / events
    miss          an event without an episode     lead       from ring to event

Relative economic value, at the cost-loss ratio a = `fire_at`, of paying a at every forecast
during an episode, where an event in the window costs 1 unprepared (s the share of windows with
an event, E the mean expense):

    value = (min(a, s) - E) / (min(a, s) - a s)        E = a P(acted) + P(not acted, event)

Source: Richardson (2000), Skill and relative economic value of the ECMWF ensemble prediction
system, Quarterly Journal of the Royal Meteorological Society 126, 649-667.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from forecast.alert import clear_line
from forecast.backtest import Forecasts
from forecast.scoring.results import AlertScore

type Floats = NDArray[np.float64]

THRESHOLDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEADS = (0.1, 0.25, 0.5, 0.75, 0.9)
WEEK, YEAR = 7.0, 365.25
_LATE = 1.5  # steps to the next forecast beyond which a unit was not at risk in between


@dataclass(frozen=True, slots=True)
class Path:
    """Forecasts `p` (look,) of one unit or question, made `at` (look,), and its `events`, sorted.

    Times are days; `until` is when the time of the last forecast was up: a deadline, an answer,
    or when the next forecast was due.
    """

    at: Floats
    p: Floats
    events: Floats
    until: float


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of firing, in days."""

    rang_at: float
    over_at: float


@dataclass(frozen=True, slots=True)
class Replay:
    """What a rule did on one path: its episodes, whether it fired at each look, its changes.

    Changes are rings and all-clears.
    """

    episodes: tuple[Episode, ...]
    fired: NDArray[np.bool_]
    changes: int


def alert_scores(
    forecasts: Forecasts, horizon: float, thresholds: Sequence[float] = THRESHOLDS
) -> tuple[AlertScore, ...]:
    """The curve over thresholds of a walk whose windows are `horizon` days long."""
    paths, step = paths_of(forecasts)
    return tuple(score_paths(paths, horizon, line, step=step) for line in thresholds)


def paths_of(forecasts: Forecasts) -> tuple[list[Path], float]:
    """The rows of a walk as one path a unit, and the days from an origin to the next."""
    origins = np.unique(forecasts.origin)
    step = float(np.median(np.diff(origins))) if len(origins) > 1 else WEEK
    order = np.lexsort((forecasts.origin, forecasts.unit))
    ends = np.flatnonzero(np.diff(forecasts.unit[order])) + 1
    paths = []
    for rows in np.split(order, ends) if len(order) else []:
        at, events = forecasts.origin[rows], forecasts.event_at[rows]
        events = np.unique(events[np.isfinite(events)])
        paths.append(Path(at, forecasts.p[rows], events, float(at[-1]) + step))
    return paths, step


def score_paths(
    paths: Sequence[Path],
    horizon: float,
    fire_at: float,
    clear_at: float | None = None,
    step: float = math.inf,
) -> AlertScore:
    """What a rule would have been worth on some paths; it clears where rules do by default.

    Forecasts tell of events up to `horizon` days later, for questions with a deadline of their
    own `math.inf`. Where the next forecast is later than 1.5 `step`, the unit was not at risk in
    between. ValueError for a line that is not between 0 and 1, or a clearing line above it.
    """
    clear = clear_line(fire_at) if clear_at is None else clear_at
    if not 0.0 < clear <= fire_at < 1.0:
        raise ValueError(f"lines {fire_at:g} and {clear:g} are not 1 > fire >= clear > 0")
    replays = [replay(path, horizon, fire_at, clear, step) for path in paths]
    return scored(paths, replays, horizon, (fire_at, clear), step)


def scored(
    paths: Sequence[Path],
    replays: Sequence[Replay],
    horizon: float,
    lines: tuple[float, float],
    step: float = math.inf,
) -> AlertScore:
    """The score of what a rule did on each path, replayed here or elsewhere."""
    found = list(zip(paths, replays, strict=True))
    leads = [lead for path, r in found for lead in told(r.episodes, path.events, horizon)]
    episodes, events = sum(len(r.episodes) for r in replays), sum(len(p.events) for p in paths)
    days = math.fsum(_days(path, step) for path in paths)
    hits = len(leads)
    return AlertScore(
        fire_at=lines[0],
        clear_at=lines[1],
        episodes=episodes,
        hits=hits,
        misses=events - hits,
        false_alarms=episodes - hits,
        false_alarms_per_100_weeks=_ratio(100.0 * (episodes - hits), days / WEEK) or 0.0,
        precision=_ratio(hits, episodes),
        recall=_ratio(hits, events),
        lead_days=tuple(np.quantile(leads, LEADS).tolist()) if leads else (),
        flip_flops=_ratio(sum(r.changes for r in replays), days / YEAR) or 0.0,
        value=_value(found, horizon, lines[0]),
    )


def replay(
    path: Path, horizon: float, fire_at: float, clear_at: float, step: float = math.inf
) -> Replay:
    """What the rule does on one path.

    >>> path = Path(np.arange(5.0), np.array([0.1, 0.6, 0.5, 0.2, 0.7]), np.array([4.5]), 5.0)
    >>> replay(path, 2.0, fire_at=0.6, clear_at=0.3).episodes
    (Episode(rang_at=1.0, over_at=3.0), Episode(rang_at=4.0, over_at=4.5))
    """
    fired = np.zeros(len(path.p), dtype=bool)
    if not len(path.p) or path.p.max() < fire_at:
        return Replay((), fired, 0)
    events = path.events.tolist()
    following = [*path.at.tolist()[1:], math.inf]
    found: list[Episode] = []
    rang_at, changes = None, 0
    for look, (at, after, p) in enumerate(
        zip(path.at.tolist(), following, path.p.tolist(), strict=True)
    ):
        if rang_at is None and p >= fire_at:
            rang_at, changes = at, changes + 1
        elif rang_at is not None and p <= clear_at:
            found.append(Episode(rang_at, at))
            rang_at, changes = None, changes + 1
        if rang_at is None:
            continue
        fired[look] = True
        is_last = after - at > _LATE * step or after == math.inf
        end = min(at + horizon, after) if is_last else after
        over_at = _first(events, at, end)
        if is_last or over_at is not None:
            last = path.until if end == math.inf else end
            found.append(Episode(rang_at, last if over_at is None else over_at))
            rang_at = None
    return Replay(tuple(found), fired, changes)


def _first(events: Sequence[float], start: float, end: float) -> float | None:
    """The first event from `start` on and before `end`."""
    place = bisect_left(events, start)
    return events[place] if place < len(events) and events[place] < end else None


def told(episodes: Sequence[Episode], events: Floats, horizon: float) -> list[float]:
    """Days from ring to event of each pair, as many pairs as can be made; both in order of time.

    >>> told([Episode(0.0, 1.0), Episode(2.0, 3.0)], np.array([2.5, 6.0]), horizon=4.0)
    [2.5, 4.0]
    """
    waiting: list[tuple[float, float]] = []  # when it expires, when it rang
    found, place = [], 0
    for event in events.tolist():
        while place < len(episodes) and episodes[place].rang_at <= event:
            e = episodes[place]
            heappush(waiting, (max(e.rang_at + horizon, e.over_at), e.rang_at))
            place += 1
        while waiting and waiting[0][0] < event:
            heappop(waiting)
        if waiting:
            found.append(event - heappop(waiting)[1])
    return found


def _days(path: Path, step: float) -> float:
    """The time at risk: from each look to the next, or one step where none follows in time."""
    gaps = np.diff(np.append(path.at, path.until))
    return float(np.where(gaps > _LATE * step, step, gaps).sum())


def _value(found: Sequence[tuple[Path, Replay]], horizon: float, ratio: float) -> float | None:
    if not found:
        return None
    acted = np.concatenate([r.fired for _, r in found])
    came = np.concatenate([_came(path, horizon) for path, _ in found])
    share = float(came.mean()) if len(came) else 0.0
    never_wrong = ratio * share
    always_alike = min(ratio, share)
    if not 0.0 < share < 1.0:
        return None
    expense = ratio * float(acted.mean()) + float((came & ~acted).mean())
    return (always_alike - expense) / (always_alike - never_wrong)


def _came(path: Path, horizon: float) -> NDArray[np.bool_]:
    """Whether an event came in the window (look,) of each forecast."""
    following = np.append(path.events, math.inf)[np.searchsorted(path.events, path.at)]
    return np.asarray((following < path.at + horizon) & np.isfinite(following))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0.0 else None
