"""JSON over HTTP: an array of items at `rows`, mapped to our columns."""

from dataclasses import dataclass
from datetime import datetime

from alerts.api import Reply
from forecast.source_table import ARTICLES
from jobs.sources.api import Batch, Cursor, Request, Setup, Traits
from jobs.sources.articles import articles_of
from jobs.sources.documents import array_at, json_document
from jobs.sources.mapping import ARTICLE_COLUMNS, json_items, row_kind


@dataclass(frozen=True, slots=True)
class JsonRows:
    """A document of items. It is asked whole each time; what is known adds nothing."""

    setup: Setup
    traits = Traits()

    def request(self, cursor: Cursor, now: datetime) -> Request:
        """The document."""
        return Request(self.setup.url, {"accept": "application/json"})

    def read(self, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
        """Its items."""
        table = self.setup.table
        rows = array_at(json_document(reply), table.rows)
        if table.brings == ARTICLES:
            items, skipped = json_items(table, ARTICLE_COLUMNS, rows)
            articles, bad = articles_of(table, items, now)
            return Batch({}, items=bad, articles=articles, skipped=skipped)
        kind = row_kind(table, self.traits.brings)
        items, skipped = json_items(table, [*kind.known(), *kind.aliases], rows)
        return Batch({}, items=items, skipped=skipped)
