"""Lists in pages: a cursor is a place in the list, and nobody else's business."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from forecast.clock import parse_instant
from forecast.requests import Name
from forecast.store.pages import Page
from forecast.web.problems import ProblemError

MOST, BY_DEFAULT = 1_000, 100
_LAST_ROW = 2**63 - 1


def _instant(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "examples": ["2025-11-29", "2025-11-29T18:00:00Z"]}),
]


class Query(BaseModel):
    """Arguments in an address; one that is not known is refused, as it would do nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paged(Query):
    """How much of a list, and from where on."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = BY_DEFAULT
    cursor: Annotated[str, Field(max_length=1_000)] | None = None

    def after(self) -> int | None:
        """The row after which the page begins."""
        if self.cursor is None:
            return None
        place = place_of(self.cursor)
        if not is_row(place):
            raise no_cursor()
        return int(place)

    def moment_after(self) -> tuple[datetime, Any] | None:
        """The same in lists by time: a moment, and what is there of it in the cursor."""
        if self.cursor is None:
            return None
        match place_of(self.cursor):
            case [str(at), rest]:
                try:
                    return parse_instant(at), rest
                except ValueError:
                    pass
        raise no_cursor()


class Span(Paged):
    """A page of what lies in [since, until)."""

    since: Instant | None = None
    until: Instant | None = None


class OfQuestion(Span):
    """A page of what is about one question, or about all."""

    question: Name | None = None


class Items[Item](BaseModel):
    """Some of a list; `next` is the cursor of the page after it, null on the last one."""

    items: list[Item]
    next: str | None


def cursor_of(place: Any) -> str:
    """A place as it is handed out."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_of(cursor: str) -> Any:
    """The place that was handed out; 422 for what never was."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise no_cursor() from None


def is_row(place: object) -> bool:
    """Whether it may be the number of a row."""
    is_number = isinstance(place, int) and not isinstance(place, bool)
    return is_number and 0 <= place <= _LAST_ROW  # type: ignore[operator]


def no_cursor() -> ProblemError:
    """What a cursor is answered that was made up."""
    return ProblemError(422, "this is no cursor that was handed out", code="input", at="cursor")


def items(
    request: Request,
    response: Response,
    page: Page[Any],
    view: Callable[[Any], Any] | None = None,
) -> Any:
    """A page as it is answered, with a Link to the next one."""
    rows: Iterable[Any] = page.rows if view is None else map(view, page.rows)
    return listed(request, response, list(rows), page.after)


def listed(request: Request, response: Response, found: list[Any], place: Any) -> Any:
    """Items, and a Link to what comes after a place, if anything does."""
    if place is None:
        return {"items": found, "next": None}
    cursor = cursor_of(place)
    query = {**request.query_params, "cursor": cursor}
    response.headers["Link"] = f'<{request.url.path}?{urlencode(query)}>; rel="next"'
    return {"items": found, "next": cursor}
