"""Who is signed in, for how long, and what another site can have a browser do here: nothing."""

from datetime import timedelta

import pytest

from forecast.access import Scope, digest_of
from tests.forecast.web.api_desk import API, NOW
from tests.forecast.web.pages.reader import FORM, Reader


def session_of(reader: Reader) -> str:
    return next(value for name, value in reader.cookies.items() if "_session_" in name)


def test_a_page_leads_to_the_form_and_a_token_leads_back_to_the_page(reader: Reader) -> None:
    answer = reader.get("/questions/a%2Fb?as_of=2025-01-01")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fquestions%2Fa%2Fb%3Fas_of%3D2025-01-01"
    signed_in = reader.sign_in(to="/questions/a/b?as_of=2025-01-01")
    assert signed_in.status_code == 303
    assert signed_in.headers["location"] == "/questions/a/b?as_of=2025-01-01"
    assert reader.get("/").status_code == 200


def test_the_cookie_is_for_the_server_alone_and_secure_where_the_desk_is(reader: Reader) -> None:
    told = reader.sign_in().headers["set-cookie"]
    assert "HttpOnly" in told
    assert "SameSite=strict" in told
    assert "Max-Age=43200" in told
    assert "Secure" not in told
    table = reader.desk.config.web.model_copy(update={"public_url": "https://desk.example"})
    reader.desk.config = reader.desk.config.model_copy(update={"web": table})
    reader.cookies.clear()
    assert "Secure" in reader.sign_in().headers["set-cookie"]


def test_the_store_knows_a_session_by_its_hash_alone(reader: Reader) -> None:
    reader.sign_in()
    sessions, secret = reader.desk.store.access.sessions, session_of(reader)
    assert sessions.token_of(secret, NOW) is None
    found = sessions.token_of(digest_of(secret), NOW)
    assert found is not None
    assert found.name == "write"


@pytest.mark.parametrize("how", ["signed out", "revoked", "expired", "too old"])
def test_a_session_ends_at_once(reader: Reader, how: str) -> None:
    secret = reader.desk.token("brief", Scope.READ, NOW + timedelta(hours=1))
    reader.sign_in(secret)
    assert reader.get("/").status_code == 200
    kept = dict(reader.cookies)
    match how:
        case "signed out":
            assert reader.post("/sign-out").headers["location"] == "/sign-in"
        case "revoked":
            reader.desk.store.access.revoke_token("brief", NOW)
        case "expired":
            reader.desk.now += timedelta(hours=1)
        case _:
            reader.sign_in("write")
            kept = dict(reader.cookies)
            reader.desk.now += timedelta(hours=12)
    reader.cookies = kept  # a copy of the cookie is worth nothing either
    assert reader.get("/").status_code == 303
    assert reader.get("/questions/x/history.json").status_code == 401


@pytest.mark.parametrize("secret", ["tocsin_nonsense", "nonsense", "", "tocsin_" + "x" * 5000])
def test_what_is_no_token_begins_no_session(reader: Reader, secret: str) -> None:
    answer = reader.sign_in(secret)
    assert answer.status_code == 401
    assert "This token is not known." in answer.text
    assert not any("_session_" in name for name in reader.cookies)


def test_whoever_guesses_has_to_wait(reader: Reader) -> None:
    answers = [reader.sign_in(f"tocsin_{n}").status_code for n in range(11)]
    assert answers == [401] * 10 + [429]
    assert int(reader.sign_in("tocsin_11").headers["retry-after"]) > 0
    assert reader.sign_in("write").status_code == 303, "a right one is let in all the same"


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/%0d%0a", "javascript:1", ""],
)
def test_signing_in_leads_nowhere_else(reader: Reader, to: str) -> None:
    assert reader.sign_in(to=to).headers["location"] in ("/", "/%0d%0a")


def test_a_form_of_another_session_or_of_none_changes_nothing(reader: Reader) -> None:
    other = Reader(reader.desk)
    other.sign_in()
    other.get("/")
    reader.sign_in()
    reader.get("/")
    for mark in ("", "0" * 64, other.page.partition('name="csrf" value="')[2][:64], "é"):
        answer = reader.post("/sign-out", csrf=mark)
        assert answer.status_code == 403
        assert "This form is of another session" in answer.text
    assert reader.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "", "Origin": ""},
    ],
)
def test_what_another_site_sends_is_refused(reader: Reader, headers: dict[str, str]) -> None:
    reader.sign_in()
    reader.get("/")
    answer = reader.post("/sign-out", headers=headers)
    assert answer.status_code == 403
    assert "This was sent from another site" in answer.text


def test_an_origin_of_ours_is_enough_for_old_browsers(reader: Reader) -> None:
    reader.sign_in()
    reader.get("/")
    headers = {"Origin": "http://testserver", "Content-Type": FORM}
    mark = reader.page.partition('name="csrf" value="')[2][:64]
    cookie = "; ".join(f"{k}={v}" for k, v in reader.cookies.items())
    answer = reader.desk.ask(
        "POST", "/sign-out", by=None, headers=headers | {"Cookie": cookie}, content=f"csrf={mark}"
    )
    assert answer.status_code == 303


def test_a_cookie_opens_nothing_of_the_api_and_a_token_no_page(reader: Reader) -> None:
    reader.sign_in("admin")
    reader.get("/")
    assert reader.get(f"{API}/questions").status_code == 401
    assert reader.post(f"{API}/reports").status_code == 401
    assert reader.get("/metrics").status_code == 401
    assert reader.desk.ask("GET", "/", by="admin").status_code == 303


def test_pages_bear_a_policy_of_their_own_and_are_not_kept(reader: Reader) -> None:
    reader.sign_in()
    for path in ("/", "/nothing"):
        headers = reader.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert headers["cache-control"] == "private, no-store"
    api = reader.desk.get("/units").headers
    assert api["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_styles_are_kept_for_ever_under_the_name_of_their_content(reader: Reader) -> None:
    page = reader.get("/sign-in").text
    path = page.partition('href="/static/')[2].partition('"')[0]
    answer = reader.get(f"/static/{path}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert reader.get(f"/static/0000000000.{path.partition('.')[2]}").status_code in (303, 404)


def test_errors_are_pages_where_people_look_and_problems_where_programs_do(reader: Reader) -> None:
    assert reader.get("/nothing").status_code == 303
    reader.sign_in()
    answer = reader.get("/nothing")
    assert answer.status_code == 404
    assert "<h1>There is nothing here</h1>" in answer.text
    assert reader.post("/questions/x/estimate").status_code == 404
    assert reader.get("/questions/x/history.json").headers["content-type"] == (
        "application/problem+json"
    )
    assert reader.desk.get("/nothing").headers["content-type"] == "application/problem+json"
