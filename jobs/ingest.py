"""Taking in files of reports, events, questions, outcomes and crowd forecasts.

    bytes (a file or stdin, gzip or not) -> lines -> records -> facts -> store

CSV or JSON lines, known by their content and never by their name. The file streams through in
chunks, so its size does not matter. A bad row is kept in quarantine with its reason and the
rest goes on; where the file itself is damaged, what came before is kept.
"""

import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any, BinaryIO

from forecast.errors import InputError
from forecast.store import Added, BadRow, Store
from jobs.records import CsvRecords, DamageError, JsonRecords, Lines, Record, Records, plain_text
from jobs.rows import Fact, RowKind, check_columns, find_kind

STDIN = "-"
CHUNK_ROWS = 5_000  # rows in one transaction
MOST_BAD_ROWS = 1_000  # bad rows held in the result; all of them are in quarantine
_MOST_BAD_TEXT = 1_000  # characters of a bad row that are kept

type Progress = Callable[[int, int | None], None]

_ADD: dict[str, Callable[[Store, Iterable[Any], datetime], Added]] = {
    "reports": Store.add_reports,
    "events": Store.add_events,
    "questions": Store.add_questions,
    "crowd": Store.add_crowd,
    "resolutions": Store.add_resolutions,
}


@dataclass(slots=True)
class IngestResult:
    """What became of a file.

    `bad` holds the first bad rows, `bad_count` counts all; `broken` says where the file was
    damaged, what came before having been kept; `resolutions` counts the outcomes that a file
    of questions stated.
    """

    kind: str
    added: Added = field(default_factory=Added)
    bad: list[BadRow] = field(default_factory=list)
    bad_count: int = 0
    ignored_columns: tuple[str, ...] = ()
    broken: str | None = None
    resolutions: Added = field(default_factory=Added)


def ingest_file(
    store: Store,
    path: str | Path,
    kind: str | None,
    recorded_at: datetime,
    *,
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Put the rows of a file into the store; "-" reads `stdin` (the process's by default).

    `kind` is reports, events, questions, crowd or resolutions; None knows it by the columns.
    `progress(bytes_done, bytes_total)` is called after each chunk, the total None for stdin.
    InputError where nothing can be read at all, UsageError where the kind is unclear.
    """
    file = "stdin" if str(path) == STDIN else Path(path).name
    with ExitStack() as stack:
        source, total = _open(path, stdin, stack)
        try:
            records = _records(Lines(io.BufferedReader(source)), file)
        except DamageError as damage:
            raise InputError(str(damage), at=file) from None
        row_kind = find_kind(kind, records.columns, file)
        if isinstance(records, CsvRecords):
            check_columns(row_kind, records.columns, file)
        result = IngestResult(row_kind.name)
        for chunk in batched(_until_damage(records.read(row_kind), result), CHUNK_ROWS):
            _take_in(store, row_kind, file, chunk, recorded_at, result)
            if progress is not None:
                progress(source.done, total)
    result.ignored_columns = tuple(row_kind.ignored(records.columns))
    return result


class _Counted(io.RawIOBase):
    """A stream that counts what is read from it, and leaves it open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.done += len(data)
        return len(data)


def _open(
    path: str | Path, stdin: BinaryIO | None, stack: ExitStack
) -> tuple[_Counted, int | None]:
    """The bytes of the file or of stdin, and how many there are if that is known."""
    if str(path) == STDIN:
        return _Counted(stdin if stdin is not None else sys.stdin.buffer), None
    try:
        stream = stack.enter_context(Path(path).open("rb"))  # noqa: SIM115 - the stack closes it
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", at=str(path)) from None
    status = os.fstat(stream.fileno())
    return _Counted(stream), status.st_size if stat.S_ISREG(status.st_mode) else None


def _records(lines: Lines, file: str) -> Records:
    """The records under the first line that is not blank; it shows which format this is."""
    first = lines.first()
    if not first:
        raise InputError("is empty", at=file)
    if first.startswith("["):
        raise InputError("is one JSON array; write one object on each line", at=file)
    return JsonRecords(lines) if first.startswith("{") else CsvRecords(lines)


def _until_damage(records: Iterator[Record], result: IngestResult) -> Iterator[Record]:
    try:
        yield from records
    except DamageError as damage:
        result.broken = str(damage)


def _take_in(
    store: Store,
    kind: RowKind,
    file: str,
    chunk: tuple[Record, ...],
    recorded_at: datetime,
    result: IngestResult,
) -> None:
    """Store one chunk of records and count it."""
    facts: list[Fact] = []
    outcomes: list[Fact] = []
    bad: list[BadRow] = []
    for record in chunk:
        try:
            fact, *outcome = record.facts(kind, file)
        except ValueError as error:
            text = plain_text(record.text)[:_MOST_BAD_TEXT]
            bad.append(BadRow(file, record.line, plain_text(str(error)), text))
        else:
            facts.append(fact)
            outcomes += outcome
    result.added += _ADD[kind.name](store, facts, recorded_at)
    if outcomes:
        result.resolutions += _ADD["resolutions"](store, outcomes, recorded_at)
    if bad:
        store.quarantine(bad, recorded_at)
    result.bad_count += len(bad)
    result.bad += bad[: MOST_BAD_ROWS - len(result.bad)]
