"""Realistic backtests for the reports: monthly forecasts of rare events, scored for real.

Forecasts and outcomes come from a seeded generator, so that two runs give the same bytes.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from forecast.backtest import Backtest, BacktestTask, Comparison, FitNote, Forecasts, LeakCheck
from forecast.reports.backtest.view import BacktestReport, build_report, years_of
from forecast.scoring.bootstrap import skill
from forecast.scoring.results import (
    AlertScore,
    Calibration,
    Gain,
    ReliabilityPoint,
    Skill,
    Verdict,
)
from forecast.scoring.scores import scores

UNITS = 40
MISSED = Verdict.MISCALIBRATED
TASK = BacktestTask(
    name="large_strike_30d",
    definition="large_strike",
    horizon_days=30.0,
    every="MS",
    score_start=datetime(2001, 1, 1, tzinfo=UTC),
    score_end=datetime(2008, 12, 1, tzinfo=UTC),
    data_end=datetime(2008, 12, 31, tzinfo=UTC),
    train_start=datetime(1996, 1, 1, tzinfo=UTC),
)
MADE = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
BASELINES = ("pooled", "unit", "recency", "history", "persistence")


def days(moment: datetime) -> float:
    """Days since 1970."""
    return moment.timestamp() / 86400


@cache
def forecasts(seed: int = 7, rate: float = 0.03, task: BacktestTask = TASK) -> Forecasts:
    """A row a unit and month; the model sees most of what drives the truth, baselines less."""
    rng = np.random.default_rng(seed)
    years = range(task.score_start.year, task.score_end.year + 1)
    starts = [
        days(datetime(year, month, 1, tzinfo=UTC)) for year in years for month in range(1, 13)
    ]
    units = rng.normal(0.0, 1.0, UNITS)
    logit = np.log(rate / (1 - rate)) - 0.8 + units + rng.normal(0.0, 0.7, (len(starts), UNITS))
    truth = 1 / (1 + np.exp(-logit)).ravel()
    came = (rng.random(truth.size) < truth).astype(float)
    p = np.clip(truth * np.exp(rng.normal(0.0, 0.25, truth.size)), 1e-4, 0.97)
    blurs = dict(zip(BASELINES, (None, 0.5, 0.9, 0.35, 1.3), strict=True))
    made = {
        name: np.full(truth.size, came.mean())
        if blur is None
        else np.clip(truth * np.exp(rng.normal(0.0, blur, truth.size)), 1e-4, 0.97)
        for name, blur in blurs.items()
    }
    origin = np.repeat(starts, UNITS)
    lead = rng.uniform(0.0, task.horizon_days, truth.size)
    return Forecasts(
        units=tuple(f"S{number:02d}" for number in range(UNITS)),
        unit=np.tile(np.arange(UNITS), len(starts)),
        origin=origin,
        p=p,
        lower=p * 0.6,
        upper=np.minimum(p * 1.6, 1.0),
        outcome=came,
        event_at=np.where(came > 0, origin + lead, np.nan),
        baselines=made,
    )


def calibration(rows: Forecasts, verdict: Verdict = Verdict.CALIBRATED) -> Calibration:
    """Bins of equal size that never fall, with a band about the diagonal."""
    points, highest = [], 0.0
    for part in np.array_split(np.argsort(rows.p, kind="stable"), 12):
        mean = float(rows.p[part].mean())
        highest = max(highest, float(rows.outcome[part].mean()))
        half = 1.645 * float(np.sqrt(mean * (1 - mean) / len(part)))
        points.append(
            ReliabilityPoint(mean, highest, len(part), max(mean - half, 0.0), mean + half)
        )
    return Calibration(
        mcb=0.00012,
        dsc=0.00170,
        unc=0.02781,
        points=tuple(points),
        spiegelhalter_z=-0.41,
        spiegelhalter_p=0.682,
        intercept=0.05,
        slope=1.02,
        likelihood_ratio=0.73,
        likelihood_ratio_p=0.694,
        power=0.93,
        verdict=verdict,
        words="No sign of miscalibration: a slope of 0.6 would have been seen in 93 % of cases.",
    )


def alerts(rows: Forecasts) -> tuple[AlertScore, ...]:
    """A plausible curve: fewer rings, more of them right, the higher the line."""
    events = int(rows.outcome.sum())
    found = []
    for fire_at, caught in ((0.05, 0.8), (0.1, 0.6), (0.2, 0.38), (0.3, 0.22), (0.5, 0.08)):
        hits = int(events * caught)
        wrong = int(hits * (0.9 / fire_at**0.5 - 0.9))
        found.append(
            AlertScore(
                fire_at=fire_at,
                clear_at=0.75 * fire_at,
                episodes=hits + wrong,
                hits=hits,
                misses=events - hits,
                false_alarms=wrong,
                false_alarms_per_100_weeks=100 * wrong / (len(rows) * 30 / 7),
                precision=hits / (hits + wrong),
                recall=hits / events,
                lead_days=tuple(q * (0.2 + caught) * 30 for q in (0.06, 0.21, 0.5, 0.77, 0.95)),
                flip_flops=2.1 - 3 * fire_at,
                value=0.34 - (fire_at - 0.2) ** 2 * 4,
            )
        )
    return tuple(found)


def compared() -> Comparison:
    """An earlier run that was a little better by log loss, and not surely so by either."""
    brier = Gain(0.00004, -0.00011, 0.00021, 19)
    return Comparison("b7c1", MADE - timedelta(days=9), Skill("b7c1", brier, LOST, 0.0015), 3700)


LOST = Gain(-0.0013, -0.0022, -0.0004, 19)
LEAK = LeakCheck(origins=3, planted=240, changed=0)


def backtest(**changes: Any) -> Backtest:
    """The result with everything in it; `changes` replace its fields."""
    return replace(_everything(), **changes)


@cache
def _everything() -> Backtest:
    rows = forecasts()
    names = years_of(rows)
    fits = [
        FitNote(datetime(year, 1, 1, tzinfo=UTC), 0.2 + 0.01 * (year % 5), 1.3)
        for year in range(2001, 2009)
    ]
    fits[2] = replace(fits[2], findings=("The column strike.size | 90 d is constant.",))
    return Backtest(
        run_id="2f9e41",
        made_at=MADE,
        task=TASK,
        model_hash="3f9c" * 16,
        seed=20260314,
        digest="a71e" * 16,
        units=UNITS,
        origins=96,
        scores=scores(rows.p, rows.outcome),
        baselines={name: scores(p, rows.outcome) for name, p in rows.baselines.items()},
        skill={
            name: skill(rows.p, p, rows.outcome, rows.origin, 30.0, name, 1)
            for name, p in rows.baselines.items()
        },
        calibration=calibration(rows),
        by_period={
            str(name): scores(rows.p[names == name], rows.outcome[names == name])
            for name in np.unique(names)
        },
        first_alert=((0.1, 0.143, 0.131, 74), (0.2, 0.262, 0.213, 41), (0.5, 0.561, 0.4, 5)),
        alerts=alerts(rows),
        movement_z=0.7,
        leak_check=LEAK,
        fits=tuple(fits),
        seconds=23.7,
        gate="it beats history by 0.0021 nats walk-forward",
        findings=("2 units were never at risk.",),
        compared=compared(),
    )


def result(**changes: Any) -> tuple[Backtest, Forecasts]:
    """What the formats are given."""
    return backtest(**changes), forecasts()


def several() -> list[tuple[Backtest, Forecasts]]:
    """One that is sure, one that loses and leaks, and one with nothing to score."""
    skills = backtest().skill
    sure = replace(skills["history"], brier=Gain(0.0004, 0.0001, 0.0007, 20))
    worse = {name: replace(skill, brier=LOST) for name, skill in skills.items()}
    ahead = replace(backtest().scores, log_loss=0.0999)
    named = [replace(TASK, name=name) for name in ("sure_30d", "worse_30d")]
    leak = LeakCheck(3, 240, 12)
    return [
        result(task=named[0], skill={**skills, "history": sure}),
        result(
            task=named[1], skill=worse, scores=ahead, leak_check=leak, published="history",
            gate="it does not beat history", calibration=calibration(forecasts(), MISSED),
        ),
        nothing_scored(),
    ]  # fmt: skip


def hostile(text: str) -> tuple[Backtest, Forecasts]:
    """A result in which every name and sentence is `text`."""
    made, rows = backtest(), forecasts()
    named = [f"{number}{text}" for number in range(len(BASELINES))]
    changes: dict[str, Any] = {
        "task": replace(TASK, name=text, definition=text, every=text, model=text),
        "baselines": dict(zip(named, made.baselines.values(), strict=True)),
        "skill": {
            name: replace(skill, against=name)
            for name, skill in zip(named, made.skill.values(), strict=True)
        },
        "calibration": replace(made.calibration, words=text),
        "by_period": {f"{name}{text}": found for name, found in made.by_period.items()},
        "fits": tuple(replace(fit, findings=(text, text)) for fit in made.fits),
        "compared": replace(compared(), run_id=text),
    }
    changes |= dict.fromkeys(("run_id", "model_hash", "digest", "published", "gate"), text)
    theirs = dict(zip(named, rows.baselines.values(), strict=True))
    units = tuple(f"{text}{unit}" for unit in rows.units)
    hurt = replace(made, **changes, findings=(text, text))
    return hurt, replace(rows, units=units, baselines=theirs)


def report(**changes: Any) -> BacktestReport:
    """The view of `backtest`."""
    return build_report(backtest(**changes), forecasts())


def nothing_scored() -> tuple[Backtest, Forecasts]:
    """A task in which no unit was ever at risk."""
    rows = forecasts()
    none = np.empty(0)
    empty = Forecasts((), np.empty(0, np.int64), none, none, none, none, none, none)
    blank = replace(
        calibration(rows), points=(), mcb=np.nan, dsc=np.nan, unc=np.nan, spiegelhalter_z=None,
        verdict=Verdict.TOO_FEW, words="Nothing was forecast.",
    )  # fmt: skip
    result = backtest(
        scores=scores([], []), baselines={}, skill={}, calibration=blank, by_period={},
        first_alert=(), alerts=(), movement_z=None, leak_check=None, fits=(), compared=None,
        findings=(), units=0, origins=0, gate="",
    )  # fmt: skip
    return result, empty
