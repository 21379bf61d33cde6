"""Feeds: RSS and Atom, through feedparser, on bytes that we fetched ourselves.

https://feedparser.readthedocs.io/en/latest/
"""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

from alerts.api import Reply
from forecast.errors import InputError
from forecast.source_table import ARTICLES
from jobs.sources.api import Batch, Cursor, Item, Request, Setup, Traits
from jobs.sources.articles import article_of, moment_of
from jobs.sources.documents import looks_like_page

MOST_TAGS = 300_000  # a feed of thousands of entries has half as many; more takes minutes to read
_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class Rss:
    """A feed of articles. It is asked whole each time; what is known adds nothing."""

    setup: Setup
    traits = Traits(brings=ARTICLES)

    def request(self, cursor: Cursor, now: datetime) -> Request:
        """The feed."""
        return Request(self.setup.url, {"accept": _ACCEPT})

    def read(self, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
        """Its entries; those of a feed that breaks off too."""
        feed = _parsed(reply)
        articles, bad = [], []
        for number, entry in enumerate(feed.entries, start=1):
            try:
                articles.append(self._article(feed.feed, entry, now))
            except (ValueError, TypeError, AttributeError) as error:
                bad.append(Item(f"entry {number}", {}, str(entry.get("title", "")), str(error)))
        remark = "the feed is not well-formed" if feed.bozo and not _is_mere_label(feed) else ""
        return Batch({}, items=bad, articles=articles, remark=remark)

    def _article(self, feed: Any, entry: Any, now: datetime) -> Any:
        texts = [part.get("value", "") for part in entry.get("content", ())]
        whence = entry.get("source") or {}
        return article_of(
            self.setup.table,
            now,
            name=entry.get("id", ""),
            title=entry.get("title", ""),
            text=max([entry.get("summary", ""), *texts], key=len),
            url=entry.get("link", ""),
            source=feed.get("title", ""),
            origin=whence.get("title", "") or "",
            language=feed.get("language", ""),
            published_at=moment_of(_time_of(entry)),
        )


def _time_of(entry: Any) -> object:
    """When it was published, else changed; feedparser's own `get` warns where it has neither."""
    return dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")


def _parsed(reply: Reply) -> Any:
    """The feed; InputError where it is none."""
    import feedparser  # type: ignore[import-untyped]

    if not reply.body.strip():
        raise InputError("the answer is empty")
    if looks_like_page(reply.body):
        raise InputError("the answer is a web page and no feed")
    if reply.body.count(b"<") + reply.body.count(b"&lt;") > MOST_TAGS:
        raise InputError(f"the feed has more than {MOST_TAGS:,} tags")
    headers = {"content-type": reply.headers.get("content-type", "application/xml")}
    try:
        # a stream, never text: feedparser would take text for a file or a URL
        feed = feedparser.parse(
            BytesIO(reply.body),
            response_headers=headers,
            resolve_relative_uris=False,
            sanitize_html=False,  # all markup is taken away in any case
        )
    except (RecursionError, ValueError, LookupError, AssertionError) as error:
        raise InputError(f"the feed cannot be read ({type(error).__name__})") from None
    if not feed.version and not feed.entries:
        raise InputError("the answer is no feed")
    return feed


def _is_mere_label(feed: Any) -> bool:
    """Whether only its label was wrong: another encoding or media type than was said."""
    import feedparser

    labels = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    return isinstance(feed.get("bozo_exception"), labels)
