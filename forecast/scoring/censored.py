"""Scores before the deadline: an open question has answered a part of itself already.

A forecast says P(event by t) for every t of its window. At a moment `now` in the window it is
known whether the event came by then, and if so when; the rest is censored. So much can be
scored, and each score is proper as long as `now` is chosen without looking at the answer:

    Brier, log loss      of "the event comes by now"; at the deadline they are the usual ones
    integrated Brier     1 / (now - start)  integral from start to now of
                         ( P(by t) - 1{came by t} )^2 dt: when it comes counts too
    censored log score   -log( 1 - P(by now) ) while nothing came; the event at e: -log f(e),
                         f the density of P(by t) per day

To score a question at the moment of its event instead is not proper: that rewards who cries
wolf early.

P(by t) runs between the points of a curve as if the hazard were constant there: log(1 - P) is
straight, from 0 at the start of the window.

Sources: Diks, Panchenko and van Dijk (2011), Journal of Econometrics 163, 215-230, for the
censored score; Gneiting and Ranjan (2011), Journal of Business and Economic Statistics 29,
411-422, for the integrated one: the CRPS weighed by 1 up to now and by 0 after it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from forecast.estimate import CurvePoint
from forecast.scoring.scores import CLIP

type Floats = NDArray[np.float64]

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class SoFar:
    """The scores of one forecast up to a moment, the share of its window that is `over` by then.

    `p` is what it gave the event by then. Lower is better in all four; `censored_log` is in nats
    and, being of a density, may be below 0.
    """

    over: float
    p: float
    brier: float
    log_loss: float
    integrated_brier: float
    censored_log: float


@dataclass(frozen=True, slots=True)
class Survival:
    """A curve as cumulative hazards -log(1 - P) at days since the start, the first (0, 0)."""

    days: Floats
    hazard: Floats

    def by(self, day: float) -> float:
        """P(event by `day`)."""
        return -math.expm1(-float(np.interp(day, self.days, self.hazard)))

    def density(self, day: float) -> float:
        """The density of the event at `day`, per day; of two pieces' the earlier's."""
        place = min(max(int(np.searchsorted(self.days, day)), 1), len(self.days) - 1)
        rise, run = np.diff(self.hazard)[place - 1], np.diff(self.days)[place - 1]
        return float(rise / run) * (1.0 - self.by(day))


def survival(curve: Sequence[CurvePoint], start: datetime) -> Survival:
    """The curve of an estimate from `start` on: the opening, or the forecast where that is later.

    A point that lies lower than one before it is lifted to it: the event cannot unhappen.
    ValueError for a curve without a point after `start`.
    """
    ahead = sorted((point for point in curve if point.by > start), key=lambda point: point.by)
    if not ahead:
        raise ValueError(f"the curve has no point after {start.isoformat()}")
    days = [0.0, *((point.by - start).total_seconds() / DAY for point in ahead)]
    p = np.clip([0.0, *(point.probability for point in ahead)], 0.0, 1.0 - CLIP)
    return Survival(np.array(days), np.maximum.accumulate(-np.log1p(-p)))


def score_so_far(
    curve: Sequence[CurvePoint], start: datetime, event_at: datetime | None, now: datetime
) -> SoFar:
    """The scores at `now` of a forecast whose window began at `start` and ends with its curve.

    `event_at` is the first event since then, if one is known; one after `now` has not come. Past
    the deadline the scores are final. ValueError for a moment at or before the start, or an
    event before it.
    """
    if now <= start:
        raise ValueError(f"{now.isoformat()} is not after the start {start.isoformat()}")
    if event_at is not None and event_at < start:
        raise ValueError(f"the event {event_at.isoformat()} is before the start")
    found = survival(curve, start)
    end = float(found.days[-1])
    moment = min((now - start).total_seconds() / DAY, end)
    event = math.inf if event_at is None else (event_at - start).total_seconds() / DAY
    came = event <= moment
    p = found.by(moment)
    given = found.density(event) if came else 1.0 - p
    return SoFar(
        over=moment / end,
        p=p,
        brier=(p - came) ** 2,
        log_loss=-math.log(max(p if came else 1.0 - p, CLIP)),
        integrated_brier=_integrated(found, moment, event) / moment,
        censored_log=-math.log(max(given, CLIP)),
    )


def _integrated(found: Survival, moment: float, event: float) -> float:
    """The integral of (P(by t) - 1{event <= t})^2 to `moment`, exact: S = 1 - P is exponential."""
    cuts = np.unique(np.clip([*found.days, event, moment], 0.0, moment))
    hazard = np.interp(cuts, found.days, found.hazard)
    length, rise = np.diff(cuts), np.diff(hazard)
    s, survives = np.exp(-hazard[:-1]), cuts[:-1] < event
    once, twice = s * _mean_decay(rise), s**2 * _mean_decay(2.0 * rise)
    before = 1.0 - 2.0 * once + twice  # mean (1 - S)^2; after the event mean S^2
    return float((length * np.where(survives, before, twice)).sum())


def _mean_decay(rise: Floats) -> Floats:
    """Mean of e^(-x) over x from 0 to `rise`: (1 - e^-rise) / rise, and 1 at 0."""
    return np.divide(-np.expm1(-rise), rise, out=np.ones_like(rise), where=rise > 0.0)
