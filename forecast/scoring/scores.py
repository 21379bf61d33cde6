"""Scores of many forecasts of a yes (1) or no (0): arrays in, means out.

    Brier              mean (p - y)^2
    log loss           mean -log of the probability given to what happened, in nats
    AUC                P(p of a yes > p of a no) + P(equal) / 2
    average precision  sum over distinct p, from the top, of (recall gained) x precision there

Sources: Gneiting and Raftery (2007), JASA 102, 359-378; Hanley and McNeil (1982), Radiology 143,
29-36, for the AUC; for average precision the stepwise sum of scikit-learn, without interpolation.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.scoring.results import Scores

type Floats = NDArray[np.float64]

CLIP = 1e-12  # log loss takes p to lie so far from 0 and 1: a sure miss costs 27.6 nats


def scores(p: ArrayLike, outcome: ArrayLike, weight: ArrayLike | None = None) -> Scores:
    """The scores of forecasts `p` (row,) of outcomes 0 or 1 (row,), perhaps weighed (row,).

    Weights bear on the means and the two areas; `n`, `events` and `expected` count rows. The
    means of no forecasts are NaN. ValueError, naming the row, for what is no probability or no
    outcome.

    >>> found = scores([0.8, 0.2, 0.4], [1, 0, 1])
    >>> round(found.brier, 4), round(found.log_loss, 4), found.auc, found.average_precision
    (0.1467, 0.4542, 1.0, 1.0)
    """
    p, y = checked(p, outcome)
    w = np.ones(len(p)) if weight is None else _weights(weight, len(p))
    yes, no, both = counts_by_p(p, y, w)
    is_mixed = yes.sum() > 0.0 and no.sum() > 0.0
    return Scores(
        n=len(p),
        events=int(y.sum()),
        expected=float(p.sum()),
        brier=_mean(brier_losses(p, y), w),
        log_loss=_mean(log_losses(p, y), w),
        auc=_auc(yes, no) if is_mixed else None,
        average_precision=_average_precision(yes, both) if is_mixed else None,
    )


def brier_losses(p: Floats, y: Floats) -> Floats:
    """(p - y)^2 of each row."""
    return (p - y) ** 2


def log_losses(p: Floats, y: Floats) -> Floats:
    """-log of the probability given to what happened, in nats; p is kept `CLIP` off 0 and 1."""
    return -np.log(np.maximum(np.where(y > 0.5, p, 1.0 - p), CLIP))


def checked(p: ArrayLike, outcome: ArrayLike) -> tuple[Floats, Floats]:
    """Both as floats (row,); ValueError, naming the row, for what is no forecast or outcome."""
    given, came = np.asarray(p, dtype=float), np.asarray(outcome, dtype=float)
    if given.ndim != 1 or given.shape != came.shape:
        raise ValueError(f"forecasts {given.shape} and outcomes {came.shape} are not two columns")
    _refuse(~((given >= 0.0) & (given <= 1.0)), given, "forecast", "a probability")
    _refuse(~np.isin(came, (0.0, 1.0)), came, "outcome", "0 or 1")
    return given, came


def counts_by_p(p: Floats, y: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """The weight of yes, of no and of both (distinct p,) at each forecast, from the lowest up."""
    _, place = np.unique(p, return_inverse=True)
    both = np.bincount(place, w)
    yes = np.bincount(place, w * y)
    return yes, np.bincount(place, w * (1.0 - y)), both


def _auc(yes: Floats, no: Floats) -> float:
    """Each yes beats the noes below it, and half of those that tie with it."""
    beaten = np.cumsum(no) - no / 2.0
    return float((yes * beaten).sum() / (yes.sum() * no.sum()))


def _average_precision(yes: Floats, both: Floats) -> float:
    told, found = np.cumsum(both[::-1]), np.cumsum(yes[::-1])
    precision = np.divide(found, told, out=np.zeros_like(told), where=told > 0.0)
    return float((yes[::-1] * precision).sum() / yes.sum())


def _mean(losses: Floats, w: Floats) -> float:
    total = float(w.sum())
    return float((losses * w).sum()) / total if total > 0.0 else float("nan")


def _weights(weight: ArrayLike, n: int) -> Floats:
    w = np.asarray(weight, dtype=float)
    if w.shape != (n,):
        raise ValueError(f"weights {w.shape} for {n} forecasts")
    _refuse(~((w >= 0.0) & np.isfinite(w)), w, "weight", "a number of at least 0")
    return w


def _refuse(wrong: NDArray[np.bool_], values: Floats, noun: str, kind: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"row {row}: {noun} {values[row]:g} is not {kind}")
