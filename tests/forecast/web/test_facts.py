"""Facts pushed in: good rows kept, bad ones told by their place, twice is once."""

import json
from typing import Any

import pytest

from forecast.store import Store
from tests.forecast.web.api_desk import API, NOW, QUESTION, ApiDesk, a_question, a_report, lines


@pytest.fixture
def desk(store: Store) -> ApiDesk:
    return ApiDesk(store)


def push(desk: ApiDesk, content: bytes, media: str = "application/json", **more: Any) -> Any:
    headers = {"Content-Type": media} | more
    return desk.ask("POST", f"{API}/reports", by="write", content=content, headers=headers)


def stored(desk: ApiDesk) -> list[str]:
    return sorted(one.report_id for one in desk.store.pages.of("reports", 1000).rows)


def test_one_report_is_taken_in_and_again_adds_nothing(desk: ApiDesk) -> None:
    first, second = desk.post("/reports", a_report()), desk.post("/reports", a_report())
    assert (first.json()["new"], second.json()["same"]) == (1, 1)
    assert stored(desk) == ["r1"]
    corrected = desk.post("/reports", a_report(summary="They voted"))
    assert corrected.json()["corrected"] == 1


@pytest.mark.parametrize("form", ["array", "lines"])
def test_good_rows_are_kept_and_bad_ones_told_by_their_place(desk: ApiDesk, form: str) -> None:
    rows = [a_report(1), a_report(2, reliability="Q"), a_report(3), {"unit": "harbour"}]
    if form == "array":
        answer = desk.post("/reports", rows)
    else:
        answer = push(desk, lines(rows), "application/x-ndjson; charset=utf-8")
    told = answer.json()
    assert (answer.status_code, told["new"], told["bad_count"]) == (200, 2, 2)
    assert [bad["index"] for bad in told["bad"]] == [1, 3]
    assert "is not a letter from A to F" in told["bad"][0]["reason"]
    assert stored(desk) == ["r1", "r3"]
    kept = desk.get("/quarantine?file=pushed%20by%20write").json()["items"]
    assert sorted(row["line"] for row in kept) == [2, 4]


def test_where_no_row_is_good_it_is_a_problem_with_all_of_them(desk: ApiDesk) -> None:
    answer = desk.post("/reports", [a_report(reliability="Q"), 5])
    assert (answer.status_code, answer.json()["at"]) == (422, "0")
    assert [one["at"] for one in answer.json()["errors"]] == ["0", "1"]


def test_no_rows_are_no_mistake(desk: ApiDesk) -> None:
    assert desk.post("/reports", []).json()["new"] == 0
    assert push(desk, b"\n\n", "application/x-ndjson").json()["new"] == 0


def test_every_kind_of_fact_can_be_pushed(desk: ApiDesk) -> None:
    name = QUESTION["question_id"]
    rows = {
        "questions": QUESTION,
        "reports": a_report(),
        "events": {"unit": "harbour", "definition": "strike", "occurred_at": "2025-10-01"},
        "crowd": {"question_id": name, "at": "2025-11-10", "probability": "40%", "source": "us"},
        "exposure": {"unit": "harbour", "from": "2025-01-01", "to": ""},
        "resolutions": {"question_id": name, "outcome": "no", "known_at": "2025-11-19"},
    }
    for kind, row in rows.items():
        answer = desk.post(f"/{kind}", row)
        assert (answer.status_code, answer.json()["new"]) == (200, 1), (kind, answer.text)
    assert desk.get(f"/questions/{name}").json()["stage"] == "no"


def test_an_outcome_that_contradicts_what_stands_is_refused(desk: ApiDesk) -> None:
    desk.store.add_questions([a_question()], NOW)
    row = {"question_id": QUESTION["question_id"], "outcome": "maybe", "known_at": "2025-11-19"}
    assert desk.post("/resolutions", row).status_code == 422


def test_names_that_nobody_knows_are_taken_and_told(desk: ApiDesk) -> None:
    told = desk.post("/reports", a_report(tag="union.balot")).json()
    assert told["strange"] == [{"what": "tag", "name": "union.balot", "rows": 1}]


def test_ten_thousand_rows_are_one_request(desk: ApiDesk) -> None:
    rows = [a_report(number) for number in range(10_000)]
    assert push(desk, lines(rows), "application/x-ndjson").json()["new"] == 10_000


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 100_000, 400),
        (b"1" * 5000, 400),
        (b"null", 422),
        (b"NaN", 422),
        (b'{"unit": "\\ud800", "tag": "x", "occurred_at": "2025-01-01"}', 422),
        (b'{"unit": "a\\u0000b", "tag": "x", "occurred_at": "2025-01-01"}', 422),
        (b'{"unit": "a", "tag": "x", "occurred_at": "2025-01-01", "value": NaN}', 422),
        (b'{"unit": "a", "tag": "x", "occurred_at": "2025-01-01", "value": 1e999}', 422),
        (b'{"unit": "a", "tag": {}, "occurred_at": "2025-01-01"}', 422),
        (b'{"unit": "a", "tag": "x", "occurred_at": "99999-01-01"}', 422),
        (b'{"\\ud800": 1}', 422),
    ],
)
def test_what_is_hostile_is_refused_and_nothing_is_lost(
    desk: ApiDesk, content: bytes, status: int
) -> None:
    desk.post("/reports", a_report())
    answer = push(desk, content)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert stored(desk) == ["r1"]


def test_a_line_beyond_all_measure_ends_the_reading_and_what_came_before_is_kept(
    desk: ApiDesk,
) -> None:
    rows = [a_report(1), a_report(2, summary="x" * (2 << 20)), a_report(3)]
    told = push(desk, lines(rows), "application/x-ndjson").json()
    assert (told["new"], told["bad_count"]) == (1, 1)
    assert "nothing after it was read" in told["bad"][0]["reason"]


def test_other_kinds_of_body_are_refused(desk: ApiDesk) -> None:
    assert push(desk, b"unit,tag", "text/csv").status_code == 415


def test_a_key_gives_the_first_answer_again(desk: ApiDesk) -> None:
    body = lines([a_report()])
    first = push(desk, body, **{"Idempotency-Key": "k1"})
    second = push(desk, body, **{"Idempotency-Key": "k1"})
    assert first.json() == second.json()
    assert second.json()["new"] == 1
    assert second.headers["idempotency-replayed"] == "true"
    other = push(desk, lines([a_report(2)]), **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["at"]) == (422, "Idempotency-Key")
    assert stored(desk) == ["r1"]


def test_a_refusal_is_kept_under_its_key_too(desk: ApiDesk) -> None:
    body = json.dumps({"unit": "harbour"}).encode()
    first = push(desk, body, **{"Idempotency-Key": "k1"})
    second = push(desk, body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.status_code == 422


def test_a_source_that_pushes_under_its_name_is_heard(desk: ApiDesk) -> None:
    from forecast.access import Scope

    secret = desk.token("pusher", Scope.WRITE)
    desk.post("/reports", [a_report(1), a_report(2)], by=secret)
    [source] = desk.get("/sources").json()["items"]
    assert (source["health"], source["total"]) == ("works", 2)
