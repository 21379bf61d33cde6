"""The backtest: what would have been forecast at each origin of the past, what came, its scores."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from forecast.panel_table import PanelTable
from forecast.scoring.results import AlertScore, Calibration, Scores, Skill

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int64]

Refit = Literal["yearly", "quarterly", "monthly", "never"]


@dataclass(frozen=True, slots=True)
class BacktestTask:
    """One forecasting task: P(an event of `definition` within `horizon_days`), again and again.

    Origins are `every` so often between `score_start` and `score_end`: `MS` (the first of each
    month), or a length of time (`6h`, `7 days`). A unit is forecast where it is at risk: not within
    `quiet_days` after an event of the kind; from its first row on (`units` seen) or always
    (`all`); and with `at_risk` "until-event" only from its first row to its first event or its
    last row. Windows that reach past `data_end` are not scored. The model is fitted anew
    `refit`, on windows from `train_start` on that had ended by then. `level_tags` are tags whose
    last value counts; None: found from the data. `settings` are those of the model where they
    are not the default ones.
    """

    name: str
    definition: str
    horizon_days: float
    every: str
    score_start: datetime
    score_end: datetime
    data_end: datetime
    train_start: datetime | None = None
    quiet_days: float = 0.0
    units: Literal["seen", "all"] = "seen"
    at_risk: Literal["always", "until-event"] = "always"
    level_tags: tuple[str, ...] | None = None
    refit: Refit = "yearly"
    model: str = "pool"
    settings: PanelTable | None = None


@dataclass(frozen=True, slots=True)
class Forecasts:
    """The rows of a walk, by origin and then unit; every array is (row,).

    `unit` are codes into `units`, `origin` days since 1970-01-01 UTC, `p` the forecasts with
    their band `lower` to `upper`, `outcome` 0 or 1, `event_at` the first event in the window in
    days since 1970 (NaN without), `baselines` the forecasts of the references by name, each made
    from what was known at the origin.
    """

    units: tuple[str, ...]
    unit: Codes
    origin: Floats
    p: Floats
    lower: Floats
    upper: Floats
    outcome: Floats
    event_at: Floats
    baselines: dict[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.p)

    def rows(self, which: NDArray[Any]) -> "Forecasts":
        """Some of the rows, by a mask (row,) or by their places, in that order."""
        return Forecasts(
            units=self.units,
            unit=self.unit[which],
            origin=self.origin[which],
            p=self.p[which],
            lower=self.lower[which],
            upper=self.upper[which],
            outcome=self.outcome[which],
            event_at=self.event_at[which],
            baselines={name: p[which] for name, p in self.baselines.items()},
        )


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """Rows known only later were planted after `origins` origins, `planted` of them in all.

    `changed` is how many forecasts they changed: more than none is a leak.
    """

    origins: int
    planted: int
    changed: int

    @property
    def passed(self) -> bool:
        """Whether something was planted, and nothing changed."""
        return self.planted > 0 and self.changed == 0


@dataclass(frozen=True, slots=True)
class FitNote:
    """One refit: as of when, what was found (k-hat and plain sentences), and how long it took."""

    as_of: datetime
    khat: float | None
    seconds: float
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Against an earlier run on the same rows: the gains over it, as over any reference."""

    run_id: str
    made_at: datetime
    skill: Skill
    rows: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """The stored result of one backtest.

    `by_period` are scores by year; `first_alert` is calibration at the first forecast of an
    episode (by threshold: forecast mean, share that came true, how many); `movement_z` the
    martingale test of belief movement, None where it cannot be told. `published` is what the
    gate would publish: "model", or the name of the baseline that it did not beat, with `gate`
    saying why. `digest` is a SHA-256 over the task, the facts, the code's version and the seed.
    """

    run_id: str
    made_at: datetime
    task: BacktestTask
    model_hash: str
    seed: int
    digest: str
    units: int
    origins: int
    scores: Scores
    baselines: dict[str, Scores]
    skill: dict[str, Skill]
    calibration: Calibration
    by_period: dict[str, Scores]
    first_alert: tuple[tuple[float, float, float, int], ...]
    alerts: tuple[AlertScore, ...]
    movement_z: float | None
    leak_check: LeakCheck | None
    fits: tuple[FitNote, ...]
    seconds: float
    published: str = "model"
    gate: str = ""
    findings: tuple[str, ...] = ()
    compared: Comparison | None = None
