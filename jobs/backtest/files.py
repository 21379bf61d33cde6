"""The facts of a panel from files: events, dated indicators, and spans at risk.

CSV or JSON lines, gzipped or not, under the names of columns that `tocsin ingest` takes; without
a `known_at` (or `published_at`) a row was known when it happened. Values may be any number.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from forecast.errors import InputError
from forecast.intake import cells as read
from forecast.intake.cells import Cells
from forecast.intake.records import CsvRecords, DamageError, JsonRecords, Lines
from forecast.intake.rows import KINDS, RowKind, check_columns, check_delimiter
from jobs.backtest.origins import to_days
from models.panel.facts import Facts

MOST_BAD = 3  # bad rows that a finding names

FIRST_YEAR = 1000  # what is dated earlier was typed wrong

type Row = tuple[str, str, float, float, float]


@dataclass(slots=True)
class Read:
    """The facts, and in plain words what could not be read."""

    facts: Facts
    findings: list[str] = field(default_factory=list)


def read_panel(events: Path, indicators: Path | None, exposure: Path | None) -> Read:
    """The facts of a panel; InputError where a file cannot be read at all."""
    findings: list[str] = []
    happened = list(_rows(events, KINDS["events"], _event, findings))
    rows = list(_rows(indicators, KINDS["reports"], _indicator, findings)) if indicators else []
    spans = list(_rows(exposure, KINDS["exposure"], _span, findings)) if exposure else None
    return Read(Facts.of(rows, happened, spans), findings)


def _indicator(cells: Cells) -> Row:
    value = read.number(cells["value"], "value") if cells["value"] else 1.0
    if not math.isfinite(value):
        raise ValueError(f"value {value} is not a finite number")
    return (_named(cells, "unit"), _named(cells, "tag"), *_times(cells), value)


def _event(cells: Cells) -> tuple[str, str, float, float]:
    return (_named(cells, "unit"), _named(cells, "definition"), *_times(cells))


def _span(cells: Cells) -> tuple[str, float, float]:
    start = to_days(read.start(cells["from"], "from"))
    end = to_days(read.after(cells["to"], "to")) if cells["to"] else math.inf
    if end <= start:
        raise ValueError("the span ends before it starts")
    return _named(cells, "unit"), start, end


def _named(cells: Cells, name: str) -> str:
    if not cells[name]:
        raise ValueError(f"{name} is empty")
    return cells[name]


def _times(cells: Cells) -> tuple[float, float]:
    occurred_at, known_at = read.both_times(cells)
    if occurred_at.year < FIRST_YEAR:
        raise ValueError(f"{occurred_at.date()} is before the year {FIRST_YEAR}")
    return to_days(occurred_at), to_days(known_at)


def _rows[Fact](
    path: Path, kind: RowKind, made: Callable[[Cells], Fact], findings: list[str]
) -> Iterator[Fact]:
    """The rows of a file; those that cannot be read are a finding."""
    bad: list[str] = []
    count = 0
    try:
        with path.open("rb") as stream:
            records = _records(Lines(stream), kind, path.name)
            for record in records.read(kind):
                try:
                    if record.wrong:
                        raise ValueError(record.wrong)
                    fact = made(record.cells)
                except ValueError as error:
                    count += 1
                    bad += [f"line {record.line}: {error}"] if len(bad) < MOST_BAD else []
                    continue
                yield fact
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", at=str(path)) from None
    except DamageError as damage:
        raise InputError(str(damage), at=path.name) from None
    if bad:
        findings.append(f"{path.name}: {count} rows were left out; {'; '.join(bad)}")


def _records(lines: Lines, kind: RowKind, file: str) -> CsvRecords | JsonRecords:
    first = lines.first()
    if not first:
        raise InputError("is empty", at=file)
    if first.startswith("{"):
        return JsonRecords(lines)
    records = CsvRecords(lines)
    check_delimiter(records.columns, file)
    check_columns(kind, records.columns, file)
    return records
