"""Panels of real data, walk-forward: what the default settings score beside simple baselines.

    python -m benchmarks.panels [TASK ...]

refits at the start of each scored year on what was known by then, and forecasts every unit at
risk at every origin of that year. The data are not part of the project: without them it says
so and measures nothing. The baselines' numbers are those of the data's own README (RECORDED),
made on the same rows; for storms, whose README scores a longer span, a logistic regression on
the same rows is fitted here.
"""

import csv
import gzip
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

from models.covariates import Array
from models.panel.facts import Facts
from models.panel.landmarks import Landmarks, count_in, landmarks, last_known
from models.panel.learn import fit
from models.panel.lesson import Scaling
from models.panel.settings import QUICK, Settings, level_tags

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
ORIGIN = datetime(1950, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TASKS = {
    "large_strike_30d": "fmcs_strikes",
    "large_strike_90d": "fmcs_strikes",
    "m65_30d": "usgs_quakes",
    "new_outbreak_90d": "who_don",
    "hurricane_48h": "noaa_storms",
}
Scores = tuple[float, float, float]
RECORDED: dict[str, dict[str, Scores]] = {  # shared/data/README.md: Brier, log loss, AUC
    "large_strike_30d": {
        "unit rate": (0.02700, 0.1158, 0.792),
        "recency": (0.02695, 0.1181, 0.757),
        "history": (0.02644, 0.1121, 0.802),
        "logistic": (0.02641, 0.1114, 0.805),
    },
    "large_strike_90d": {
        "unit rate": (0.06738, 0.2408, 0.795),
        "recency": (0.06688, 0.2448, 0.753),
        "history": (0.06404, 0.2305, 0.800),
        "logistic": (0.06382, 0.2284, 0.805),
    },
    "m65_30d": {
        "unit rate": (0.02772, 0.1183, 0.785),
        "recency": (0.02800, 0.1219, 0.759),
        "history": (0.02770, 0.1181, 0.785),
        "logistic": (0.02763, 0.1172, 0.791),
    },
    "new_outbreak_90d": {
        "unit rate": (0.03876, 0.1649, 0.729),
        "recency": (0.03889, 0.1627, 0.682),
        "history": (0.03852, 0.1598, 0.720),
        "logistic": (0.03916, 0.1670, 0.681),
    },
}


@dataclass(frozen=True, slots=True)
class Task:
    """A forecasting task on its facts: `horizon` in days, origins by year."""

    name: str
    facts: Facts
    kind: str
    horizon: float
    first_year: int
    last_year: int
    last_origin: float
    every_day: float | None
    seen_only: bool

    def origins(self, year: int) -> Array:
        """The forecast origins of a year: the first of each month, or every few hours."""
        if self.every_day is None:
            found = np.array([days(datetime(year, m, 1, tzinfo=UTC)) for m in range(1, 13)])
        else:
            begin, end = (days(datetime(y, 1, 1, tzinfo=UTC)) for y in (year, year + 1))
            found = np.arange(begin, end, self.every_day)
        return found[found <= self.last_origin]

    def landmarks(self, year: int) -> Landmarks:
        """Every unit at risk at every origin of a year."""
        origins = self.origins(year)
        if self.facts.spans is not None:
            every = landmarks(self.facts.spans, float(origins[-1]), self.every_day or 1.0)
            kept = every.origin >= origins[0]
            return Landmarks(every.unit[kept], every.origin[kept])
        since = self.facts.first_seen() if self.seen_only else np.full(len(self.facts.units), -1.0)
        unit, place = np.nonzero(since[:, None] < origins)
        return Landmarks(unit, origins[place])


@dataclass(frozen=True, slots=True)
class Walk:
    """Forecasts and outcomes by row, in the order of years."""

    origin: Array
    p: Array
    happened: Array
    expected: Array
    counts: Array

    def scores(self, rows: Any = slice(None)) -> Scores:
        """Brier, log loss and AUC of some rows."""
        return score(self.p[rows], self.happened[rows])


def score(p: Array, happened: Array) -> Scores:
    """Brier, log loss and AUC."""
    p = np.clip(p, 1e-9, 1 - 1e-9)
    loss = -(happened * np.log(p) + (1 - happened) * np.log1p(-p)).mean()
    rank, yes = rankdata(p), happened.sum()
    auc = (rank[happened > 0].sum() - yes * (yes + 1) / 2) / (yes * (len(p) - yes))
    return float(((p - happened) ** 2).mean()), float(loss), float(auc)


def days(moment: datetime) -> float:
    """Days since ORIGIN."""
    return (moment - ORIGIN) / DAY


def read(folder: Path) -> Facts:
    """The facts in a folder of the data; storms are at risk from their first row to their last,
    or to their hurricane.
    """
    indicators = [
        (row["unit"], row["tag"], _day(row["observed_at"]),
         _day(row["published_at"] or row["observed_at"]), float(row["value"]))
        for row in _rows(folder / "indicators.csv.gz")
    ]  # fmt: skip
    events = [
        (row["unit"], row["kind"], _day(row["occurred_at"]), _day(row["occurred_at"]))
        for row in _rows(folder / "events.csv.gz")
    ]
    spans = _lives(indicators, events) if folder.name == "noaa_storms" else None
    return Facts.of(indicators, events, spans)


def task(name: str, data: Path = DATA) -> Task:
    """A task by its name."""
    folder = data / TASKS[name]
    text = json.loads((folder / "tasks.json").read_text())[name]
    horizon = text.get("horizon_days") or text["horizon_hours"] / 24
    return Task(
        name,
        read(folder),
        text["kind"],
        horizon,
        int(text["score_start"][:4]),
        int(text["score_end"][:4]),
        # the last origin whose whole window lies in the data
        min(_day(text["score_end"]) + 0.99, _day(text["data_end"]) + 1 - horizon),
        0.25 if text["freq"] == "6h" else None,
        text["units"] == "seen",
    )


def walk(of: Task, settings: Settings = QUICK, years: int | None = None) -> Walk:
    """Refit yearly, forecast the year; of the first `years` only, or all."""
    parts = []
    for year in range(of.first_year, of.last_year + 1)[:years]:
        learnt = fit(
            of.facts, of.kind, days(datetime(year, 1, 1, tzinfo=UTC)), of.horizon, settings
        )
        marks = of.landmarks(year)
        found = learnt.at(of.facts, marks)
        counts = count_in(of.facts.events_of(of.kind), marks, 0.0, of.horizon)
        parts.append((marks.origin, found.p, (counts > 0).astype(float), found.expected, counts))
    return Walk(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def logistic(of: Task) -> Scores:
    """A ridge logistic on levels, their 12-hour changes, age and season, on the same rows."""
    p, happened = [], []
    for year in range(of.first_year, of.last_year + 1):
        begins = days(datetime(year, 1, 1, tzinfo=UTC))
        assert of.facts.spans is not None
        past = landmarks(of.facts.spans, begins - of.horizon, of.every_day or 1.0)
        now = of.landmarks(year)
        old, new = _level_columns(of, past), _level_columns(of, now)
        scaling = Scaling.of(old)
        varies = scaling.sd > 0
        old, new = (scaling.only(varies).apply(x[:, varies]) for x in (old, new))
        p.append(_ridge(old, _happened(of, past), new))
        happened.append(_happened(of, now))
    return score(np.concatenate(p), np.concatenate(happened))


def _level_columns(of: Task, marks: Landmarks) -> Array:
    rows, columns = of.facts.indicators, []
    for tag in level_tags(rows, of.facts.tags):
        its = rows.where(rows.name == of.facts.tags.index(tag))
        value = last_known(its, marks, 0.0)[0]
        columns += [value, value - last_known(its, marks, 0.5)[0]]
    turn = 2 * np.pi * marks.origin / 365.25
    age = marks.origin - of.facts.first_seen()[marks.unit]
    return np.column_stack([*columns, age, np.sin(turn), np.cos(turn)])


def _happened(of: Task, marks: Landmarks) -> Array:
    counts = count_in(of.facts.events_of(of.kind), marks, 0.0, of.horizon)
    return (counts > 0).astype(float)


def _ridge(x: Array, y: Array, asked: Array) -> Array:
    x, asked = (np.column_stack([np.ones(len(part)), part]) for part in (x, asked))

    def loss(beta: Array) -> tuple[float, Array]:
        eta = x @ beta
        shrunk = np.r_[0.0, beta[1:]]
        value = np.logaddexp(0, eta).sum() - y @ eta + 0.5 * shrunk @ shrunk
        return value, x.T @ (expit(eta) - y) + shrunk

    return np.asarray(expit(asked @ minimize(loss, np.zeros(x.shape[1]), jac=True).x))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def _day(text: str) -> float:
    return days(datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=UTC))


def _lives(
    indicators: list[tuple[str, str, float, float, float]],
    events: list[tuple[str, str, float, float]],
) -> list[tuple[str, float, float]]:
    seen: dict[str, list[float]] = {}
    for unit, _, day, _, _ in indicators:
        seen.setdefault(unit, []).append(day)
    grown = {unit: day for unit, kind, day, _ in reversed(events) if kind == "hurricane"}
    return [(u, min(d), min(max(d), grown.get(u, np.inf))) for u, d in seen.items()]


def lines(name: str) -> Iterator[str]:
    """The table of one task."""
    of = task(name)
    began = time.perf_counter()
    walked = walk(of)
    took = time.perf_counter() - began
    late = walked.origin >= np.median(np.unique(walked.origin))
    yield f"{name}: {len(walked.p):,} forecasts, {walked.happened.sum():.0f} events, {took:.0f} s"
    rows = {"panel": walked.scores(), "  its early half": walked.scores(~late)}
    rows["  its late half"] = walked.scores(late)
    rows |= RECORDED.get(name) or {"logistic on levels": logistic(of)}
    for what, (brier, loss, auc) in rows.items():
        yield f"  {what:20} Brier {brier:.5f}  log loss {loss:.4f}  AUC {auc:.3f}"
    yield (
        f"  forecast {walked.p.sum():.0f} windows with an event, {walked.happened.sum():.0f} came;"
        f" expected {walked.expected.sum():.0f} events, {walked.counts.sum():.0f} came"
    )


def main(names: list[str]) -> None:
    """Print the tables of the named tasks, or all."""
    if not DATA.is_dir():
        print("skipped: the data sets are not there (shared/data beside the project)")
        return
    for name in names or list(TASKS):
        for line in lines(name):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
