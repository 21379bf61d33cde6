"""Whether the process lives, is of use, and what it counts."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from forecast.alert import Delivery
from forecast.evidence import Report
from forecast.store import Store
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question
from tests.forecast.web.test_reading import fill

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(store: Store) -> ApiDesk:
    return ApiDesk(store)


def metrics(desk: ApiDesk) -> dict[tuple[str, str], float]:
    """Samples of gauges by their name and label."""
    text = desk.ask("GET", "/metrics").text
    return {
        (sample.name.removeprefix("tocsin_"), ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.type == "gauge"
    }


def test_it_is_ready_where_the_store_and_the_scheduler_are_there(store: Store) -> None:
    desk = ApiDesk(store, pulse=lambda: 3.0)
    store.ledger.claim_run("daily", NOW - MINUTE, "me", NOW - MINUTE, MINUTE)
    answer = desk.ask("GET", "/readyz", by=None)
    assert answer.json() == {
        "status": "ready",
        "scheduler_pulse_age": 3.0,
        "newest_run_age": 60.0,
    }


def test_it_is_not_ready_where_the_scheduler_is_dead_and_says_so(store: Store) -> None:
    answer = ApiDesk(store, pulse=lambda: 600.0).ask("GET", "/readyz", by=None)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"] == "the scheduler has not ticked for 600 seconds"


def test_it_is_not_ready_on_a_store_of_another_version_and_yet_alive(desk: ApiDesk) -> None:
    from sqlalchemy import text

    with desk.store._database.engine.begin() as connection:
        connection.execute(text("UPDATE tocsin_schema SET version_num = '0001'"))
    answer = desk.ask("GET", "/readyz", by=None)
    assert (answer.status_code, "another version" in answer.text) == (503, True)
    assert desk.ask("GET", "/healthz", by=None).status_code == 200


def test_what_is_counted_is_what_is_in_the_store(desk: ApiDesk) -> None:
    fill(desk.store)
    late = NOW - 5 * MINUTE
    desk.store.record(
        deliveries=[Delivery("d2", "desk", "firing", late, late, {})], recorded_at=NOW
    )
    desk.store.ledger.claim_run("daily", NOW - MINUTE, "me", NOW - MINUTE, MINUTE, 4)
    desk.store.add_questions([a_question(question_id="never estimated")], NOW)
    found = metrics(desk)
    assert found["questions_open", ""] == 2
    assert (found["estimates", "healthy"], found["estimates", "none"]) == (1, 1)
    assert found["deliveries", "due"] == 2
    assert found["oldest_due_delivery_age_seconds", ""] == 2 * 3600
    assert found["missed_slots", ""] == 4
    assert found["runs", "running"] == 1
    assert found["rules", "firing"] == 1
    assert found["channels", "failing"] == 1
    assert found["newest_estimate_age_seconds", ""] == 3600


def test_units_with_news_are_counted_and_how_long_they_wait(desk: ApiDesk) -> None:
    desk.store.add_questions([a_question()], NOW - 3 * MINUTE)
    at = NOW - 2 * MINUTE
    desk.store.add_reports([Report("r", "harbour", "union.ballot", at, at)], at)
    found = metrics(desk)
    assert found["due_units", ""] == 1
    assert found["oldest_due_unit_age_seconds", ""] >= 120


def test_the_labels_of_metrics_stay_few_whatever_is_asked(desk: ApiDesk) -> None:
    for number in range(20):
        desk.get(f"/questions/q{number}")
        desk.get(f"/nothing/{number}")
        desk.ask("BREW", f"/api/v1/{number}")
    text = desk.ask("GET", "/metrics").text
    lines = [line for line in text.splitlines() if "duration_seconds_count" in line]
    assert len(lines) < 8
    assert any('path="/questions/{question}"' in line for line in lines)
