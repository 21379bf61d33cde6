"""What the pages of lists share, and what each of them asks for and refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from forecast.access import Request
from forecast.store import open_store
from forecast.web.pages.alarms import named
from forecast.web.pages.lists import doing_words, quiet_blanks
from tests.conftest import NewUrl
from tests.forecast.html_pages import parsed
from tests.forecast.web.api_desk import NOW, ApiDesk, config_of
from tests.forecast.web.pages.full_desk import MORE, a_candidate, fill
from tests.forecast.web.pages.reader import Reader

PAGES = (
    "/inbox",
    "/alerts",
    "/alerts/deliveries",
    "/alerts/deliveries/f00d",
    "/priors/strike/versions/2?with=1",
    "/sources",
    "/sources/runs",
    "/sources/requests",
    "/priors",
    "/priors/strike",
    "/record",
)
ACTS = (
    ("/alerts/acknowledge", {"rule": "likely", "subject": "strike-by-christmas"}, "write"),
    ("/alerts/silence", {"rule": "likely", "subject": "x", "reason": "so"}, "write"),
    ("/alerts/silences/end", {"silence": "s1"}, "write"),
    ("/alerts/channels/enable", {"channel": "pager"}, "admin"),
    ("/alerts/deliveries/replay", {"delivery": "f00d"}, "write"),
    ("/sources/do", {"what": "pull", "name": "gazette"}, "write"),
    ("/sources/do", {"what": "run", "name": "daily"}, "write"),
    ("/sources/do", {"what": "pause", "name": "daily"}, "admin"),
    ("/sources/do", {"what": "resume", "name": "daily"}, "admin"),
    ("/inbox", {"what": "confirm", "candidate": "c"}, "write"),
)
BELOW = {"write": "read", "admin": "write"}


type Readers = dict[str, Reader]


@pytest.fixture(scope="module")
def readers(new_sqlite_url: NewUrl) -> Iterator[Readers]:
    """Somebody of each scope before one full desk: signing in has a pace of its own."""
    with open_store(new_sqlite_url()) as store:
        fill(store)
        desk = ApiDesk(store, config_of(MORE))
        found = {scope: Reader(desk) for scope in ("read", "write", "admin")}
        for scope, reader in found.items():
            reader.sign_in(scope)
            reader.get("/priors")
        yield found


@pytest.mark.parametrize("at", ["/", "/alerts", "/priors", "/priors/strike/versions/2"])
@pytest.mark.parametrize("number", ["9" * 5000, "-1", "²", "last"])
def test_a_page_that_there_is_not_is_the_nearest(readers: Readers, at: str, number: str) -> None:
    assert readers["read"].get(f"{at}?page={number}").status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_valid_html_with_a_title_and_nothing_inline(
    readers: Readers, path: str
) -> None:
    reader = readers["admin"]
    answer = reader.get(path)
    assert answer.status_code == 200
    page = parsed(reader.page)
    assert not [e for e in page.iter() if any(n.startswith("on") or n == "style" for n in e.attrib)]
    assert not [script for script in page.iter("script") if script.text]
    ids = [e.get("id") for e in page.iter() if e.get("id")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("path", "fields", "scope"), ACTS)
def test_what_takes_a_wider_scope_is_refused_whatever_the_page_showed(
    readers: Readers, path: str, fields: dict[str, Any], scope: str
) -> None:
    reader = readers[BELOW[scope]]
    store = reader.desk.store
    before = store.pages.of("requests", 99).rows
    assert reader.post(path, headers=None, **fields).status_code == 403
    assert store.pages.of("requests", 99).rows == before


def test_a_cursor_that_nobody_handed_out_is_refused(readers: Readers) -> None:
    reader = readers["read"]
    for path in ("/inbox", "/alerts/deliveries", "/sources/runs", "/sources/requests"):
        assert reader.get(f"{path}?after=eyJhIjoxfQ").status_code == 422, path


def test_what_was_never_believed_is_not_there(readers: Readers) -> None:
    reader = readers["read"]
    assert reader.get("/priors/nothing").status_code == 404


def test_blanks_at_the_ends_of_a_piece_are_kept_and_markup_is_not() -> None:
    assert quiet_blanks(" a  <b>\n") == " a &lt;b&gt; "
    assert quiet_blanks("  ") == " "


def test_a_request_is_told_in_words() -> None:
    told: dict[str, Any] = {"candidate": a_candidate(7).candidate_id}
    assert doing_words(Request("r", "reject_candidate", told, "ann", NOW)) == "reject 00000000"
    told = {"deliveries": ["a", "b"]}
    assert doing_words(Request("r", "replay", told, "ann", NOW)) == "send again a, b"
    assert doing_words(Request("r", "set_prior", {"definition": "d"}, "ann", NOW)) == "set prior d"


def test_patterns_are_told_as_a_person_would_write_them() -> None:
    assert named(("*",), "everything") == "everything"
    assert named(("a[*]b", "c-*"), "everything") == "a*b, c-*"
