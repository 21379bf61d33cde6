"""Makes this folder's data from the table `storms` of the R package dplyr, given as CSV:

    apt-get install r-cran-dplyr
    Rscript -e 'write.csv(as.data.frame(dplyr::storms), row.names = FALSE)' | python make.py

Newer versions of the table correct some old rows; these files are of version 1.0.10 (Debian 12).
"""

import csv
import gzip
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
LAST_YEAR = 2007
SOURCE = "NOAA HURDAT2 via dplyr::storms"
LEVELS = {
    "lat": "lat",
    "lon": "long",
    "wind_kt": "wind",
    "pressure_mb": "pressure",
    "ts_diameter_nm": "tropicalstorm_force_diameter",
    "hu_diameter_nm": "hurricane_force_diameter",
}
FIRST_REACHED = {"tropical_storm": 34, "hurricane": 64, "major_hurricane": 96}  # knots
ANOTHER_STORM = timedelta(days=30)  # of silence, after which a name is used anew

type Row = tuple[datetime, str, dict[str, str]]


def storms(table: Iterator[dict[str, str]]) -> list[Row]:
    """(moment, unit, cells) in order, each once; a unit is a storm's name and first month."""
    timed = {(row["name"], _moment(row)): row for row in table if int(row["year"]) <= LAST_YEAR}
    found: list[Row] = []
    unit, last = "", ("", datetime.min.replace(tzinfo=UTC))
    for (name, moment), row in sorted(timed.items()):
        if name != last[0] or moment - last[1] > ANOTHER_STORM:
            unit = f"{name.lower().replace(' ', '-')}-{moment:%Y%m}"
        last = (name, moment)
        found.append((moment, unit, row))
    return sorted(found, key=lambda row: row[:2])


def _moment(row: dict[str, str]) -> datetime:
    parts = (int(float(row[key])) for key in ("year", "month", "day", "hour"))
    return datetime(*parts, tzinfo=UTC)


def indicators(rows: list[Row]) -> Iterator[tuple[str, ...]]:
    """A level a line; what was not measured is not there."""
    for moment, unit, row in rows:
        for tag, column in sorted(LEVELS.items()):
            if row[column] != "NA":
                yield (f"{moment:%Y-%m-%dT%H:%M:%SZ}", unit, tag, row[column], SOURCE)


def events(rows: list[Row]) -> Iterator[tuple[str, ...]]:
    """When each storm first blew so hard."""
    seen = set()
    for moment, unit, row in rows:
        for kind, knots in FIRST_REACHED.items():
            if int(row["wind"]) >= knots and (unit, kind) not in seen:
                seen.add((unit, kind))
                yield (unit, f"{moment:%Y-%m-%dT%H:%M:%SZ}", kind)


def write(name: str, header: tuple[str, ...], lines: Iterator[tuple[str, ...]]) -> None:
    """One gzipped CSV, the same bytes every time."""
    with (
        (HERE / name).open("wb") as raw,
        gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed,
    ):
        for line in [header, *lines]:
            packed.write((",".join(line) + "\n").encode())


def main() -> None:
    """From standard input to the two files."""
    rows = storms(csv.DictReader(sys.stdin))
    write("indicators.csv.gz", ("observed_at", "unit", "tag", "value", "source"), indicators(rows))
    write("events.csv.gz", ("unit", "occurred_at", "kind"), events(rows))


if __name__ == "__main__":
    main()
