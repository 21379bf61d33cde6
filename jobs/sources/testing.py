"""The checks of a source, for the tests of who writes one: the same that the sources here pass.

    def test_my_source() -> None:
        check_source(MySource, Setup(table, "https://host/x"), [Reply(200, {}, RECORDED)], now)

Each raises AssertionError with what is wrong.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from alerts.api import Reply
from forecast.errors import InputError, TocsinError
from jobs.sources.api import Batch, Cursor, Puller, Setup, Source, SourceKind
from jobs.sources.registry import traits_of

CANARY = "CANARY5T2Q"
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]><rss version='2.0'><channel><title>&a11;</title><item><title>&a11;</title></item>"
    "</channel></rss>"
)
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n\t ",
    "a page": b"<!DOCTYPE html><html><body>Please log in " + CANARY.encode() + b"</body></html>",
    "no text": bytes(range(256)) * 8,
    "not UTF-8": b'{"data": ["\xff\xfe\xfa"]}',
    "deep": b"[" * 200_000,
    "deep objects": b'{"data":' * 50_000,
    "closed and deep": b"[" * 20_000 + b"]" * 20_000,
    "a number of many digits": b'{"data": [' + b"9" * 10_000 + b"]}",
    "another document": b'{"error": "' + CANARY.encode() + b'"}',
    "no object": b'[null, 1, true, [], {}, "x"]',
    "laughs": LAUGHS.encode(),
    "a line of text": CANARY.encode(),
    "NUL": b"\0" * 64,
}


def check_source(
    kind: SourceKind, setup: Setup, replies: Sequence[Reply], now: datetime
) -> list[Batch]:
    """Hold a kind against its contract, on replies as they were recorded; what these brought."""
    traits_of(kind)
    source = kind(setup)
    assert not isinstance(source, Puller), "this checks sources that are asked over HTTP"
    batches = []
    cursor: Cursor = {}
    for reply in replies:
        request = source.request(cursor, now)
        assert request == source.request(cursor, now), "equal cursors make equal requests"
        assert request.url.partition(":")[0] in ("http", "https"), "only the web is asked"
        batch = _read(source, reply, cursor, now)
        batches.append(batch)
        cursor = batch.cursor
    for name, body in HOSTILE.items():
        _check_hostile(source, name, body, now)
        if replies:
            _check_hostile(source, f"{name} in the middle", _spoiled(replies[0].body, body), now)
    return batches


def _read(source: Source, reply: Reply, cursor: Cursor, now: datetime) -> Batch:
    batch = source.read(reply, cursor, now)
    again = source.read(reply, cursor, now)
    assert batch == again, "reading is pure: the same reply brings the same"
    assert json.loads(json.dumps(dict(batch.cursor))) == batch.cursor, "a cursor is JSON"
    if batch.more:
        assert dict(batch.cursor) != dict(cursor), "where there is more, the cursor moves"
    for article in batch.articles:
        assert article.known_at.tzinfo is not None
    for item in batch.items:
        assert all(isinstance(text, str) for text in item.cells.values()), "cells are text"
    return batch


def _check_hostile(source: Source, name: str, body: bytes, now: datetime) -> None:
    """Nothing but an InputError of one line that does not repeat what came."""
    said = ""
    try:
        batch = source.read(Reply(200, {"content-type": "text/plain"}, body), {}, now)
    except InputError as error:
        said = str(error)
    except TocsinError as error:
        raise AssertionError(f"{name}: {type(error).__name__} and no InputError") from error
    except Exception as error:
        words = f"{name}: {type(error).__name__} instead of an InputError: {error}"
        raise AssertionError(words[:500]) from error
    else:
        assert len(batch.items) + len(batch.articles) < 10_000, f"{name}: much from nothing"
    assert "\n" not in said, f"{name}: one line"
    assert CANARY not in said, f"{name}: an error does not quote the reply"


def _spoiled(recorded: bytes, body: bytes) -> bytes:
    """A recorded reply that breaks off in the middle, and something else follows."""
    return recorded[: len(recorded) // 2] + body[:1000]
