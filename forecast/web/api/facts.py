"""Facts pushed in: one object, an array of them, or one on each line; as `tocsin ingest` does.

Bad rows are listed with their place and kept in quarantine, good ones are kept. What is known
adds nothing, so the same rows may be sent twice.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from forecast.access import Token
from forecast.intake.ingest import IngestResult, ingest_records
from forecast.intake.records import DamageError, JsonRecords, Lines, Record
from forecast.intake.rows import KINDS, RowKind
from forecast.intake.vocabulary import Vocabulary
from forecast.web.desk import Desk, TheDesk, Writer
from forecast.web.idempotency import Key, answered_once
from forecast.web.problems import ProblemError

router = APIRouter(tags=["facts"])
MOST_ROWS = 100_000
MOST_BAD_SHOWN = 1_000
LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")
PUSHED_BY = "pushed by "


class Bad(BaseModel):
    """A row that was kept aside: its place in what was sent, from 0, and why."""

    index: int
    reason: str


class Strange(BaseModel):
    """A name that watch.toml does not know, on good rows: it counts nowhere."""

    what: str
    name: str
    rows: int


class Unclear(BaseModel):
    """A question that was taken, whose criteria cannot be checked, with what they lack."""

    question: str
    lacks: str


class Taken(BaseModel):
    """What became of the rows; `bad` are the first thousand of `bad_count`."""

    kind: str
    new: int
    same: int
    corrected: int
    bad_count: int
    bad: list[Bad]
    strange: list[Strange]
    unclear: list[Unclear]


def _cell() -> dict[str, Any]:
    return {"type": ["string", "number", "boolean", "null"]}


def _row_schema(kind: RowKind) -> dict[str, Any]:
    """Its columns; any others are left alone."""
    names = sorted(kind.known() | set(kind.aliases))
    return {"type": "object", "properties": {name: _cell() for name in names}}


def _body_schema(kind: RowKind) -> dict[str, Any]:
    row = _row_schema(kind)
    rows = {"type": "array", "items": row, "maxItems": MOST_ROWS}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"anyOf": [row, rows]}},
                LINES[0]: {"schema": {"type": "string"}},
            },
        }
    }


def _add(kind: RowKind) -> None:
    async def push(desk: TheDesk, token: Writer, request: Request, key: Key = None) -> Response:
        body = await request.body()
        media = request.headers.get("content-type", "application/json")
        records = _records(kind, body, media.partition(";")[0].strip().lower())

        def work() -> tuple[int, Any]:
            return 200, _take(desk, token, kind, records)

        return await run_in_threadpool(answered_once, desk, token, request, body, key, work)

    push.__doc__ = f"State {kind.name}: one object, an array, or one object on each line."
    router.add_api_route(
        f"/{kind.name}",
        push,
        methods=["POST"],
        name=f"push_{kind.name}",
        response_model=Taken,
        openapi_extra=_body_schema(kind),
    )


for _kind in KINDS.values():
    _add(_kind)


def _records(kind: RowKind, body: bytes, media: str) -> Iterator[Record]:
    """The rows of a body; ProblemError where it is none."""
    if media in LINES:
        _check_count(body.count(b"\n"))
        return _of_lines(kind, body)
    if media != "application/json":
        words = f"rows come as application/json or {LINES[0]}"
        raise ProblemError(415, words, code="media-type")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        words = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ProblemError(400, f"the body is not JSON: {words[:200]}", code="not-json") from None
    rows = found if isinstance(found, list) else [found]
    _check_count(len(rows))
    try:
        lines = [json.dumps(row) for row in rows]
    except RecursionError:
        raise ProblemError(400, "the body is nested too deeply", code="not-json") from None
    return _of_lines(kind, "\n".join(lines).encode())


def _check_count(rows: int) -> None:
    if rows > MOST_ROWS:
        raise ProblemError(413, f"more than {MOST_ROWS:,} rows at once; send them in parts")


def _of_lines(kind: RowKind, lines: bytes) -> Iterator[Record]:
    """The rows; one that is too long to be read is bad, and the last."""
    source = Lines(io.BufferedReader(io.BytesIO(lines)))
    try:
        yield from JsonRecords(source).read(kind)
    except DamageError as damage:
        yield Record(source.number + 1, {}, "", f"{damage}; nothing after it was read")


def _take(desk: Desk, token: Token, kind: RowKind, records: Iterator[Record]) -> Any:
    now, vocabulary = desk.clock(), Vocabulary.of(desk.config())
    file = f"{PUSHED_BY}{token.name}"
    result = ingest_records(desk.store, records, kind, file, now, vocabulary)
    _tell_source(desk, token, result)
    taken = _taken(result)
    good = taken["new"] + taken["same"] + taken["corrected"] + result.resolutions.new
    if result.bad_count and not good:
        first = result.bad[0]
        more = f" (and {result.bad_count - 1} more)" if result.bad_count > 1 else ""
        raise ProblemError(
            422,
            f"{first.reason}{more}",
            code="input",
            at=str(first.line - 1),
            errors=[{"at": str(b["index"]), "message": b["reason"]} for b in taken["bad"]],
        )
    return taken


def _tell_source(desk: Desk, token: Token, result: IngestResult) -> None:
    """Where a source of watch.toml pushes under its name as a token, it was heard."""
    tables = desk.config().sources
    if any(table.id == token.name and table.kind == "push" for table in tables):
        desk.store.sources.heard(token.name, desk.clock(), result.added.new)


def _taken(result: IngestResult) -> dict[str, Any]:
    added = result.added
    return {
        "kind": result.kind,
        "new": added.new,
        "same": added.same,
        "corrected": added.corrected,
        "bad_count": result.bad_count,
        "bad": [{"index": b.line - 1, "reason": b.reason} for b in result.bad[:MOST_BAD_SHOWN]],
        "strange": [
            {"what": what, "name": name, "rows": rows}
            for (what, name), rows in sorted(result.strange.items())[:MOST_BAD_SHOWN]
        ],
        "unclear": [{"question": name, "lacks": lacks} for name, lacks in result.unclear],
    }
