"""The forecasts of a backtest as CSV: a row a forecast, for whoever wants to score them anew."""

import csv
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

from forecast.backtest import Backtest, Forecasts
from forecast.clock import format_instant
from forecast.reports.as_csv import guarded
from forecast.reports.backtest.view import Result

COLUMNS = (
    "task",
    "unit",
    "origin",
    "horizon_days",
    "p",
    "lower",
    "upper",
    "outcome",
    "event_at",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def forecast_rows(backtest: Backtest, forecasts: Forecasts) -> Iterator[dict[str, Any]]:
    """Each forecast with its task, unit, origin, outcome and baselines (`baseline_NAME`).

    Times are ISO 8601 in UTC; `event_at` and a number that there is not are empty.
    """
    task = backtest.task
    named = {f"baseline_{name}": p for name, p in forecasts.baselines.items()}
    origins = {day: _instant(day) for day in set(forecasts.origin.tolist())}
    for n in range(len(forecasts)):
        yield {
            "task": guarded(task.name),
            "unit": guarded(forecasts.units[forecasts.unit[n]]),
            "origin": origins[float(forecasts.origin[n])],
            "horizon_days": task.horizon_days,
            "p": _number(forecasts.p[n]),
            "lower": _number(forecasts.lower[n]),
            "upper": _number(forecasts.upper[n]),
            "outcome": int(forecasts.outcome[n]),
            "event_at": _instant(float(forecasts.event_at[n])),
        } | {guarded(name): _number(p[n]) for name, p in named.items()}


def write_forecasts(results: Sequence[Result], file: TextIO) -> None:
    """All of them as one CSV; a baseline that one task lacks is empty there."""
    named = [f"baseline_{name}" for _, found in results for name in found.baselines]
    columns = [*COLUMNS, *(guarded(name) for name in dict.fromkeys(named))]
    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for backtest, forecasts in results:
        writer.writerows(forecast_rows(backtest, forecasts))


def _instant(days: float) -> str:
    if not math.isfinite(days):
        return ""
    moment = _EPOCH + timedelta(seconds=round(days * 86400))
    return format_instant(moment)


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else ""
