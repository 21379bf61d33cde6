"""CSV over HTTP, gzip or not: its columns mapped to ours."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.api import Reply
from forecast.errors import InputError
from forecast.intake.records import CsvRecords, DamageError, Lines, Record
from forecast.intake.rows import RowKind, check_delimiter
from forecast.source_table import ARTICLES
from jobs.sources.api import Batch, Cursor, Item, Request, Setup, Traits
from jobs.sources.articles import articles_of
from jobs.sources.documents import looks_like_page
from jobs.sources.mapping import ARTICLE_COLUMNS, item_of, row_kind


@dataclass(frozen=True, slots=True)
class CsvRows:
    """A table of rows under a header. Names of columns are read in lower case."""

    setup: Setup
    traits = Traits()

    def request(self, cursor: Cursor, now: datetime) -> Request:
        """The table."""
        return Request(self.setup.url, {"accept": "text/csv, */*;q=0.5"})

    def read(self, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
        """Its rows; where it is damaged, those before that."""
        table, items, skipped, remark = self.setup.table, list[Item](), 0, ""
        ours = self._columns()
        records = _records(reply.body)
        try:
            for record in records:
                item = self._item(record, ours)
                skipped += item is None
                items += [item] if item else []
        except DamageError as damage:
            remark = f"the table is damaged: {damage}"
        if table.brings == ARTICLES:
            articles, bad = articles_of(table, items, now)
            return Batch({}, items=bad, articles=articles, skipped=skipped, remark=remark)
        return Batch({}, items=items, skipped=skipped, remark=remark)

    def _columns(self) -> list[str]:
        if self.setup.table.brings == ARTICLES:
            return sorted(ARTICLE_COLUMNS)
        kind = row_kind(self.setup.table, self.traits.brings)
        return [*kind.known(), *kind.aliases]

    def _item(self, record: Record, ours: list[str]) -> Item | None:
        if record.wrong:
            return Item(f"line {record.line}", {}, record.text, record.wrong)
        cells = record.cells
        return item_of(
            self.setup.table, ours, lambda name: cells.get(name.lower()), record.text.rstrip()
        )


def _records(body: bytes) -> Iterable[Record]:
    """The rows under their own names; InputError where there is no header."""
    if looks_like_page(body):
        raise InputError("the answer is a web page and no CSV")
    lines = Lines(io.BufferedReader(io.BytesIO(body)))
    try:
        if not lines.first():
            raise InputError("the answer is empty")
        records = CsvRecords(lines)
    except DamageError as damage:
        raise InputError(f"the answer is no CSV: {damage}") from None
    check_delimiter(records.columns, "the answer")
    names = tuple(dict.fromkeys(records.columns))
    return records.read(RowKind("", (), names, {}, lambda cells, file: []))
