"""The view of one backtest: what its report needs beside the stored result, worked out once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.backtest import Backtest, Forecasts
from forecast.reports.backtest.figures import places
from forecast.scoring.results import AlertScore, Scores, Skill
from forecast.scoring.scores import scores

RARE = 0.05  # of the forecasts came true

type Result = tuple[Backtest, Forecasts]


@dataclass(frozen=True, slots=True)
class Year:
    """One year of the record; `reference` are the strongest baseline's scores of the same rows."""

    name: str
    scores: Scores
    reference: Scores | None

    @property
    def gain(self) -> float | None:
        """By how much the model's log loss was lower than the baseline's."""
        return self.reference.log_loss - self.scores.log_loss if self.reference else None


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """A backtest with the names that its report dwells on.

    `ranked` are the baselines from the lowest log loss up, so that the first is the one hardest
    to beat. `line` is the line of the alert curve that is spoken of.
    """

    backtest: Backtest
    forecasts: Forecasts
    ranked: tuple[str, ...]
    line: AlertScore | None
    years: tuple[Year, ...]

    @property
    def strongest(self) -> str | None:
        """The baseline with the lowest log loss, if there is any."""
        return self.ranked[0] if self.ranked else None

    @property
    def skill(self) -> Skill | None:
        """What was gained over the strongest baseline."""
        return self.backtest.skill.get(self.strongest) if self.strongest else None

    @property
    def lines(self) -> tuple[AlertScore, ...]:
        """The lines of the alert curve at which anything rang, from the lowest up."""
        rang = (a for a in self.backtest.alerts if a.episodes)
        return tuple(sorted(rang, key=lambda a: a.fire_at))

    @property
    def brier_places(self) -> int:
        """The decimals that Brier scores and their gains are written with."""
        return places(self.backtest.scores.brier)

    @property
    def loss_places(self) -> int:
        """The decimals that log losses and their gains are written with."""
        return places(self.backtest.scores.log_loss)

    @property
    def share_places(self) -> int:
        """The decimals of percentages of forecasts: rare events need one more."""
        found = self.backtest.scores
        return 2 if found.n and found.events / found.n < RARE else 1


def build_report(backtest: Backtest, forecasts: Forecasts) -> BacktestReport:
    """The view of one backtest; `forecasts` may be empty where only the result is stored."""
    found = sorted(backtest.baselines, key=lambda name: (_loss(backtest.baselines[name]), name))
    return BacktestReport(
        backtest=backtest,
        forecasts=forecasts,
        ranked=tuple(found),
        line=default_line(backtest.alerts),
        years=_years(backtest, forecasts, found[0] if found else None),
    )


def default_line(curve: Sequence[AlertScore]) -> AlertScore | None:
    """The alert line that is spoken of: of those that ever rang the one with the highest value.

    Of two alike it is the higher, and so where no line has a value, as nothing happened.
    """
    if not curve:
        return None
    return max(curve, key=lambda a: (a.episodes > 0, _or_least(a.value), a.fire_at))


def _or_least(value: float | None) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value


def _loss(found: Scores) -> float:
    return found.log_loss if math.isfinite(found.log_loss) else math.inf


def _years(backtest: Backtest, forecasts: Forecasts, strongest: str | None) -> tuple[Year, ...]:
    """The years with the baseline's scores, where it gave a number for every row of the year."""
    theirs = forecasts.baselines.get(strongest) if strongest else None
    if theirs is None:
        return tuple(Year(name, ours, None) for name, ours in backtest.by_period.items())
    names, found = years_of(forecasts), []
    for name, ours in backtest.by_period.items():
        p, came = theirs[names == name], forecasts.outcome[names == name]
        is_whole = len(p) > 0 and bool(np.isfinite(p).all())
        found.append(Year(name, ours, scores(p, came) if is_whole else None))
    return tuple(found)


def years_of(forecasts: Forecasts) -> np.typing.NDArray[np.str_]:
    """The year (row,) of each origin, in UTC, as it is named in `by_period`."""
    return np.floor(forecasts.origin).astype("datetime64[D]").astype("datetime64[Y]").astype(str)
