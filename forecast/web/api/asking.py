"""What changes something else than facts: it is asked for here, and done by `tocsin serve`.

Every request is a row: 202 says where it is to be found. With `Prefer: wait=5` its answer is
waited for. The paths below make the same rows that POST /requests makes.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import reduce
from inspect import Parameter, Signature
from operator import or_
from typing import Annotated, Any, Literal
from urllib.parse import quote

from anyio import sleep
from fastapi import APIRouter, Body, Header
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from forecast.access import Request as Asked
from forecast.access import RequestStatus, Token
from forecast.clock import format_instant
from forecast.requests import KINDS, Kind, Name, read_arguments, stored
from forecast.web.desk import Caller, Desk, TheDesk, require
from forecast.web.idempotency import Key, claim, json_response
from forecast.web.problems import as_bytes, problem

router = APIRouter(tags=["requests"])
LONGEST_WAIT = 30.0  # seconds
_LOOK_EVERY = 0.05
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)
STATUS_OF_CODE = {"held": 409, "outside": 503, "store": 503, "internal": 500}

# Path, kind, and under which names the parts of the path are among the arguments.
PATHS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("/questions/{question:path}/resolve", "resolve", {"question": "question"}),
    ("/questions/{question:path}/reopen", "reopen", {"question": "question"}),
    ("/updates", "update", {}),
    (
        "/alerts/{rule}/{subject:path}/acknowledge",
        "acknowledge",
        {"rule": "rule", "subject": "subject"},
    ),
    ("/silences", "silence", {}),
    ("/silences/{silence}/end", "end_silence", {"silence": "silence"}),
    ("/deliveries/{delivery}/replay", "replay", {"delivery": "deliveries"}),
    ("/channels/{channel}/enable", "enable_channel", {"channel": "channel"}),
    ("/priors/{definition}", "set_prior", {"definition": "definition"}),
    ("/incidents/join", "join_incidents", {}),
    ("/incidents/split", "split_incidents", {}),
    ("/schedules/{schedule}/pause", "pause_schedule", {"schedule": "schedule"}),
    ("/schedules/{schedule}/resume", "resume_schedule", {"schedule": "schedule"}),
    ("/schedules/{schedule}/run", "run_schedule", {"schedule": "schedule"}),
    ("/sources/{source}/pull", "pull_source", {"source": "source"}),
    ("/sources/{source}/pause", "pause_source", {"source": "source"}),
    ("/sources/{source}/resume", "resume_source", {"source": "source"}),
    ("/candidates/{candidate}/confirm", "confirm_candidate", {"candidate": "candidate"}),
    ("/candidates/{candidate}/edit", "edit_candidate", {"candidate": "candidate"}),
    ("/candidates/{candidate}/reject", "reject_candidate", {"candidate": "candidate"}),
)
_LISTS = {"deliveries"}  # arguments of which a path names one

Prefer = Annotated[
    Annotated[str, Field(max_length=200)] | None,
    Header(description="wait=5 waits as many seconds for the answer, 30 at most."),
]


def _asks() -> Any:
    """The body of POST /requests: one model for each kind, told apart by `kind`."""
    models: list[Any] = [
        create_model(
            f"Ask_{kind.name}",
            __config__=ConfigDict(extra="forbid"),
            __doc__=kind.arguments.__doc__,
            kind=(Literal[kind.name], ...),  # type: ignore[arg-type]
            arguments=(kind.arguments, ...),
        )
        for kind in KINDS.values()
    ]
    return Annotated[reduce(or_, models), Field(discriminator="kind")]


Ask: Any = _asks()


async def ask(
    desk: TheDesk,
    token: Caller,
    request: Request,
    wanted: Annotated[Any, Body()],
    key: Key = None,
    prefer: Prefer = None,
) -> Response:
    """Ask for something to be done; see the kinds."""
    kind = KINDS[wanted.kind]
    return await _ask(desk, token, request, kind, wanted.arguments, key, prefer)


ask.__annotations__["wanted"] = Annotated[Ask, Body()]
router.add_api_route("/requests", ask, methods=["POST"], response_model=Asked, status_code=202)


async def _ask(
    desk: Desk,
    token: Token,
    request: Request,
    kind: Kind,
    arguments: BaseModel,
    key: str | None,
    prefer: str | None,
) -> Response:
    require(token, kind.scope)
    told = stored(read_arguments(kind, arguments.model_dump(exclude_unset=True)))
    asked = await run_in_threadpool(_store, desk, token, request, kind, told, key)
    wait = _seconds(prefer)
    if wait:
        asked = await _answered(desk, asked, wait)
    return _response(request, asked, wait)


def _store(
    desk: Desk, token: Token, request: Request, kind: Kind, told: dict[str, Any], key: str | None
) -> Asked:
    """The row of it: under a key that was used, the one that was made then."""
    now = desk.clock()
    name = f"req_{secrets.token_hex(12)}"
    if key is not None:
        seen = claim(desk, token, request, as_bytes([kind.name, told]), key)
        if seen.status:
            found = desk.store.access.request(seen.answer["request_id"])
            assert found is not None
            return found
        now = seen.begun_at
        words = f"{token.token_id}\n{key}\n{format_instant(now)}"
        name = f"req_{hashlib.sha256(words.encode()).hexdigest()[:24]}"
    asked = desk.store.access.ask(Asked(name, kind.name, told, token.name, now))
    if key is not None:
        desk.store.access.answered(token.token_id, key, 202, {"request_id": name})
    return asked


async def _answered(desk: Desk, asked: Asked, seconds: float) -> Asked:
    """The request once there is an answer, or as it is when the time is over."""
    until = time.monotonic() + seconds
    while not asked.status.is_over and time.monotonic() < until:
        await sleep(_LOOK_EVERY)
        found = await run_in_threadpool(desk.store.access.request, asked.request_id)
        assert found is not None
        asked = found
    return asked


def _seconds(prefer: str | None) -> float:
    found = _WAIT.search(prefer or "")
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


def _response(request: Request, asked: Asked, wait: float) -> Response:
    base = request.url.path.partition("/api/v1")[1]
    headers = {"Location": f"{base}/requests/{quote(asked.request_id)}"}
    if wait:
        headers["Preference-Applied"] = f"wait={wait:.0f}"
    if wait and asked.status is RequestStatus.FAILED and asked.error:
        error = asked.error
        status = STATUS_OF_CODE.get(error["code"], 422)
        return problem(
            *(status, error["message"]),
            code=error["code"],
            at=error["at"],
            headers=headers,
            request=asked.request_id,
        )
    status = 200 if wait and asked.status is RequestStatus.DONE else 202
    return json_response(status, as_json(asked), headers)


def as_json(asked: Asked) -> dict[str, Any]:
    """A request as JSON values."""
    times = ("asked_at", "begun_at", "finished_at")
    found = {name: getattr(asked, name) for name in times}
    told = {name: format_instant(at) if at else None for name, at in found.items()}
    return asdict(asked) | told | {"status": asked.status.value}


def _body_of(kind: Kind, given: set[str], title: str) -> type[BaseModel]:
    """The arguments that the path does not give."""
    fields: dict[str, Any] = {
        name: (
            field.annotation
            if not field.metadata
            else Annotated[(field.annotation, *field.metadata)],
            field,
        )
        for name, field in kind.arguments.model_fields.items()
        if name not in given
    }
    return create_model(
        title, __config__=ConfigDict(extra="forbid"), __doc__=kind.arguments.__doc__, **fields
    )


def _endpoint(path: str, kind: Kind, names: dict[str, str]) -> Callable[..., Any]:
    title = f"{kind.name}_body"
    body = _body_of(kind, set(names.values()), title)
    is_optional = not any(field.is_required() for field in body.model_fields.values())

    async def endpoint(**given: Any) -> Response:
        wanted = given["wanted"]
        said = wanted.model_dump(exclude_unset=True) if wanted is not None else {}
        for part, name in names.items():
            said[name] = [given[part]] if name in _LISTS else given[part]
        return await _ask(
            *(given["desk"], given["token"], given["request"], kind),
            read_arguments(kind, said),
            *(given["key"], given["prefer"]),
        )

    wanted: Any = Annotated[body | None if is_optional else body, Body()]
    parameters = [
        Parameter("desk", Parameter.KEYWORD_ONLY, annotation=TheDesk),
        Parameter("token", Parameter.KEYWORD_ONLY, annotation=Caller),
        Parameter("request", Parameter.KEYWORD_ONLY, annotation=Request),
        *(Parameter(part, Parameter.KEYWORD_ONLY, annotation=Name) for part in names),
        Parameter(
            "wanted",
            Parameter.KEYWORD_ONLY,
            annotation=wanted,
            default=None if is_optional else Parameter.empty,
        ),
        Parameter("key", Parameter.KEYWORD_ONLY, annotation=Key, default=None),
        Parameter("prefer", Parameter.KEYWORD_ONLY, annotation=Prefer, default=None),
    ]
    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    endpoint.__doc__ = kind.arguments.__doc__
    return endpoint


for _path, _name, _names in PATHS:
    router.add_api_route(
        _path,
        _endpoint(_path, KINDS[_name], _names),
        methods=["POST"],
        name=_name,
        response_model=Asked,
        status_code=202,
    )
