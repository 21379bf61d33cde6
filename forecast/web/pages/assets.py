"""Style sheets and scripts, under names that hold their content: kept for ever, never stale."""

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from forecast.web.pages.session import STATIC

router = APIRouter()
_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def assets() -> dict[str, bytes]:
    """Every file by its name, the style sheet of the reports among them."""
    own = files("forecast.web").joinpath("static").iterdir()
    reports = files("forecast.reports").joinpath("templates", "report.css")
    found = [file for file in (*own, reports) if file.name.rpartition(".")[2] in _KINDS]
    return {file.name: file.read_bytes() for file in found}


@cache
def address(name: str) -> str:
    """Where a file is to be had, such as /static/0a1b2c3d4e.report.css."""
    digest = hashlib.sha256(assets()[name]).hexdigest()[:10]
    return f"{STATIC}{digest}.{name}"


@cache
def _by_address() -> dict[str, str]:
    return {address(name): name for name in assets()}


@router.get(STATIC + "{file}")
def asset(file: str) -> Response:
    """A file, under the name of its content alone."""
    name = _by_address().get(f"{STATIC}{file}")
    if name is None:
        raise HTTPException(404)
    kind = f"{_KINDS[name.rpartition('.')[2]]}; charset=utf-8"
    return Response(assets()[name], headers={"Cache-Control": _FOR_EVER}, media_type=kind)
