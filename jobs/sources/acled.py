"""ACLED's events: its own names of fields, pages, and its time of upload as `known_at`.

The URL is https://acleddata.com/api/acled/read?country=..., the token a bearer token by
reference (ACLED's expire after a day: have a file hold it), or `query` has key and email.

https://acleddata.com/api-documentation/acled-endpoint
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from alerts.api import Reply
from forecast.errors import InputError
from forecast.source_table import SourceTable
from forecast.words import parse_days
from jobs.sources.api import Batch, Cursor, Request, Setup, Traits
from jobs.sources.documents import array_at, json_document, with_query
from jobs.sources.mapping import json_items, row_kind

PAGE = 5_000  # the most that ACLED gives in one answer
_SHARED = {
    "unit": "country",
    "occurred_at": "event_date",
    "known_at": "timestamp",
    "summary": "notes",
}
MAPPINGS = {
    "reports": _SHARED | {"report_id": "event_id_cnty", "tag": "event_type", "source": "source"},
    "events": _SHARED | {"event_id": "event_id_cnty", "definition": "event_type"},
}


@dataclass(frozen=True, slots=True)
class Acled:
    """A query of ACLED's. `since` in the cursor is the newest time of upload that was read."""

    setup: Setup
    traits = Traits()

    def request(self, cursor: Cursor, now: datetime) -> Request:
        """What was uploaded or changed since, or what happened in the last `lookback`."""
        url = with_query(self.setup.url, _format="json", limit=PAGE, page=cursor.get("page", 1))
        if since := cursor.get("since"):
            url = with_query(url, timestamp=since, timestamp_where=">=")
        else:
            back = now - timedelta(days=parse_days(self.setup.table.lookback))
            url = with_query(url, event_date=back.date().isoformat(), event_date_where=">=")
        return Request(url, {"accept": "application/json"})

    def read(self, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
        """One page; the time of upload moves on once all pages are read."""
        answer = json_document(reply)
        if isinstance(answer, dict) and answer.get("success") is False:
            raise InputError("ACLED refuses the request; is the token still good?")
        rows = array_at(answer, self.setup.table.rows or "data")
        table = with_defaults(self.setup.table, MAPPINGS)
        kind = row_kind(table, self.traits.brings)
        items, skipped = json_items(table, kind.known(), [_plain_times(row) for row in rows])
        newest = max([_stamp(row) for row in rows] + [cursor.get("newest", 0)])
        if len(rows) >= PAGE:
            moved = {"since": cursor.get("since", 0), "newest": newest}
            return Batch(
                moved | {"page": cursor.get("page", 1) + 1}, items, skipped=skipped, more=True
            )
        since = max(newest, cursor.get("since", 0))
        return Batch({"since": since} if since else {}, items, skipped=skipped)


def with_defaults(table: SourceTable, mappings: dict[str, dict[str, str]]) -> SourceTable:
    """The table with a service's own mapping under its own, and its constants over both."""
    mapping = mappings.get(table.brings or "reports", {}) | table.mapping
    fixed = {name for name in ("unit", "tag", "definition") if getattr(table, name)}
    fixed = (fixed - set(table.mapping)) | set(table.constants)
    kept = {column: path for column, path in mapping.items() if column not in fixed}
    return table.model_copy(update={"mapping": kept})


def _plain_times(row: Any) -> Any:
    """The item with its time of upload, seconds since 1970, as ISO 8601."""
    from jobs.sources.documents import time_text

    stamp = _stamp(row)
    if not stamp or not isinstance(row, dict):
        return row
    return row | {"timestamp": time_text(str(stamp), "unix")}


def _stamp(row: Any) -> int:
    try:
        return int(row["timestamp"])
    except (KeyError, TypeError, ValueError):
        return 0
