"""UCDP's georeferenced events, and what is shaped like them: pages of `Result`.

The URL is https://ucdpapi.pcr.uu.se/api/gedevents/VERSION?Country=..., the token goes into the
header x-ucdp-access-token, by reference. An event has no time of publication: it counts as
known from when it was first seen here.

https://ucdp.uu.se/apidocs/
"""

from dataclasses import dataclass
from datetime import datetime

from alerts.api import Reply
from forecast.errors import InputError
from jobs.sources.acled import with_defaults
from jobs.sources.api import Batch, Cursor, Request, Setup, Traits
from jobs.sources.documents import array_at, json_document, with_query
from jobs.sources.mapping import json_items, row_kind

PAGE = 1_000  # the most that UCDP gives in one answer
_SHARED = {"unit": "country", "occurred_at": "date_start"}
MAPPINGS = {
    "reports": _SHARED
    | {
        "report_id": "id",
        "tag": "type_of_violence",
        "source": "source_office",
        "summary": "source_headline",
    },
    "events": _SHARED
    | {"event_id": "id", "definition": "type_of_violence", "summary": "conflict_name"},
}


@dataclass(frozen=True, slots=True)
class Ucdp:
    """A query of UCDP's, read whole each time, page by page; what is known adds nothing."""

    setup: Setup
    traits = Traits()

    def request(self, cursor: Cursor, now: datetime) -> Request:
        """The next page; they are counted from 0."""
        url = with_query(self.setup.url, pagesize=PAGE, page=cursor.get("page", 0))
        return Request(url, {"accept": "application/json"})

    def read(self, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
        """One page of events."""
        answer = json_document(reply)
        rows = array_at(answer, self.setup.table.rows or "Result")
        table = with_defaults(self.setup.table, MAPPINGS)
        # UCDP's dates are days, written with a midnight that has no zone
        dated = [
            {**row, **{n: _day(row[n]) for n in ("date_start", "date_end") if n in row}}
            if isinstance(row, dict)
            else row
            for row in rows
        ]
        kind = row_kind(table, self.traits.brings)
        items, skipped = json_items(table, kind.known(), dated)
        pages, page = answer.get("TotalPages"), cursor.get("page", 0)
        if not isinstance(pages, int):
            raise InputError("the answer does not say how many pages there are (TotalPages)")
        more = bool(rows) and page + 1 < pages
        return Batch({"page": page + 1} if more else {}, items, skipped=skipped, more=more)


def _day(told: object) -> object:
    return told[:10] if isinstance(told, str) else told
