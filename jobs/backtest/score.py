"""From the rows of a walk to the result that is stored and shown."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from forecast.backtest import Backtest, BacktestTask, Forecasts
from forecast.clock import format_instant
from forecast.publishing import BY_DEFAULT, PublishRule, publish
from forecast.scoring.bootstrap import skill
from forecast.scoring.calibration import calibration
from forecast.scoring.episodes import THRESHOLDS, alert_scores
from forecast.scoring.first_alert import first_alerts
from forecast.scoring.results import Scores, Skill
from forecast.scoring.scores import scores
from jobs.backtest.walk import Walked


@dataclass(frozen=True, slots=True)
class Identity:
    """What a result is known by; see `Backtest`."""

    made_at: datetime
    seed: int
    digest: str
    model_hash: str

    def run_id(self, task: str) -> str:
        """The task's name, when the run was made, and the start of its digest."""
        moment = format_instant(self.made_at).replace("-", "").replace(":", "")
        return f"{task}-{moment.partition('.')[0].removesuffix('Z')}Z-{self.digest[:6]}"


def result(
    task: BacktestTask,
    walked: Walked,
    identity: Identity,
    seconds: float,
    findings: tuple[str, ...] = (),
    rule: PublishRule = BY_DEFAULT,
) -> Backtest:
    """The scores of a walk, and all else that is told of it; equal rows give equal scores."""
    rows, seed = walked.rows, identity.seed
    horizon = task.horizon_days
    ours = scores(rows.p, rows.outcome)
    baselines = {name: _scores_of(rows, name) for name in rows.baselines}
    gained = {name: _skill_over(rows, name, horizon, seed) for name in rows.baselines}
    published = publish(gained, ours, baselines, rule)
    return Backtest(
        run_id=identity.run_id(task.name),
        made_at=identity.made_at,
        task=task,
        model_hash=identity.model_hash,
        seed=seed,
        digest=identity.digest,
        units=len(np.unique(rows.unit)),
        origins=len(np.unique(rows.origin)),
        scores=ours,
        baselines=baselines,
        skill=gained,
        calibration=calibration(rows.p, rows.outcome, rows.origin, horizon, seed),
        by_period=_by_year(rows),
        first_alert=first_alerts(rows.unit, rows.origin, rows.p, rows.outcome, THRESHOLDS),
        alerts=alert_scores(rows, horizon),
        movement_z=None,  # of windows that move on with their origin nothing can be told
        leak_check=walked.leak_check,
        fits=walked.fits,
        seconds=seconds,
        published=published.what,
        gate=published.words,
        findings=findings,
    )


def _scores_of(rows: Forecasts, name: str) -> Scores:
    """The scores of a reference, on the rows of which it says something."""
    p = rows.baselines[name]
    there = np.isfinite(p)
    return scores(p[there], rows.outcome[there])


def _skill_over(rows: Forecasts, name: str, horizon: float, seed: int) -> Skill:
    """The gain over a reference, on those rows."""
    p = rows.baselines[name]
    there = np.isfinite(p)
    ours, outcome, origin = (a[there] for a in (rows.p, rows.outcome, rows.origin))
    return skill(ours, p[there], outcome, origin, horizon, name, seed)


def _by_year(rows: Forecasts) -> dict[str, Scores]:
    days = np.floor(rows.origin).astype("int64").astype("datetime64[D]")
    years = days.astype("datetime64[Y]").astype(str)
    return {
        str(year): scores(rows.p[years == year], rows.outcome[years == year])
        for year in np.unique(years)
    }
