"""What a source would bring now, its mapping applied, and nothing written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from forecast.article import Article
from forecast.errors import OutsideError, TocsinError, UsageError
from forecast.intake.rows import KINDS, Fact
from forecast.intake.vocabulary import Vocabulary
from forecast.source_table import ARTICLES, SourceTable
from jobs.app import App
from jobs.sources.api import Batch, Puller
from jobs.sources.fetch import Fetch, check_reply, fetch, is_unchanged
from jobs.sources.registry import Opened, definition_of, open_source
from jobs.sources.taking import dated_articles, key_of, records_of


@dataclass(slots=True)
class Preview:
    """The first answer of a source: facts and articles, what is bad about others, whole files."""

    facts: list[Fact] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    skipped: int = 0
    more: bool = False
    remark: str = ""


def preview(app: App, table: SourceTable, now: datetime, ask: Fetch = fetch) -> Preview:
    """Ask once, from where the source stands, and read; TocsinError where that fails."""
    opened = open_source(table, app.watch.folder)
    if not opened.traits.is_pulled:
        raise UsageError(f"'{table.id}' sends by itself and is not asked")
    state = app.store.sources.states().get(table.id)
    is_same = state is not None and state.definition == definition_of(table)
    cursor = state.cursor if state is not None and is_same else {}
    failure: TocsinError
    try:
        batch = _first(opened, cursor, now, ask)
    except TocsinError as error:
        failure = type(error)(opened.without_secrets(error.message), at=f"sources.{table.id}")
    except Exception as error:  # noqa: BLE001 - a stranger's kind
        words = opened.without_secrets(f"{type(error).__name__}: {error}")
        failure = OutsideError(f"a defect of the kind: {words}", at=f"sources.{table.id}")
    else:
        return _read(app, opened, batch, now)
    raise failure


def _first(opened: Opened, cursor: dict[str, object], now: datetime, ask: Fetch) -> Batch:
    source = opened.source
    if isinstance(source, Puller):
        return next(iter(source.pull(cursor, now)), Batch(cursor))
    reply = ask(opened, source.request(cursor, now), {})
    if is_unchanged(reply):
        return Batch(cursor)
    check_reply(reply, now)
    return source.read(reply, cursor, now)


def _read(app: App, opened: Opened, batch: Batch, now: datetime) -> Preview:
    table = opened.table
    what = table.brings or opened.traits.brings
    kind = KINDS["reports" if what == ARTICLES else what]
    seen = dict.fromkeys(map(key_of, batch.items), now)
    seen |= app.store.sources.seen(table.id, seen)
    found = Preview(
        articles=_articles(app, table, batch.articles),
        files=list(batch.files),
        skipped=batch.skipped,
        more=batch.more,
        remark=batch.remark,
    )
    vocabulary = Vocabulary.of(app.config)
    for record in records_of(table, kind, batch.items, seen):
        try:
            facts = record.facts(kind, table.id)
            vocabulary.check(facts[0])
        except ValueError as error:
            found.bad.append((record.place, str(error)))
        else:
            found.facts += facts
    return found


def _articles(app: App, table: SourceTable, articles: Sequence[Article]) -> list[Article]:
    seen = app.store.sources.seen(table.id, [article.article_id for article in articles])
    return dated_articles(articles, seen)
