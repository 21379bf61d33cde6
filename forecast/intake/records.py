"""From bytes to records: gzip or not, UTF-8 lines, CSV or JSON lines.

Nothing here trusts a file: lines have a longest length, so that a gzip bomb stays small; a
quotation mark that is never closed costs its own row only; text that no database could hold
makes its row a bad one.
"""

import codecs
import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, BinaryIO, cast

from forecast.intake.cells import Cells
from forecast.intake.rows import Fact, RowKind

MOST_LINE_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"


class DamageError(Exception):
    """The file cannot be read any further; says where and why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the line on which it starts, its cells, its text, or what is wrong with it.

    What comes in no file has no line (0), and a `place` instead: the name of the item.
    """

    line: int
    cells: Cells
    text: str
    wrong: str = ""
    place: str = ""

    def facts(self, kind: RowKind, file: str) -> list[Fact]:
        """What it says; ValueError if that cannot be read."""
        if self.wrong:
            raise ValueError(self.wrong)
        return kind.facts(self.cells, file)


class Lines:
    """The lines of a stream, which can be put back: csv reads too far where a quote is open."""

    def __init__(self, stream: BufferedReader) -> None:
        is_gzip = stream.peek(2)[:2] == _GZIP_MAGIC
        self._stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream) if is_gzip else stream)
        self._put_back: list[str] = []
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._put_back.pop() if self._put_back else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        return line

    def put_back(self, count: int) -> None:
        """Give the last `count` lines again."""
        back = self.taken[len(self.taken) - count :]
        self._put_back += reversed(back)
        self.number -= len(back)

    def first(self) -> str:
        """The first line that is not blank, left to be read; "" if there is none."""
        for line in self:
            if line.strip():
                self.put_back(1)
                self.taken.clear()
                return line.lstrip()
        return ""

    def _read(self) -> str:
        place = f"line {self.number + 1}"
        try:
            line = self._stream.readline(MOST_LINE_BYTES + 1)
        except EOFError:
            raise DamageError(f"{place}: the gzip data ends too early") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DamageError(f"{place}: the gzip data is damaged: {error}") from None
        except OSError as error:
            raise DamageError(f"{place}: cannot be read: {error.strerror}") from None
        if len(line) > MOST_LINE_BYTES:
            raise DamageError(f"{place} is longer than {MOST_LINE_BYTES} bytes")
        if self.number == 0:
            line = line.removeprefix(codecs.BOM_UTF8)
        return line.decode("utf-8", "surrogateescape")


class CsvRecords:
    """The rows of a CSV file under its header (RFC 4180, commas)."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._reader = csv.reader(lines, strict=True)
        try:
            header = next(self._reader, [])
        except csv.Error as error:
            raise DamageError(f"line {lines.number}: the header is not CSV: {error}") from None
        if wrong := _unreadable("".join(lines.taken)):
            raise DamageError(f"line {lines.number}: the header {wrong}")
        self.columns = [name.strip().lower() for name in header]

    def read(self, kind: RowKind) -> Iterator[Record]:
        """The rows, their cells under the kind's names of columns."""
        names = kind.canonical(self.columns)
        empty = dict.fromkeys(kind.known(), "")
        while True:
            self._lines.taken.clear()
            start = self._lines.number + 1
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._not_csv(start, error)
                continue
            if row:
                yield self._record(start, row, names, empty)

    def _record(self, start: int, row: list[str], names: list[str], empty: Cells) -> Record:
        text = "".join(self._lines.taken)
        if len(row) != len(names):
            return Record(start, {}, text, f"has {len(row)} cells, the header has {len(names)}")
        cells = {**empty, **dict(zip(names, map(str.strip, row), strict=True))}
        return Record(start, cells, text, _unreadable(text))

    def _not_csv(self, start: int, error: csv.Error) -> Record:
        """Only the line on which the row starts is bad: what came after it is read again."""
        first, *rest = self._lines.taken
        self._lines.put_back(len(rest))
        hint = " (is a quotation mark left open?)" if rest else ""
        return Record(start, {}, first, f"is not CSV: {error}{hint}")


class JsonRecords:
    """The objects of a file of JSON lines; `columns` grows with the keys that are met."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        first = _cells_of(lines.first())[0]
        self.columns = list(first)

    def read(self, kind: RowKind) -> Iterator[Record]:
        """The objects, their values as text under the kind's names of columns."""
        empty = dict.fromkeys(kind.known(), "")
        met = dict.fromkeys(self.columns)
        for line in self._lines:
            self._lines.taken.clear()
            if not line.strip():
                continue
            cells, wrong = _cells_of(line)
            met.update(dict.fromkeys(cells))
            self.columns = list(met)
            named = {kind.aliases.get(name, name): text for name, text in cells.items()}
            yield Record(self._lines.number, {**empty, **named}, line, wrong)


type Records = CsvRecords | JsonRecords


def plain_text(text: str) -> str:
    """Text that any database holds: what is not UTF-8, and NUL, as a question mark."""
    return text.rstrip("\r\n").encode("utf-8", "replace").decode().replace("\0", "?")


def _unreadable(text: str) -> str:
    if "\0" in text:
        return "holds a NUL byte"
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return "is not UTF-8"
    return ""


def _cells_of(line: str) -> tuple[dict[str, str], str]:
    """The values of a JSON object as text, and what is wrong with the line."""
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {}, f"is not JSON: {error}"
    if not isinstance(found, dict):
        return {}, "is not a JSON object"
    cells = {}
    for name, value in found.items():
        if isinstance(value, list | dict):
            return {}, f"{name} is neither text nor a number"
        words = str(value).lower() if isinstance(value, bool) else str(value).strip()
        cells[name.strip().lower()] = "" if value is None else words
    if wrong := _unreadable("".join(cells)):  # such names must not get among the columns
        return {}, wrong
    return cells, _unreadable(line) or _unreadable("".join(cells.values()))
