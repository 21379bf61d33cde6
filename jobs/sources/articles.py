"""Articles from a source's items; their words plain, their times true. Pure."""

from calendar import timegm
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b

from forecast.article import Article
from forecast.clock import parse_instant
from forecast.source_table import SourceTable
from jobs.sources.api import Item
from jobs.sources.documents import plain_words

MOST_TITLE = 1_000
FIRST_YEAR = 1990  # a feed's date before the web is none


def article_of(
    table: SourceTable,
    now: datetime,
    *,
    name: str = "",
    title: str = "",
    text: str = "",
    url: str = "",
    source: str = "",
    origin: str = "",
    language: str = "",
    published_at: datetime | None = None,
) -> Article:
    """An article of a source, of now where it states no time; ValueError where it says nothing.

    Without an id of its own it is named by its URL, else by a digest of its words.
    """
    title, text = plain_words(title)[:MOST_TITLE].replace("\n", " "), plain_words(text)
    url = url if url.startswith(("http://", "https://")) else ""
    if not (title or text):
        raise ValueError("has neither a title nor a text")
    name = name.strip() or url or digest_of(title, text)
    return Article(
        article_id=f"{table.id}:{harmless(name)[:500]}",
        title=harmless(title),
        text=harmless(text),
        known_at=published_at or now,
        source=harmless(table.outlet or source or table.id),
        origin=harmless(origin),
        url=harmless(url),
        language=harmless(language)[:40],
        reliability=table.reliability,
    )


def articles_of(
    table: SourceTable, items: Iterable[Item], now: datetime
) -> tuple[list[Article], list[Item]]:
    """The articles that mapped items are, and the items that cannot be one."""
    found, bad = [], []
    for item in items:
        cells = item.cells
        try:
            if item.wrong:
                raise ValueError(item.wrong)
            told = cells.get("known_at", "")
            article = article_of(
                table,
                now,
                name=cells.get("article_id", ""),
                published_at=parse_instant(told) if told else None,
                **{
                    key: cells.get(key, "")
                    for key in ("title", "text", "url", "source", "origin", "language")
                },
            )
        except ValueError as error:
            bad.append(Item(item.name, {}, item.text, str(error)))
        else:
            found.append(article)
    return found, bad


def moment_of(parts: object) -> datetime | None:
    """The instant of a `time.struct_time` in UTC, as feedparser gives it; None for nonsense."""
    try:
        seconds = timegm(parts)  # type: ignore[arg-type]
        found = datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return found if found.year >= FIRST_YEAR else None


def digest_of(*words: str) -> str:
    """32 hexadecimal digits of some words."""
    text = "\0".join(words).encode("utf-8", "replace")
    return blake2b(text, digest_size=16).hexdigest()


def harmless(words: str) -> str:
    """Words that any database holds: no NUL, no half of a surrogate pair."""
    return words.encode("utf-8", "replace").decode().replace("\0", "?")
