"""GDELT's DOC 2.0 API: articles that fit a query, in any language, oldest first.

The URL holds the query: https://api.gdeltproject.org/api/v2/doc/doc?query=... All else is set
here. A query that cannot be answered comes back as a line of text with status 200.

https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.api import Reply
from forecast.clock import format_instant, parse_instant
from forecast.errors import InputError
from forecast.source_table import ARTICLES
from forecast.words import parse_days
from jobs.sources.api import Batch, Cursor, Item, Request, Setup, Traits
from jobs.sources.articles import article_of
from jobs.sources.documents import json_document, looks_like_page, with_query

MOST = 250  # articles in one answer, by the API's own limit
STEP = timedelta(minutes=15)  # GDELT's tick: all that it saw in one has one time
OVERLAP = timedelta(hours=1)  # what comes late is asked for again
_STAMP, _SEEN = "%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Gdelt:
    """A query. `until` in the cursor is the newest time that was seen; `at` where a page ended."""

    setup: Setup
    # the API asks for five seconds between two requests
    traits = Traits(brings=ARTICLES, pace=timedelta(seconds=6))

    def request(self, cursor: Cursor, now: datetime) -> Request:
        """The articles since the last time, or those of the last `lookback`."""
        url = with_query(
            self.setup.url,
            mode="artlist",
            format="json",
            sort="dateasc",
            maxrecords=MOST,
            startdatetime=self._start(cursor, now).strftime(_STAMP),
            enddatetime=now.astimezone(UTC).strftime(_STAMP),
        )
        return Request(url, {"accept": "application/json"})

    def read(self, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
        """The articles; a full page goes on from the last of them."""
        found = _answer(reply).get("articles", [])
        if not isinstance(found, list):
            raise InputError("the answer has no array 'articles'")
        articles, bad, newest = [], [], None
        for row in found:
            try:
                article = self._article(row, now)
            except (ValueError, TypeError, AttributeError) as error:
                bad.append(Item("", {}, str(row)[:1000], f"is no article: {error}"))
            else:
                articles.append(article)
                newest = max(newest or article.known_at, article.known_at)
        until = max(filter(None, (newest, _instant(cursor, "until"))), default=None)
        kept = {"until": format_instant(min(until, now))} if until else {}
        if len(found) < MOST or newest is None:
            return Batch(kept, items=bad, articles=articles)
        start = self._start(cursor, now)
        is_stuck = newest <= start  # more in one tick than it tells
        moved = format_instant(newest + STEP if is_stuck else newest)
        remark = "more articles at one time than GDELT tells" if is_stuck else ""
        more = moved < format_instant(now)
        return Batch(
            kept | ({"at": moved} if more else {}), bad, articles, more=more, remark=remark
        )

    def _start(self, cursor: Cursor, now: datetime) -> datetime:
        if page := _instant(cursor, "at"):
            return page
        back = timedelta(days=parse_days(self.setup.table.lookback))
        until = _instant(cursor, "until")
        return until - OVERLAP if until else now.astimezone(UTC) - back

    def _article(self, row: Any, now: datetime) -> Any:
        table = self.setup.table
        return article_of(
            table,
            now,
            title=row["title"],
            url=row["url"],
            source=str(row.get("domain") or ""),
            origin="",
            language=str(row.get("language") or ""),
            published_at=datetime.strptime(row["seendate"], _SEEN).replace(tzinfo=UTC),
        )


def _answer(reply: Reply) -> dict[str, Any]:
    is_text = reply.body[:1] not in (b"{", b"") and not looks_like_page(reply.body)
    if is_text and not reply.headers.get("content-type", "").startswith("application/json"):
        raise InputError(
            "GDELT refuses the query, or asks for a pause (its answer is a line of text)"
        )
    found = json_document(reply)
    if not isinstance(found, dict):
        raise InputError("the answer is no JSON object")
    return found


def _instant(cursor: Cursor, name: str) -> datetime | None:
    told = cursor.get(name)
    return parse_instant(told) if isinstance(told, str) else None
