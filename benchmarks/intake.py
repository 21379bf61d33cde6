"""Taking in a file of made-up reports, from bytes to rows in SQLite."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.rows import Row
from benchmarks.timing import median_seconds, say
from forecast.clock import format_instant, parse_instant
from forecast.intake.ingest import ingest_file
from forecast.store import open_store

REPORTS = 60_000
RUNS = 3
START = parse_instant("2020-01-01")
COLUMNS = "report_id unit tag occurred_at known_at value source reliability credibility summary"


def measure(cache: Path, full: bool, reports: int = REPORTS) -> Iterator[Row]:
    """Reports a second, each run into an empty store."""
    say(f"ingest of {reports:,} reports, {RUNS} times")
    with TemporaryDirectory() as name:
        folder = Path(name)
        file = write_reports(folder / "reports.csv", reports)
        stores = iter(range(RUNS))
        took = median_seconds(lambda: take_in(file, folder / f"{next(stores)}.db", reports), RUNS)
    yield Row(f"ingest of {reports:,} reports", reports / took, "/s", at_least=20_000)


def write_reports(path: Path, count: int) -> Path:
    """A CSV of `count` different reports on 100 units and 12 tags, a minute apart."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS.split())
        for n in range(count):
            at = format_instant(START + timedelta(minutes=n))
            who, what = f"unit-{n % 100}", f"tag.{n % 12}"
            words = f"Statement {n} of {what} at {who}, as a newsroom would put it."
            writer.writerow([f"r{n}", who, what, at, at, 0.5, f"paper {n % 40}", "B", 2, words])
    return path


def take_in(file: Path, database: Path, reports: int) -> None:
    with open_store(f"sqlite:///{database}") as store:
        added = ingest_file(store, file, "reports", START + timedelta(days=365)).added.new
    assert added == reports, f"{added} of {reports} reports were taken in"
