"""A backtest as JSON values: the contract that programs rely on."""

import math
from dataclasses import asdict, fields
from datetime import datetime
from enum import Enum
from numbers import Integral, Real
from typing import Any

from forecast.backtest import Backtest
from forecast.clock import format_instant
from forecast.reports.backtest.view import default_line
from forecast.scoring.results import AlertScore, Calibration, Skill

SCHEMA_VERSION = 1
_LINE = (*(field.name for field in fields(AlertScore)), "median_lead_days")


def backtest_json(backtest: Backtest) -> dict[str, Any]:
    """`tocsin backtest --json`: times ISO 8601 in UTC, numbers finite or null.

    `alerts` are those of the line with the highest value (`fire_at` says which), and `curve` of
    all. `settings` is the task in full.
    """
    found = {
        "schema_version": SCHEMA_VERSION,
        "task": backtest.task.name,
        "n": backtest.scores.n,
        "events": backtest.scores.events,
        "scores": asdict(backtest.scores),
        "baselines": {name: asdict(scores) for name, scores in backtest.baselines.items()},
        "skill": {name: _skill(skill) for name, skill in backtest.skill.items()},
        "calibration": _calibration(backtest.calibration),
        "first_alert": [
            {"fire_at": at, "forecast": mean, "observed": came, "n": n}
            for at, mean, came, n in backtest.first_alert
        ],
        "movement_z": backtest.movement_z,
        "alerts": _alerts(backtest.alerts),
        "leak_check": _leak_check(backtest),
        "by_year": {name: asdict(scores) for name, scores in backtest.by_period.items()},
        "fits": [asdict(fit) for fit in backtest.fits],
        "published": backtest.published,
        "gate": backtest.gate,
        "compared": _compared(backtest),
        "findings": backtest.findings,
        "settings": asdict(backtest.task),
        "run_id": backtest.run_id,
        "made_at": backtest.made_at,
        "seconds": backtest.seconds,
        "units": backtest.units,
        "origins": backtest.origins,
        "seed": backtest.seed,
        "model_hash": backtest.model_hash,
        "digest": backtest.digest,
    }
    plain: dict[str, Any] = _plain(found)
    return plain


def _skill(skill: Skill) -> dict[str, Any]:
    found = asdict(skill)
    del found["against"]
    return found


def _calibration(found: Calibration) -> dict[str, Any]:
    values = asdict(found)
    bins = values.pop("points")
    return values | {"bins": bins, "verdict": found.verdict.name.lower()}


def _alerts(curve: tuple[AlertScore, ...]) -> dict[str, Any]:
    """The default line, flat, and the whole curve."""
    line = default_line(curve)
    chosen = _line(line) if line else dict.fromkeys(_LINE)
    return chosen | {"default": "highest value", "curve": [_line(a) for a in curve]}


def _line(a: AlertScore) -> dict[str, Any]:
    return asdict(a) | {"median_lead_days": _median(a)}


def _median(a: AlertScore) -> float | None:
    return a.lead_days[2] if len(a.lead_days) == 5 else None


def _leak_check(backtest: Backtest) -> dict[str, Any] | None:
    check = backtest.leak_check
    return None if check is None else {"passed": check.passed} | asdict(check)


def _compared(backtest: Backtest) -> dict[str, Any] | None:
    found = backtest.compared
    if found is None:
        return None
    return {
        "run_id": found.run_id,
        "made_at": found.made_at,
        "rows": found.rows,
        "skill": _skill(found.skill),
    }


def _plain(value: Any) -> Any:
    """Values that JSON has: instants as text, NumPy's numbers as Python's, null for NaN."""
    match value:
        case None | bool() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return value.value
        case datetime():
            return format_instant(value)
        case Integral():
            return int(value)
        case Real():
            return float(value) if math.isfinite(value) else None
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case _:
            return [_plain(each) for each in value]
