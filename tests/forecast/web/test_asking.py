"""What is asked for is a row, with one answer however often it is asked."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from forecast.access import Request, RequestStatus
from forecast.requests import KINDS
from forecast.store import Store
from forecast.web.api.asking import PATHS
from tests.forecast.web.api_desk import API, NOW, ApiDesk

LEASE = timedelta(minutes=5)
RESOLVE = {"outcome": "yes", "reason": "the port said so"}


@pytest.fixture
def desk(store: Store) -> ApiDesk:
    return ApiDesk(store)


def row(desk: ApiDesk, answer: httpx.Response) -> Request:
    found = desk.store.access.request(answer.json()["request_id"])
    assert found is not None
    return found


def test_a_request_is_a_row_in_the_name_of_the_token_and_says_where_it_is(desk: ApiDesk) -> None:
    answer = desk.post("/questions/q%2F1/resolve", RESOLVE)
    asked = row(desk, answer)
    assert answer.status_code == 202
    assert (asked.kind, asked.author, asked.status) == ("resolve", "write", RequestStatus.WAITING)
    assert asked.arguments == RESOLVE | {"question": "q/1"}
    there = desk.ask("GET", answer.headers["location"], by="read")
    assert there.json() == answer.json()
    assert desk.get("/requests?status=waiting&author=write").json()["items"] == [answer.json()]


def test_the_same_can_be_asked_for_by_its_kind(desk: ApiDesk) -> None:
    body = {"kind": "resolve", "arguments": RESOLVE | {"question": "q1"}}
    one, other = desk.post("/requests", body), desk.post("/questions/q1/resolve", RESOLVE)
    assert row(desk, one).arguments == row(desk, other).arguments


def test_every_kind_of_request_has_a_path_but_opening_a_question() -> None:
    assert set(KINDS) - {kind for _, kind, _ in PATHS} == {"open_question"}


@pytest.mark.parametrize(
    ("path", "body", "at"),
    [
        ("/questions/q/resolve", {"outcome": "maybe", "reason": "x"}, "outcome"),
        ("/questions/q/resolve", {"outcome": "yes"}, "reason"),
        ("/questions/q/resolve", RESOLVE | {"why": "x"}, "why"),
        ("/questions/q/resolve", RESOLVE | {"reason": "a\0b"}, "reason"),
        ("/questions/q/resolve", RESOLVE | {"at": "2025-11-20T12:00:00"}, "at"),
        ("/incidents/join", {"reports": [], "reason": "x"}, "reports"),
        ("/requests", {"kind": "resolve", "arguments": {}}, "arguments.question"),
        ("/requests", {"kind": "hack", "arguments": {}}, "body"),
        ("/requests", [], "body"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_its_place(
    desk: ApiDesk, path: str, body: Any, at: str
) -> None:
    answer = desk.post(path, body)
    assert (answer.status_code, answer.json()["at"]) == (422, at)
    assert desk.get("/requests").json()["items"] == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"outcome": "yes", "reason": "\\ud800"}', 422),
        (b'{"\\ud800": NaN}', 422),
        (b'{"outcome": ' + b"1" * 5000 + b"}", 400),
    ],
)
def test_a_hostile_body_is_refused(desk: ApiDesk, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    answer = desk.ask(
        "POST", f"{API}/questions/q/resolve", by="write", content=content, headers=headers
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


def test_a_key_makes_one_request_however_often_it_is_sent(desk: ApiDesk) -> None:
    key = {"Idempotency-Key": "k"}
    first = desk.post("/questions/q/resolve", RESOLVE, headers=key)
    second = desk.post("/questions/q/resolve", RESOLVE, headers=key)
    assert first.json()["request_id"] == second.json()["request_id"]
    assert len(desk.get("/requests").json()["items"]) == 1
    other = desk.post("/questions/q/resolve", RESOLVE | {"outcome": "no"}, headers=key)
    assert other.status_code == 422


def answered(desk: ApiDesk, prefer: str, **ending: Any) -> httpx.Response:
    """What somebody is told who waits, while the request is done beside it."""

    async def both() -> httpx.Response:
        asked = asyncio.create_task(
            desk._ask(
                "POST",
                f"{API}/questions/q/resolve",
                json=RESOLVE,
                headers={"Authorization": f"Bearer {desk.secrets['write']}", "Prefer": prefer},
            )
        )
        held = None
        while ending and held is None:
            await asyncio.sleep(0.01)
            held = await asyncio.to_thread(desk.store.access.claim_request, NOW, "me", LEASE)
        if held is not None:
            desk.store.access.finish_request(held, NOW, **ending)
        return await asked

    return asyncio.run(both())


def test_who_waits_is_given_the_answer(desk: ApiDesk) -> None:
    answer = answered(desk, "wait=20", result={"outcome": "yes"})
    assert (answer.status_code, answer.json()["result"]) == (200, {"outcome": "yes"})
    assert answer.headers["preference-applied"] == "wait=20"


@pytest.mark.parametrize(
    ("code", "status"), [("usage", 422), ("config", 422), ("held", 409), ("outside", 503)]
)
def test_who_waits_is_told_why_not(desk: ApiDesk, code: str, status: int) -> None:
    error = {"code": code, "message": "it was resolved", "at": "q"}
    answer = answered(desk, "respond-async, wait=20", error=error)
    assert (answer.status_code, answer.json()["detail"]) == (status, "it was resolved")
    assert answer.json()["request"].startswith("req_")


def test_who_has_waited_long_enough_is_told_where_to_look(desk: ApiDesk) -> None:
    answer = answered(desk, "wait=1")
    assert answer.status_code == 202
    assert answer.headers["location"].endswith(answer.json()["request_id"])


def test_every_request_is_in_the_schema_with_its_arguments(desk: ApiDesk) -> None:
    schema = json.loads(desk.ask("GET", "/openapi.json").text)
    assert schema["openapi"].startswith("3.1")
    paths = schema["paths"]
    for path, _, _ in PATHS:
        operation = paths[f"{API}{path.replace(':path', '')}"]["post"]
        assert {"200", "202", "401", "403", "422", "429"} <= set(operation["responses"])
    assert all("/api/v1/" in p or p in ("/healthz", "/readyz", "/metrics") for p in paths)
