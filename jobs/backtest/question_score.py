"""What is different about scoring questions: each has a deadline of its own, and one answer.

An early yes leaves its question with few forecasts while those that are still undecided are not
scored at all, so of the questions whose deadline is still to come only the yeses are here:
calibration, alerts and the movement of beliefs are judged on questions past their scheduled
deadline. Else false alarms that are still open would not count, and calibrated forecasts would
seem too low, and to move too much.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from forecast.backtest import Backtest, Forecasts
from forecast.martingale import movement
from forecast.scoring.calibration import calibration
from forecast.scoring.episodes import THRESHOLDS, Path, score_paths
from forecast.scoring.first_alert import first_alerts
from forecast.scoring.scores import scores
from jobs.backtest.origins import to_days, usual_step
from jobs.backtest.questions import CROWD_FOR, Ended


def of_questions(result: Backtest, rows: Forecasts, ended: Mapping[str, Ended]) -> Backtest:
    """The result with what depends on the ends of questions."""
    step, horizon = usual_step(result.task.every), result.task.horizon_days
    past = np.array([ended[name].is_past for name in rows.units])[rows.unit]
    judged = rows.p[past], rows.outcome[past], rows.origin[past]
    on_time = [(code, ended[name]) for code, name in enumerate(rows.units) if ended[name].is_past]
    paths = [path for path in (_path(rows, *each) for each in on_time) if len(path.p)]
    begun = first_alerts(rows.unit[past], judged[2], *judged[:2], THRESHOLDS, step)
    return replace(
        result,
        calibration=calibration(*judged, horizon, result.seed),
        first_alert=begun,
        alerts=tuple(score_paths(paths, math.inf, line, step=step) for line in THRESHOLDS),
        movement_z=movement([[*path.p, float(len(path.events) > 0)] for path in paths]).z,
        findings=(*result.findings, *_findings(rows, ended, past)),
    )


def _path(rows: Forecasts, code: int, end: Ended) -> Path:
    its = np.flatnonzero(rows.unit == code)
    its = its[np.argsort(rows.origin[its])]
    events = np.array([end.event_at] if end.outcome else [])
    return Path(rows.origin[its], rows.p[its], events, to_days(end.until))


def _findings(
    rows: Forecasts, ended: Mapping[str, Ended], past: np.typing.NDArray[np.bool_]
) -> list[str]:
    """On what the scores rest: how many questions, and how many of them past their deadline."""
    on_time = sum(one.is_past for one in ended.values())
    found = scores(rows.p[past], rows.outcome[past])
    lines = [
        f"{len(ended)} questions have ended, {on_time} of them past their deadline: on the "
        f"{found.n} forecasts of those the Brier score is {found.brier:.4f} and the log loss "
        f"{found.log_loss:.4f}, and calibration and alerts are judged on them alone"
    ]
    crowd = int(np.isfinite(rows.baselines["crowd"]).sum()) if "crowd" in rows.baselines else 0
    if crowd:
        lines.append(
            f"others had said something within {CROWD_FOR.days} days of {crowd} of the "
            f"{len(rows)} forecasts: only on those is the model held against the crowd"
        )
    return lines
