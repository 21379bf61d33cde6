"""The flagship watch as the benchmarks find it: all its facts, and a day in the thick of it."""

from pathlib import Path

from forecast.clock import parse_instant
from jobs.demo import fresh_folder, ingest
from jobs.examples import example_folder

AS_OF = parse_instant("2025-11-15")
UNIT = "usa-ven"
QUESTION = "uv-any-strike-1225"


def copy_flagship(folder: Path) -> Path:
    """A copy of the watch with its facts in the store, and no estimate yet."""
    fresh_folder(example_folder("venezuela-2025"), folder)
    ingest(folder)
    return folder
