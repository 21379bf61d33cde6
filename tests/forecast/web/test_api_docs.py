"""What docs/api.md names is there: paths, kinds and keys of the table."""

import re
import tomllib
from pathlib import Path

from forecast.requests import KINDS
from forecast.store import open_store
from forecast.web_table import Web
from tests.conftest import NewUrl
from tests.forecast.web.api_desk import API, ApiDesk

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def plain(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def paths_in(section: str) -> set[str]:
    """The paths of a section's table; a later one of a row may leave out how it begins."""
    found: set[str] = set()
    table = PAGE.partition(f"## {section}")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| (`/.*?) \|", table, re.MULTILINE):
        first = ""
        for path in re.findall(r"`(/[^`?]*)", row):
            is_whole = plain(path).count("/") > 1 or not first.count("/") > 1
            whole = path if is_whole else first.rpartition("/")[0] + path
            first = first or path
            found.add(plain(whole))
    return found


def test_every_path_that_is_named_is_there_and_none_is_left_out(new_sqlite_url: NewUrl) -> None:
    with open_store(new_sqlite_url()) as store:
        schema = ApiDesk(store).app.openapi()["paths"]
    there = {plain(path.removeprefix(API)): set(methods) for path, methods in schema.items()}
    reading = {path for path, methods in there.items() if "get" in methods}
    asking = {path for path, methods in there.items() if "post" in methods}
    left_out = {"/healthz", "/readyz", "/metrics", "/requests/{}", "/backtests/{}"}
    assert paths_in("Reading") == reading - left_out
    facts = {"/reports", "/events", "/questions", "/resolutions", "/crowd", "/exposure"}
    assert paths_in("Asking for something to be done") == asking - facts - {"/requests"}


def test_every_kind_of_request_is_named() -> None:
    assert {kind for kind in KINDS if f"`{kind}`" not in PAGE} == set()


def test_the_table_shows_every_key_as_it_is_by_default() -> None:
    [text] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert Web.model_validate(tomllib.loads(text)["web"]) == Web()
    assert tomllib.loads(text)["web"].keys() == Web.model_fields.keys()
