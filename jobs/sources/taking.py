"""What a batch of a source becomes: facts in the store, articles to the tagger, bad rows aside.

Everything here may happen twice, and then adds nothing: the cursor moves only afterwards.

An item counts as known from when it was published, and at the latest from when we first saw it;
where it states no time, from then. So what is fetched again is the same, and nothing that is
dated ahead is known ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from forecast.article import Article
from forecast.clock import format_instant, parse_instant
from forecast.errors import InputError, UsageError
from forecast.intake.ingest import IngestResult, ingest_file, ingest_records
from forecast.intake.records import Record
from forecast.intake.rows import KINDS, RowKind
from forecast.intake.vocabulary import Vocabulary
from forecast.source_table import ARTICLES, SourceTable
from forecast.store import BadRow
from jobs.app import App
from jobs.sources.api import Batch, Item
from jobs.sources.articles import digest_of, harmless
from jobs.tagging import take_in

_PREFIXED = ("report_id", "event_id", "coverage_id")
_FROM_FIRST_SIGHT = ("reports", "events")
_NO_NAME = "item"


@dataclass(frozen=True, slots=True)
class Brought:
    """How much came, and what became of it."""

    new: int = 0
    same: int = 0
    corrected: int = 0
    bad: int = 0
    skipped: int = 0

    def __add__(self, other: Self) -> "Brought":
        return Brought(
            self.new + other.new,
            self.same + other.same,
            self.corrected + other.corrected,
            self.bad + other.bad,
            self.skipped + other.skipped,
        )

    @property
    def has_news(self) -> bool:
        """Whether anything of it was not known before."""
        return bool(self.new or self.corrected)


def take(app: App, table: SourceTable, brings: str, batch: Batch, now: datetime) -> Brought:
    """Store what a batch brings; StoreError where the store fails."""
    vocabulary = Vocabulary.of(app.config)
    done = Brought(skipped=batch.skipped)
    if batch.articles:
        done += _take_articles(app, table, batch.articles, now, vocabulary)
    if batch.items:
        done += _take_items(app, table, brings, batch.items, now, vocabulary)
    for path in batch.files:
        try:
            result = ingest_file(app.store, path, table.brings, now, vocabulary=vocabulary)
        except (InputError, UsageError) as error:
            done += _aside(app, table, path.name, error.message, now)
        else:
            done += _count(result)
            if result.broken:
                done += _aside(app, table, path.name, result.broken, now)
    return done


def records_of(
    table: SourceTable, kind: RowKind, items: Sequence[Item], seen: dict[str, datetime]
) -> list[Record]:
    """The items as rows of a kind, with what the table gives all of them."""
    return [_record(table, kind, item, seen) for item in items]


def key_of(item: Item) -> str:
    """By what an item is known again: all that it says."""
    words = [f"{name}={text}" for name, text in sorted(item.cells.items()) if text]
    return digest_of(item.name, *words)


def _take_items(
    app: App,
    table: SourceTable,
    brings: str,
    items: Sequence[Item],
    now: datetime,
    vocabulary: Vocabulary,
) -> Brought:
    what = table.brings or brings
    kind = KINDS["reports" if what == ARTICLES else what]  # of articles only bad ones come here
    keys = [key_of(item) for item in items if not item.wrong]
    seen = app.store.sources.first_seen(table.id, keys, now) if _is_dated(kind) else {}
    records = records_of(table, kind, items, seen)
    return _count(ingest_records(app.store, records, kind, table.id, now, vocabulary))


def _take_articles(
    app: App, table: SourceTable, articles: Sequence[Article], now: datetime, vocabulary: Vocabulary
) -> Brought:
    ids = [article.article_id for article in articles]
    seen = app.store.sources.first_seen(table.id, ids, now)
    dated = dated_articles(articles, seen)
    if table.tagging:
        taken = take_in(app, dated, now)
        return Brought(new=taken.articles, same=taken.known)
    records = [_report_of(table, article) for article in dated]
    return _count(ingest_records(app.store, records, KINDS["reports"], table.id, now, vocabulary))


def dated_articles(articles: Sequence[Article], seen: dict[str, datetime]) -> list[Article]:
    """Each article once, known at the latest from when it was first seen."""
    once = {article.article_id: article for article in reversed(articles)}
    return [
        replace(article, known_at=min(article.known_at, seen.get(name, article.known_at)))
        for name, article in reversed(once.items())
    ]


def _report_of(table: SourceTable, article: Article) -> Record:
    """An article as a report, of a source whose every article says the same thing."""
    cells = {
        "report_id": article.article_id,
        "unit": table.unit,
        "tag": table.tag,
        "occurred_at": format_instant(article.known_at),
        "known_at": format_instant(article.known_at),
        "source": article.source,
        "origin": article.origin,
        "reliability": article.reliability,
        "url": article.url,
        "summary": article.title,
    }
    empty = dict.fromkeys(KINDS["reports"].known(), "")
    return Record(0, empty | cells, article.title, place=article.article_id)


def _record(table: SourceTable, kind: RowKind, item: Item, seen: dict[str, datetime]) -> Record:
    cells = dict.fromkeys(kind.known(), "")
    known = kind.known()
    for name, text in item.cells.items():
        column = kind.aliases.get(name, name)
        if column in known and text:
            cells[column] = harmless(text)
    for name, text in _given(table).items():
        if name in known and not cells[name]:
            cells[name] = text
    for name in _PREFIXED:
        if cells.get(name):
            cells[name] = f"{table.id}:{cells[name]}"  # ids of two services never meet
    wrong = item.wrong
    if not wrong and _is_dated(kind):
        wrong = _date(cells, seen.get(key_of(item)))
    return Record(0, cells, item.text, wrong, place=item.name or _NO_NAME)


def _date(cells: dict[str, str], seen: datetime | None) -> str:
    """Have it known at the latest from when it was seen; what is wrong with its time, or ""."""
    if seen is None:
        return ""
    try:
        told = cells["known_at"] and parse_instant(cells["known_at"], end_of_day=True)
    except ValueError as error:
        return f"known_at: {error}"
    cells["known_at"] = format_instant(min(told, seen) if told else seen)
    return ""


def _given(table: SourceTable) -> dict[str, str]:
    return {
        "unit": table.unit,
        "tag": table.tag,
        "definition": table.definition,
        "reliability": table.reliability,
        "source": table.outlet or table.id,
    }


def _is_dated(kind: RowKind) -> bool:
    return kind.name in _FROM_FIRST_SIGHT


def _aside(app: App, table: SourceTable, name: str, reason: str, now: datetime) -> Brought:
    """Name a file that cannot be read, among the rows that were kept aside."""
    app.store.quarantine([BadRow(f"{table.id}:{harmless(name)}", 0, harmless(reason), "")], now)
    return Brought(bad=1)


def _count(result: IngestResult) -> Brought:
    added = result.added + result.resolutions
    return Brought(added.new, added.same, added.corrected, result.bad_count)
