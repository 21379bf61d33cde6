"""`make bench`: measure the budgets, print them as a table, and as one JSON line at the end."""

import json
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.rows import HEAD, Row, align
from forecast.processors import usable_processors

# Imported when their turn comes: what a part measures should not be warm from another.
PARTS = {
    "starts": "benchmarks.starts:measure",
    "ingest": "benchmarks.intake:measure",
    "refit": "benchmarks.refit:measure",
    "report-in": "benchmarks.news:measure",
    "refresh": "benchmarks.refresh:measure",
    "memory": "benchmarks.memory:measure",
    "flapping": "benchmarks.flapping:measure",
    "rules": "benchmarks.rules:measure",
    "ringing": "benchmarks.ringing:measure",
    "priors": "benchmarks.priors:measure",
    "delivery": "benchmarks.delivery:measure",
    "backtest": "benchmarks.backtest:measure",
    "tagging": "benchmarks.tagging:measure",
    "dashboard": "benchmarks.dashboard:measure",
    "scaling": "benchmarks.scaling:measure",
    "demo": "benchmarks.starts:measure_demo",
}
USUAL = (
    "starts",
    "ingest",
    "refit",
    "report-in",
    "refresh",
    "memory",
    "flapping",
    "rules",
    "ringing",
    "priors",
    "delivery",
    "backtest",
    "tagging",
    "dashboard",
)


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--full", is_flag=True, help="The samplers on 52,000 rows too: some minutes more.")
def main(parts: tuple[str, ...], full: bool) -> None:
    """Measure the parts that are named, or all but scaling and the demo."""
    print(f"{usable_processors()} cores, load average {_load()} at the start\n", flush=True)
    with TemporaryDirectory() as cache:
        rows = show(row for part in parts or USUAL for row in _measure(part, Path(cache), full))
    print(f"\nload average {_load()} at the end")
    print(json.dumps({"rows": [row.as_json() for row in rows]}))


def show(rows: Iterable[Row]) -> list[Row]:
    """Print the table as its rows come, and keep them."""
    print(align(*HEAD), flush=True)
    shown = []
    for row in rows:
        print(row.as_line(), flush=True)
        shown.append(row)
    return shown


def _measure(part: str, cache: Path, full: bool) -> Iterator[Row]:
    module, function = PARTS[part].split(":")
    rows: Iterator[Row] = getattr(import_module(module), function)(cache, full)
    return rows


def _load() -> str:
    """Over the last one, five and fifteen minutes."""
    return " ".join(f"{load:.2f}" for load in os.getloadavg())


if __name__ == "__main__":
    main()
