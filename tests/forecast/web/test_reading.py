"""Every noun can be read: as the commands say it, in pages, and by those who may."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from forecast.alert import (
    Acknowledgement,
    ChannelHealth,
    ChannelState,
    Delivery,
    RuleState,
    Selector,
    Silence,
    State,
    Transition,
)
from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import Assignment, CrowdForecast, Event, Outcome, Report, Resolution
from forecast.prior import PriorVersion
from forecast.reports.as_json import question_json
from forecast.store import BadRow, Store
from forecast.watch import Watch
from jobs.app import App
from jobs.reporting import question_report
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question

NAME = "strike-by-christmas"
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(store: Store) -> ApiDesk:
    return ApiDesk(store)


def an_estimate(p: float = 0.6, hours: int = 1, question: str = NAME) -> Estimate:
    return Estimate(
        *(question, NOW - hours * HOUR, p, Interval(0.4, 0.8), 0.001, Health.HEALTHY),
        *("hazard", "h", "R1", f"digest-{p}-{hours}"),
    )


def a_transition(after: State = State.FIRING) -> Transition:
    return Transition(
        *("likely", NAME, NOW - HOUR, State.OK, after, "fired", "60 % is above 50 %", 1, 0.6)
    )


def fill(store: Store) -> None:
    """A little of everything."""
    at = NOW - 2 * HOUR
    store.add_questions([a_question()], at)
    store.add_reports([Report("r1", "harbour", "union.ballot", at, at, summary="A vote")], at)
    store.add_events([Event("e1", "harbour", "lockout", at, at)], at)
    store.add_crowd([CrowdForecast(NAME, at, 0.5, "a market")], at)
    store.record(
        estimates=[an_estimate(0.4, 2), an_estimate(0.6, 1)],
        states=[(None, RuleState("likely", NAME, State.FIRING, episode=1))],
        transitions=[a_transition()],
        deliveries=[Delivery("d1", "desk", "firing", at, at, {"kind": "firing"})],
        recorded_at=at,
    )
    silence = Silence("s-1", Selector(units=("harbour",)), "ann", "a drill", at, NOW + HOUR)
    store.alerts.add_silence(silence, at)
    store.alerts.acknowledge(Acknowledgement("likely", NAME, 1, "ann", "on it", at))
    state = ChannelState("desk", ChannelHealth.FAILING, at, "refused")
    store.alerts.add_channel_state(state, at)
    store.add_prior_version(PriorVersion("strike", 1, at, "ann", "first version", {"a": "b"}))
    store.quarantine([BadRow("reports.csv", 3, "unit is empty", ",x")], at)


def items(desk: ApiDesk, path: str, **more: Any) -> Any:
    answer = desk.get(path, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_every_list_has_what_there_is(desk: ApiDesk) -> None:
    fill(desk.store)
    told: dict[str, Callable[[Any], bool]] = {
        "/questions": lambda one: one["question"]["question_id"] == NAME,
        "/reports?unit=harbour&tag=union.ballot": lambda one: one["summary"] == "A vote",
        "/events?definition=lockout": lambda one: one["event_id"] == "e1",
        f"/crowd?question={NAME}": lambda one: one["probability"] == 0.5,
        "/incidents?unit=harbour": lambda one: one["grounds"] == ["first"],
        "/alerts?state=firing": lambda one: one["rule_id"] == "likely",
        "/alerts/transitions?rule=likely": lambda one: one["reason"] == "fired",
        "/acknowledgements": lambda one: one["note"] == "on it",
        "/silences": lambda one: one["selector"]["units"] == ["harbour"],
        "/deliveries?status=due": lambda one: one["delivery_id"] == "d1",
        "/channels": lambda one: one["state"]["health"] == "failing",
        "/priors?definition=strike": lambda one: one["author"] == "ann",
        "/quarantine?file=reports.csv": lambda one: one["line"] == 3,
        "/schedules": lambda one: one["id"] == "daily",
        "/sources": lambda one: (one["id"], one["health"]) == ("pusher", "new"),
    }
    for path, holds in told.items():
        [one] = items(desk, path)
        assert holds(one), (path, one)


def test_what_watch_toml_says_is_there_by_name(desk: ApiDesk) -> None:
    assert items(desk, "/units") == {"harbour": {"title": "The harbour"}}
    assert items(desk, "/indicators")["union.ballot"]["half_life"] == "30 days"
    assert items(desk, "/definitions")["strike"]["model"] == "base-rate"
    assert items(desk, "/rules")["likely"]["fire_at"] == "50%"


def test_a_question_says_where_it_stands_and_what_is_likely(desk: ApiDesk) -> None:
    fill(desk.store)
    found = desk.get(f"/questions/{NAME}").json()
    assert (found["stage"], found["estimate"]["probability"]) == ("open", 0.6)
    desk.store.add_resolutions([Resolution(NAME, Outcome.NO, NOW - HOUR, "it is over")], NOW)
    found = desk.get(f"/questions/{NAME}").json()
    assert (found["stage"], found["resolution"]["reason"]) == ("no", "it is over")
    assert items(desk, "/questions")[0]["stage"] == "no"


def test_a_question_whose_deadline_has_passed_is_over_or_awaits_its_end(desk: ApiDesk) -> None:
    desk.store.add_questions([a_question(deadline="2025-11-20T11:00:00+00:00")], NOW)
    desk.store.add_questions([a_question(question_id="other")], NOW)
    asked = a_question(
        question_id="third", definition="flood", deadline="2025-11-20T11:00:00+00:00"
    )
    desk.store.add_questions([asked], NOW)
    found = {q["question"]["question_id"]: q["stage"] for q in items(desk, "/questions")}
    assert found == {NAME: "no", "other": "open", "third": "awaiting"}


def test_a_report_is_to_the_letter_what_the_command_says(desk: ApiDesk, tmp_path: Any) -> None:
    fill(desk.store)
    back = Resolution(NAME, Outcome.NO, NOW - HOUR, "a slip", (), "bob", True)
    said = Resolution(NAME, Outcome.NO, NOW - 2 * HOUR, "it is over", author="bob")
    desk.store.add_resolutions([said], NOW - HOUR)
    desk.store.add_resolutions([back], NOW - HOUR)
    app = App(Watch(tmp_path, desk.config), desk.store)
    told = question_json(question_report(app, desk.store.question(NAME), NOW))
    assert told["question"]["reopened"]["author"] == "bob"
    assert told["rules"][0]["state"] == "firing"
    assert desk.get(f"/questions/{NAME}/report").json() == json.loads(json.dumps(told))


def test_estimates_over_time_are_paged_newest_first(desk: ApiDesk) -> None:
    fill(desk.store)
    first = desk.get(f"/questions/{NAME}/estimates?limit=1")
    assert [e["probability"] for e in first.json()["items"]] == [0.6]
    link = first.headers["link"]
    path = link[link.index("<") + 1 : link.index(">")]
    second = desk.ask("GET", path, by="read").json()
    assert ([e["probability"] for e in second["items"]], second["next"]) == ([0.4], None)


def test_a_list_is_paged_by_its_links_and_loses_nothing_while_rows_come_in(
    desk: ApiDesk,
) -> None:
    fill(desk.store)
    for number in range(2, 6):
        report = Report(f"r{number}", "harbour", "union.ballot", NOW, NOW)
        desk.store.add_reports([report], NOW)
    path, found = "/api/v1/reports?limit=2&unit=harbour", []
    while path:
        answer = desk.ask("GET", path, by="read")
        found += [one["report_id"] for one in answer.json()["items"]]
        link = answer.headers.get("link", "")
        path = link.partition("<")[2].partition(">")[0]
        desk.store.add_reports([Report(f"new{len(found)}", "harbour", "x", NOW, NOW)], NOW)
    assert found == ["r5", "r4", "r3", "r2", "r1"]


def test_every_word_on_an_end_is_there_and_the_one_that_stands(desk: ApiDesk) -> None:
    fill(desk.store)
    desk.store.add_resolutions([Resolution(NAME, Outcome.VOID, NOW - HOUR, "moot")], NOW - HOUR)
    found = desk.get(f"/questions/{NAME}/resolutions").json()
    assert found["standing"]["outcome"] == "void"
    assert [one["resolution"]["reason"] for one in found["items"]] == ["moot"]


def test_a_delivery_is_found_by_the_beginning_of_its_id_with_its_attempts(desk: ApiDesk) -> None:
    fill(desk.store)
    [lent] = desk.store.claim_deliveries(NOW, "me", HOUR, 1)
    desk.store.reschedule(lent, NOW + HOUR, "it was refused", NOW)
    found = desk.get("/deliveries/d").json()
    assert [one["error"] for one in found["attempts"]] == ["it was refused"]


def test_reports_that_a_person_put_together_are_one_incident(desk: ApiDesk) -> None:
    fill(desk.store)
    far = NOW - 500 * HOUR
    desk.store.add_reports([Report("r2", "harbour", "union.ballot", far, far)], NOW - HOUR)
    assert len(items(desk, "/incidents?unit=harbour")) == 2
    [first] = [i for i in items(desk, "/incidents?unit=harbour") if i["grounds"] == ["first"]][:1]
    word = Assignment("r2", first["incident_id"], NOW - HOUR, "ann", "the same vote")
    desk.store.assign([word], NOW - HOUR)
    merged = [i for i in items(desk, "/incidents?unit=harbour") if len(i["reports"]) == 2]
    assert "assigned" in merged[0]["grounds"] or len(merged) == 1


@pytest.mark.parametrize(
    "path",
    [
        *("/questions/none", "/questions/none/report", "/questions/none/estimates"),
        *("/requests/none", "/deliveries/none", "/backtests/none", "/nothing", "/questions/a/b/c"),
    ],
)
def test_what_is_not_there_is_not_found(desk: ApiDesk, path: str) -> None:
    answer = desk.get(path)
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.json()["type"].startswith("urn:tocsin:problem:")


def test_ids_with_slashes_can_be_asked_for(desk: ApiDesk) -> None:
    desk.store.add_questions([a_question(question_id="ports/north?")], NOW)
    found = desk.get("/questions/ports%2Fnorth%3F").json()
    assert found["question"]["question_id"] == "ports/north?"
    assert desk.get("/questions/ports/north%3F/report").status_code == 200


def test_tokens_are_listed_without_anything_that_opens_something(desk: ApiDesk) -> None:
    text = desk.get("/tokens", by="admin").text
    assert "digest" not in text
    assert "tocsin_" not in text
