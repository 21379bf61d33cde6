"""What /openapi.json says beyond what FastAPI knows: the guard, and what can go wrong."""

from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from forecast.web.guard import HEALTH
from forecast.web.problems import MEDIA_TYPE, Problem

_WORDS = {
    "400": "What was sent is not HTTP, JSON or text that can be stored.",
    "401": "There is no token, or none that opens anything.",
    "403": "The token's scope is too narrow.",
    "404": "There is nothing of that name.",
    "409": "The same is being done, or was held by a gate.",
    "413": "The body is too long.",
    "415": "The body is of another kind.",
    "421": "The host name is not ours.",
    "422": "What was sent cannot be; `at` names the place.",
    "429": "The token asks too often; Retry-After says when it may again.",
    "500": "A defect of ours.",
    "503": "The store is away; Retry-After says when to come again.",
}
_READING = ("400", "401", "403", "404", "421", "422", "429", "500", "503")
_WRITING = (*_READING, "409", "413", "415")
_TEXT = {"schema": {"type": "string"}}
_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_HEADERS = {
    "401": {"WWW-Authenticate": _TEXT},
    "403": {"WWW-Authenticate": _TEXT},
    "429": {"Retry-After": {"schema": {"type": "string"}}},
    "503": {"Retry-After": _TEXT},
}


def describe(app: FastAPI) -> None:
    """Have the application say all of it; made once, when it is first asked for."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(make())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(schema: dict[str, Any]) -> dict[str, Any]:
    schemas = schema["components"]["schemas"]
    told = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= told.pop("$defs", {}) | {"Problem": told}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schema["components"]["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "`tocsin tokens create NAME --scope read` makes one.",
        }
    }
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    return schema


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    if path in HEALTH:
        responses["500"] = _problem("500")
        if path == HEALTH[1]:
            responses["503"] = _problem("503")
        return
    operation["security"] = [{"token": []}]
    for status in _READING if method == "get" else _WRITING:
        responses[status] = _problem(status)
    if method == "get":
        responses["304"] = {"description": "It is as it was: If-None-Match named its ETag."}
        responses["200"]["headers"] = {"ETag": _TEXT}
        operation.setdefault("parameters", []).append(
            {"name": "If-None-Match", "in": "header", "required": False} | _TEXT
        )
    elif "202" in responses:
        done = {"content": responses["202"].get("content", {}), "description": "It was done."}
        responses["202"]["headers"] = {"Location": _TEXT}
        responses["200"] = done


def _problem(status: str) -> dict[str, Any]:
    found = {"description": _WORDS[status]} | _PROBLEM
    return found | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
