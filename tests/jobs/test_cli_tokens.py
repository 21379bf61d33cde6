"""`tocsin tokens`, as people type it."""

import json
from pathlib import Path
from typing import Any

import pytest

from forecast.access import digest_of
from tests.jobs.desk import Desk, make_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make_desk(tmp_path_factory.mktemp("desk"))


def answer(desk: Desk, *arguments: str) -> dict[str, Any]:
    result = desk.run("tokens", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    body: dict[str, Any] = json.loads(result.stdout)
    return body


def test_a_token_is_printed_once_kept_as_a_hash_and_revoked(desk: Desk) -> None:
    made = desk.run("tokens", "create", "grafana", "--scope", "read", "--expires", "90 days")
    secret = made.stdout.strip()
    assert made.returncode == 0
    assert secret.startswith("tocsin_")
    assert "it is not shown again" in made.stderr
    assert secret not in made.stderr
    with desk.store() as store:
        found = store.access.token_of(digest_of(secret))
        assert found is not None
    content = b"".join(path.read_bytes() for path in Path(desk.folder).glob("tocsin.db*"))
    assert secret.encode() not in content
    [one] = answer(desk, "list")["tokens"]
    assert (one["name"], one["scope"], one["state"]) == ("grafana", "read", "live")
    assert "grafana" in desk.run("tokens", "list").stdout
    assert answer(desk, "revoke", "grafana")["revoked"] == "grafana"
    assert answer(desk, "list")["tokens"][0]["state"] == "revoked"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "a", "--expires", "soon"), "neither a time such as '90 days'"),
        (("create", "a", "--expires", "2020-01-01"), "is over already"),
        (("create", " "), "1 to 100 characters"),
        (("create", "a", "--scope", "all"), "--scope"),
        (("revoke", "nobody"), "no token 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    result = desk.run("tokens", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
