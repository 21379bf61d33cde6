"""A small made-up panel: a folder as `tocsin backtest` takes it, the same for the same seed."""

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

START = datetime(2001, 1, 1, tzinfo=UTC)
YEARS, UNITS = 7, 8
TASK: dict[str, Any] = {
    "kind": "hit",
    "horizon_days": 30,
    "quiet_days": 0,
    "freq": "MS",
    "train_start": "2001-06-01",
    "score_start": "2004-01-01",
    "score_end": "2007-11-01",
    "data_end": "2007-12-31",
    "units": "seen",
    "refit": "yearly, on earlier years",
}

type Cells = Sequence[str | float]


def panel(folder: Path, tasks: dict[str, dict[str, Any]] | None = None, seed: int = 1) -> Path:
    """A folder with tasks.json and the facts of `UNITS` units over `YEARS` years.

    A unit's rate is its own and triples for a month after a sign; a row of noise a month.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    signs, events = [], []
    for unit in range(UNITS):
        rate = 1 / 120 * rng.gamma(2.0, 0.5)
        felt = -1
        for day in range(YEARS * 365):
            name = f"u{unit}"
            if rng.random() < 1 / 60:
                felt = day + 30
                signs.append((date(day), name, "sign", 1.0))
            if rng.random() < 1 / 30:
                signs.append((date(day), name, "noise", 1.0))
            if rng.random() < rate * (3.0 if felt >= day else 0.7):
                events.append((name, date(day), "hit"))
    write(folder / "indicators.csv.gz", ("observed_at", "unit", "tag", "value"), signs)
    write(folder / "events.csv.gz", ("unit", "occurred_at", "kind"), events)
    (folder / "tasks.json").write_text(json.dumps(tasks or {"hits": TASK}))
    return folder


def date(day: int) -> str:
    """A day of the panel as a date."""
    return (START + timedelta(days=day)).date().isoformat()


def write(path: Path, header: Sequence[str], rows: Iterable[Cells]) -> None:
    """A CSV file, gzipped where its name says so."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
