"""Who comes in, how often and with how much; and what every answer bears."""

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from datetime import timedelta
from typing import Any

import pytest

from forecast.access import Scope
from forecast.store import Store, open_store
from tests.forecast.web.api_desk import API, NOW, ApiDesk, a_report, config_of


@pytest.fixture
def desk(store: Store) -> ApiDesk:
    return ApiDesk(store)


@pytest.fixture
def light(sqlite_url: str) -> Iterator[ApiDesk]:
    """Where the database does not matter."""
    with open_store(sqlite_url) as store:
        yield ApiDesk(store)


def test_nothing_but_the_health_is_told_without_a_token(light: ApiDesk) -> None:
    for path in ("/healthz", "/readyz"):
        assert light.ask("GET", path, by=None).status_code == 200
    paths = [f"{API}/questions", f"{API}/nothing", "/metrics", "/openapi.json", "/api"]
    for path in paths:
        answer = light.ask("GET", path, by=None)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == 'Bearer realm="tocsin"'
        assert answer.headers["content-type"] == "application/problem+json"


def test_metrics_may_be_public(light: ApiDesk) -> None:
    table = light.config.web.model_copy(update={"public_metrics": True})
    light.config = light.config.model_copy(update={"web": table})
    assert light.ask("GET", "/metrics", by=None).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer tocsin_nonsense", "Bearer nonsense", "Basic YTpi", "Bearer ", "x" * 9000]
)
def test_what_is_no_token_opens_nothing(light: ApiDesk, header: str) -> None:
    answer = light.ask("GET", f"{API}/units", by=None, headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_revoked_and_an_expired_token_open_nothing_and_say_so(desk: ApiDesk) -> None:
    brief = desk.token("brief", Scope.READ, NOW + timedelta(minutes=1))
    assert desk.get("/units", by=brief).status_code == 200
    desk.now = NOW + timedelta(minutes=1)
    answer = desk.get("/units", by=brief)
    assert (answer.status_code, answer.json()["detail"]) == (401, "this token has expired")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    desk.store.access.revoke_token("read", desk.now)
    assert desk.get("/units").json()["detail"] == "this token was revoked"


@pytest.mark.parametrize(
    ("by", "method", "path", "status"),
    [
        ("read", "POST", "/reports", 403),
        ("write", "POST", "/reports", 200),
        ("read", "POST", "/updates", 403),
        ("write", "POST", "/updates", 202),
        ("write", "POST", "/channels/desk/enable", 403),
        ("admin", "POST", "/channels/desk/enable", 202),
        ("write", "GET", "/tokens", 403),
        ("admin", "GET", "/tokens", 200),
    ],
)
def test_a_scope_does_what_it_may_and_no_more(
    light: ApiDesk, by: str, method: str, path: str, status: int
) -> None:
    body = a_report() if path == "/reports" else None
    answer = light.ask(method, f"{API}{path}", by=by, json=body)
    assert answer.status_code == status
    if status == 403:
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_whoever_guesses_tokens_has_to_wait_and_is_logged_once(
    light: ApiDesk, caplog: pytest.LogCaptureFixture
) -> None:
    newer = light.token("newer", Scope.READ)
    assert light.get("/units").status_code == 200
    answers = [light.get("/units", by=f"tocsin_{n}") for n in range(14)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 4
    assert int(answers[-1].headers["retry-after"]) > 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert light.get("/units", by=newer).status_code == 200  # never seen before, and right
    assert light.get("/units").status_code == 200


def test_that_a_token_is_used_is_seen(desk: ApiDesk) -> None:
    desk.get("/units")
    used = {t["name"]: t["last_used_at"] for t in desk.get("/tokens", by="admin").json()["items"]}
    assert used["read"] == "2025-11-20T12:00:00Z"
    assert used["write"] is None


def test_who_asks_too_often_is_told_when_to_come_again(light: ApiDesk) -> None:
    table = light.config.web.model_copy(update={"burst": 2, "per_minute": 1})
    light.config = light.config.model_copy(update={"web": table})
    found = [light.get("/units") for _ in range(3)]
    assert [answer.status_code for answer in found] == [200, 200, 429]
    assert found[0].headers["ratelimit-policy"] == '"token";q=2;w=120'
    assert found[0].headers["ratelimit"] == '"token";r=1;t=0'
    assert 0 < int(found[2].headers["retry-after"]) <= 60
    assert light.get("/units", by="admin").status_code == 200  # each token has its own


def test_a_body_is_refused_before_it_is_read_where_it_says_its_length(light: ApiDesk) -> None:
    table = light.config.web.model_copy(update={"max_body": 1000})
    light.config = light.config.model_copy(update={"web": table})
    answer = light.ask("POST", f"{API}/reports", by="write", content=b"x" * 1001)
    assert answer.status_code == 413
    assert light.ask("POST", f"{API}/updates", by="write", content=b"x" * 1001).status_code == 413


def test_a_body_that_does_not_say_its_length_is_counted_as_it_comes(light: ApiDesk) -> None:
    table = light.config.web.model_copy(update={"max_body": 1000})
    light.config = light.config.model_copy(update={"web": table})
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 600

    for path in ("/reports", "/updates"):
        answer = light.ask("POST", f"{API}{path}", by="write", content=endless())
        assert answer.status_code == 413
    assert light.store.pages.of("reports", 1).rows == ()


def test_whoever_hangs_up_in_the_middle_of_a_body_is_no_failure_of_ours(light: ApiDesk) -> None:
    headers = {"host": "testserver", "authorization": f"Bearer {light.secrets['write']}"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{API}/reports",
        "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }
    coming: list[MutableMapping[str, Any]] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"[", "more_body": True},
    ]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return coming.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(light.app(scope, receive, send))
    assert (sent, coming) == ([], [])


def test_a_host_that_is_not_ours_is_refused(light: ApiDesk) -> None:
    for host, status in (
        ("evil.example", 421),
        ("testserver", 200),
        ("testserver:8321", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:9", 200),
        ("LOCALHOST", 200),
    ):
        assert light.get("/units", headers={"Host": host}).status_code == status, host
    assert light.ask("GET", "/healthz", by=None, headers={"Host": "10.0.0.1"}).status_code == 200


def test_every_answer_bears_what_browsers_should_know_and_no_cors(light: ApiDesk) -> None:
    for answer in (light.get("/units"), light.get("/nothing"), light.get("/units", by=None)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith("private")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_what_is_as_it_was_is_not_sent_again(light: ApiDesk) -> None:
    first = light.get("/units")
    again = light.get("/units", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert light.get("/units", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/questions/a%00b", 400),
        ("/questions?unit=a%00b", 400),
        ("/questions?unti=x", 422),
        ("/questions?unit=a&unit=b", 422),
        ("/questions?limit=1001", 422),
        ("/questions?limit=99999999999999999999999", 422),
        ("/questions?limit=NaN", 422),
        ("/questions?cursor=bm9uc2Vuc2U", 422),
        ("/questions?cursor=-MQ", 422),
        ("/reports?since=yesterday", 422),
        ("/reports?since=2025-11-20T12:00", 422),
        ("/reports?since=0001-01-01T00:00:00%2B23:00", 422),
        ("/runs?cursor=WzEsMl0", 422),
        ("/questions/%ff/report", 404),
        ("/questions/" + "x" * 5000, 400),
    ],
)
def test_what_cannot_be_is_a_problem_and_never_ours(desk: ApiDesk, path: str, status: int) -> None:
    answer = desk.get(path)
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_a_method_that_is_not_there_is_told_which_are(light: ApiDesk) -> None:
    for path, methods in (("/reports", "GET, POST"), ("/units", "GET"), ("/updates", "POST")):
        answer = light.ask("DELETE", f"{API}{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)


def test_what_is_outside_is_told_and_may_be_tried_again(light: ApiDesk) -> None:
    from sqlalchemy import text

    with light.store._database.engine.begin() as connection:
        connection.execute(text("DROP TABLE question"))
    answer = light.get("/questions")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Traceback" not in answer.text
    assert "at" not in answer.json()  # where the store lies


def test_the_hosts_are_those_of_the_table() -> None:
    web = config_of().web
    assert "testserver" in web.hosts()
    assert "evil.example" not in web.hosts()
