"""Taking in files of reports, events, questions, outcomes, forecasts of others and exposure.

    bytes (a file or stdin, gzip or not) -> lines -> records -> facts -> store

CSV or JSON lines, known by their content and never by their name. The file streams through in
chunks, so its size does not matter. A bad row is kept in quarantine with its reason and the
rest goes on; where the file itself is damaged, what came before is kept.
"""

import io
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any, BinaryIO

from forecast.errors import InputError
from forecast.evidence import Event, Resolution
from forecast.intake.cells import check_names
from forecast.intake.coherence import SAID, judged
from forecast.intake.criteria import unclear_in
from forecast.intake.records import (
    CsvRecords,
    DamageError,
    JsonRecords,
    Lines,
    Record,
    Records,
    plain_text,
)
from forecast.intake.rows import Fact, RowKind, check_columns, check_delimiter, find_kind
from forecast.intake.vocabulary import Vocabulary
from forecast.question import Question
from forecast.store import Added, BadRow, Store

STDIN = "-"
ANY_NAMES = Vocabulary()
CHUNK_ROWS = 5_000  # rows in one transaction
MOST_BAD_ROWS = 1_000  # bad rows held in the result; all of them are in quarantine
_MOST_BAD_TEXT = 1_000  # characters of a bad row that are kept

type Progress = Callable[[int, int | None], None]

_ADD: dict[str, Callable[[Store, Iterable[Any], datetime], Added]] = {
    "reports": Store.add_reports,
    "events": Store.add_events,
    "questions": Store.add_questions,
    "crowd": Store.add_crowd,
    "exposure": Store.add_coverage,
}


@dataclass(slots=True)
class IngestResult:
    """What became of a file.

    `bad` holds the first bad rows, `bad_count` counts all; `broken` says where the file was
    damaged, what came before having been kept; `resolutions` counts the outcomes that a file
    of questions stated; `strange` counts the good rows whose unit, tag or definition the watch
    does not know, by (what it is, name). `unclear` are the first open questions whose criteria
    cannot be checked, with what they lack.
    """

    kind: str
    added: Added = field(default_factory=Added)
    bad: list[BadRow] = field(default_factory=list)
    bad_count: int = 0
    ignored_columns: tuple[str, ...] = ()
    broken: str | None = None
    resolutions: Added = field(default_factory=Added)
    strange: Counter[tuple[str, str]] = field(default_factory=Counter)
    unclear: list[tuple[str, str]] = field(default_factory=list)


def ingest_file(
    store: Store,
    path: str | Path,
    kind: str | None,
    recorded_at: datetime,
    *,
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
    vocabulary: Vocabulary = ANY_NAMES,
) -> IngestResult:
    """Put the rows of a file into the store; "-" reads `stdin` (the process's by default).

    `kind` is reports, events, questions, crowd, resolutions or exposure; None knows it by the
    columns. `vocabulary` is what the watch knows: values are checked by the kind of their tag.
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
        if isinstance(records, CsvRecords):
            check_delimiter(records.columns, file)
        row_kind = find_kind(kind, records.columns, file)
        if isinstance(records, CsvRecords):
            check_columns(row_kind, records.columns, file)
        result = IngestResult(row_kind.name)
        intake = _Intake(store, row_kind, file, recorded_at, vocabulary, result)
        for chunk in batched(_until_damage(records.read(row_kind), result), CHUNK_ROWS):
            intake.take_in(chunk)
            if progress is not None:
                progress(source.done, total)
    result.ignored_columns = tuple(row_kind.ignored(records.columns))
    return result


def ingest_records(
    store: Store,
    records: Iterable[Record],
    kind: RowKind,
    file: str,
    recorded_at: datetime,
    vocabulary: Vocabulary = ANY_NAMES,
) -> IngestResult:
    """Put rows that came in no file into the store, as `ingest_file` does; `file` names whence."""
    result = IngestResult(kind.name)
    intake = _Intake(store, kind, file, recorded_at, vocabulary, result)
    for chunk in batched(records, CHUNK_ROWS):
        intake.take_in(chunk)
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


@dataclass(slots=True)
class _Intake:
    """One file on its way into the store; `seen` counts events that came without an id."""

    store: Store
    kind: RowKind
    file: str
    recorded_at: datetime
    vocabulary: Vocabulary
    result: IngestResult
    seen: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def take_in(self, chunk: tuple[Record, ...]) -> None:
        """Store one chunk of records and count it."""
        result, recorded_at = self.result, self.recorded_at
        facts: list[Fact] = []
        outcomes: list[tuple[Record, Resolution]] = []
        bad: list[BadRow] = []
        for record in chunk:
            try:
                found = self._facts(record)
            except ValueError as error:
                bad.append(self._bad(record, str(error)))
            else:
                outcomes += [(record, f) for f in found if isinstance(f, Resolution)]
                facts += [f for f in found if not isinstance(f, Resolution)]
        result.strange += self.vocabulary.strange(self.kind.name, facts)
        ended = {row.question_id for _, row in outcomes}
        asked = [q for q in facts if isinstance(q, Question) and q.question_id not in ended]
        result.unclear += unclear_in(asked)[: MOST_BAD_ROWS - len(result.unclear)]
        if facts:
            result.added += _ADD[self.kind.name](self.store, facts, recorded_at)
        if outcomes:
            self._take_outcomes(outcomes, bad)
        if bad:
            bad.sort(key=lambda row: row.line)
            self.store.quarantine(bad, recorded_at)
        result.bad_count += len(bad)
        result.bad += bad[: MOST_BAD_ROWS - len(result.bad)]

    def _take_outcomes(self, outcomes: list[tuple[Record, Resolution]], bad: list[BadRow]) -> None:
        """Store those outcomes that can stand beside the others; the rest joins the bad rows."""
        rows, config = [row for _, row in outcomes], self.vocabulary.config
        words = [""] * len(rows)
        if config is not None:
            words = judged(self.store, config, rows, self.recorded_at)
        bad += [
            self._bad(r, w)
            for (r, _), w in zip(outcomes, words, strict=True)
            if w not in ("", SAID)
        ]
        new = [row for row, word in zip(rows, words, strict=True) if not word]
        added = self.store.add_resolutions(new, self.recorded_at) + Added(same=words.count(SAID))
        if self.kind.name == "resolutions":
            self.result.added += added
        else:
            self.result.resolutions += added

    def _bad(self, record: Record, reason: str) -> BadRow:
        text = plain_text(record.text)[:_MOST_BAD_TEXT]
        file = plain_text(f"{self.file}:{record.place}" if record.place else self.file)
        return BadRow(file, record.line, plain_text(reason), text)

    def _facts(self, record: Record) -> list[Fact]:
        """What a record says, its own kind first; ValueError where it cannot be."""
        check_names(record.cells)
        facts = record.facts(self.kind, self.file)
        fact = facts[0]
        self.vocabulary.check(fact)
        if isinstance(fact, Event) and not record.cells["event_id"]:
            facts[0] = self._numbered(fact)
        return facts

    def _numbered(self, event: Event) -> Event:
        """Two events alike in one file are two: the second has an id of its own, and so on."""
        self.seen[event.event_id, event.retracted] += 1
        number = self.seen[event.event_id, event.retracted]
        return event if number == 1 else replace(event, event_id=f"{event.event_id}-{number}")
