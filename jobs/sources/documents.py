"""Replies as documents: JSON, and what stands where in it; times and text as sources write them.

Pure. Whatever cannot be read is an InputError of one line that quotes nothing of the reply.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from alerts.api import Reply
from forecast.clock import format_instant
from forecast.errors import InputError

MOST_TEXT = 200_000  # characters of an article that are kept
_HIDDEN = {"script", "style", "head", "template", "noscript"}
_BREAKS = {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "td", "ul", "ol"}


def json_document(reply: Reply) -> Any:
    """The JSON of a reply; InputError where it is none."""
    try:
        return json.loads(reply.body)
    except UnicodeDecodeError as error:
        raise InputError(f"the answer is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise InputError("the answer is nested too deeply") from None
    except ValueError as error:
        raise InputError(_not_json(reply.body, error)) from None


def looks_like_page(body: bytes) -> bool:
    """Whether it is a page for people: a login, an error, a consent."""
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html"))


def _not_json(body: bytes, error: ValueError) -> str:
    if not body.strip():
        return "the answer is empty"
    if looks_like_page(body):
        return "the answer is a web page and no JSON"
    where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
    return f"the answer is no JSON{where}"


def at_path(document: Any, path: str) -> Any:
    """What stands at a path such as `data.0.name`; None where nothing does.

    >>> at_path({"data": [{"name": "a"}]}, "data.0.name")
    'a'
    """
    for part in filter(None, path.split(".")):
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def array_at(document: Any, path: str) -> Sequence[Any]:
    """The array at a path; InputError where there is none."""
    found = at_path(document, path)
    if not isinstance(found, list):
        raise InputError(f"the answer has no array at {path!r}" if path else "is no JSON array")
    return found


def as_text(value: Any) -> str:
    """A JSON value as the text of a cell; ValueError where it is none of one cell."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        raise ValueError("is neither text nor a number")
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def time_text(text: str, written: str) -> str:
    """A time as ISO 8601; `written` as in `SourceTable.times`. ValueError where it is none.

    >>> time_text("1764374400", "unix"), time_text("2025-11-29 08:00", "utc")
    ('2025-11-29T00:00:00Z', '2025-11-29T08:00:00Z')
    >>> time_text("20251129T080000Z", "%Y%m%dT%H%M%SZ")
    '2025-11-29T08:00:00Z'
    """
    if not text or written == "iso":
        return text
    try:
        if written in ("unix", "unix-ms"):
            seconds = float(text) / (1000 if written == "unix-ms" else 1)
            return format_instant(datetime.fromtimestamp(seconds, UTC))
        if written == "utc":
            found = datetime.fromisoformat(text)
            return text if len(text) == len("2025-11-29") else _in_utc(found)
        return _in_utc(datetime.strptime(text, written))  # noqa: DTZ007 - UTC where it has none
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"'{text}' is not a time ({written})") from None


def _in_utc(found: datetime) -> str:
    return format_instant(found if found.tzinfo else found.replace(tzinfo=UTC))


def with_query(url: str, **more: str | int) -> str:
    """The URL with some parameters set, in place of its own of these names.

    >>> with_query("https://h/p?page=1&q=a", page=2)
    'https://h/p?q=a&page=2'
    """
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in more]
    query = urlencode([*kept, *((name, str(value)) for name, value in more.items())])
    return urlunsplit(parts._replace(query=query))


def plain_words(markup: str) -> str:
    r"""The words of HTML on lines of their own, without its tags, scripts and styles.

    >>> plain_words("<p>A &amp; B</p><script>x()</script><p>C <b>D</b></p>")
    'A & B\nC D'
    """
    if "<" not in markup and "&" not in markup:
        words = markup
    else:
        reader = _Words()
        reader.feed(markup[: 2 * MOST_TEXT])
        reader.close()
        words = "".join(reader.found)
    lines = (" ".join(line.split()) for line in words.splitlines())
    return "\n".join(line for line in lines if line)[:MOST_TEXT]


class _Words(HTMLParser):
    """Gathers what a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(self._hidden - (tag in _HIDDEN), 0)
        if tag in _BREAKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(data)
