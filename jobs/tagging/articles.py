"""Articles from a file or a stream: a plain text, or JSON lines of several."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from forecast.article import Article
from forecast.clock import parse_instant
from forecast.errors import InputError
from forecast.store.facts import digest

STDIN = "-"
MOST_BYTES = 64 << 20  # of a file
LONGEST_TITLE = 200  # characters of a first line that is taken for one
_KEYS = ("article_id", "title", "text", "published", "source", "origin", "url", "language")
_TEXTS = ("article_id", "title", "text", "source", "origin", "url", "language")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_OTHER_NAMES = {"known_at": "published", "id": "article_id", "link": "url", "summary": "text"}


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of an article beside its text; it goes before what a first line says."""

    url: str = ""
    title: str = ""
    source: str = ""
    published: datetime | None = None


def read_articles(
    path: str, told: Told, now: datetime, stdin: BinaryIO | None = None
) -> list[Article]:
    """The articles of a file, or of `stdin` where the path is "-".

    Lines that begin with { are JSON: text, and if known title, published (or known_at), source,
    origin, url, article_id, language, reliability. All else is the text of one article. One
    without a date was published now. InputError names the file and the line.
    """
    file = "stdin" if path == STDIN else Path(path).name
    text = _bytes(path, file, stdin).decode("utf-8", "replace").removeprefix("\ufeff")
    if not text.strip():
        raise InputError("is empty", at=file)
    if text.lstrip().startswith("{"):
        return list(_lines(text, told, now, file))
    return [_of_text(text, told, now)]


def _bytes(path: str, file: str, stdin: BinaryIO | None) -> bytes:
    try:
        if path == STDIN and stdin is not None:
            data = stdin.read(MOST_BYTES + 1)
        else:
            with Path(path).open("rb") as stream:
                data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", at=path) from None
    if len(data) > MOST_BYTES:
        raise InputError(f"is longer than {MOST_BYTES >> 20} MB", at=file)
    return data


def _of_text(text: str, told: Told, now: datetime) -> Article:
    first, _, rest = text.lstrip().partition("\n")
    title = told.title
    if not title and rest.strip() and len(first) <= LONGEST_TITLE:
        title, text = first.strip(), rest
    return _article({"title": title, "text": text.strip()}, told, now)


def _lines(text: str, told: Told, now: datetime, file: str) -> Iterator[Article]:
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        at = f"{file}:{number}"
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"is not JSON: {error}", at=at) from None
        if not isinstance(found, dict):
            raise InputError("is not a JSON object", at=at)
        try:
            yield _article(_named(found), told, now)
        except ValueError as error:
            raise InputError(str(error), at=at) from None


def _named(found: dict[str, Any]) -> dict[str, str]:
    """The texts of a JSON object by our names; ValueError for a number where a text should be."""
    names: dict[str, str] = {}
    for name, value in found.items():
        key = _OTHER_NAMES.get(name, name)
        if key not in (*_KEYS, "reliability") or value is None:
            continue
        if not isinstance(value, str):
            raise ValueError(f"{name} is not a text")
        names.setdefault(key, value)
    if not names.get("text", "").strip() and not names.get("title", "").strip():
        raise ValueError("has no text")
    return names


def storable(article: Article) -> Article:
    """The article without what no database holds: NULs, and halves of characters.

    Each is replaced by one character, so that places stay.
    """
    texts = {name: getattr(article, name) for name in _TEXTS}
    if not any(map(_UNSTORABLE.search, texts.values())):
        return article
    mended: dict[str, Any] = {n: _UNSTORABLE.sub("\ufffd", t) for n, t in texts.items()}
    return replace(article, **mended)


def _article(found: dict[str, str], told: Told, now: datetime) -> Article:
    """An article by its URL, or by what it says where it has none."""
    url = told.url or found.get("url", "")
    title, text = told.title or found.get("title", ""), found.get("text", "")
    stated = found.get("published", "")
    published = told.published or (parse_instant(stated, end_of_day=True) if stated else now)
    article = Article(
        article_id=found.get("article_id", "").strip() or url or f"text-{digest((title, text))}",
        title=title,
        text=text,
        known_at=min(published, now),
        source=told.source or found.get("source", ""),
        origin=found.get("origin", ""),
        url=url,
        language=found.get("language", ""),
        reliability=found.get("reliability", "F").upper() or "F",
    )
    return storable(article)
