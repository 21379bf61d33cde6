"""Requests are done as the commands do it, once, and say in a line what went wrong."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.access import Request, RequestStatus
from forecast.alert import ChannelHealth, ChannelState
from forecast.evidence import Outcome, Report
from forecast.requests import KINDS
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.notify import form_due
from jobs.requests import answer_due
from jobs.requests.act import Act
from jobs.requests.answering import DOES, LEASE, QUICK, SLOW
from tests.jobs.notice_desk import HOUR, NOW, WATCH, app_on, deliver, fires

MINUTE = timedelta(minutes=1)
MORE = """
[[schedules]]
id = "daily"
cron = "0 5 * * *"

[[digests]]
id = "weekly"
cron = "0 8 * * mon"
channels = ["log"]

[[channels]]
id = "log"
kind = "log"

[[sources]]
id = "pusher"
kind = "push"
brings = "reports"
"""
QUESTION = {
    "question_id": "long",
    "title": "A long strike?",
    "unit": "harbour",
    "definition": "strike",
    "deadline": "2026-02-01T00:00:00Z",
    "resolution_criteria": "Yes if the port says so, as reported by the port.",
}


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    (tmp_path / "watch.toml").write_text(WATCH + MORE)
    app = app_on(store, tmp_path)
    return replace(app, watch=Watch(tmp_path, parse_config(WATCH + MORE)))


def ask(app: App, kind: str, name: str = "req", **arguments: Any) -> None:
    app.store.access.ask(Request(name, kind, arguments, "ada", NOW))


def clock() -> Any:
    return NOW


def answered(app: App, kind: str, **arguments: Any) -> Request:
    """What a request came to."""
    name = f"req-{kind}-{len(app.store.pages.of('requests', 1000).rows)}"
    ask(app, kind, name, **arguments)
    assert answer_due(app, clock, "me") == 1
    found = app.store.access.request(name)
    assert found is not None
    return found


def done(app: App, kind: str, **arguments: Any) -> dict[str, Any]:
    """The result of a request that is done."""
    found = answered(app, kind, **arguments)
    assert found.status is RequestStatus.DONE, found.error
    assert found.result is not None
    return found.result


def refused(app: App, kind: str, **arguments: Any) -> str:
    """Why a request was not done."""
    found = answered(app, kind, **arguments)
    assert found.status is RequestStatus.FAILED, found.result
    assert found.error is not None
    return str(found.error["message"])


def done_twice(app: App, kind: str, **told: Any) -> Any:
    """The results of a request that was done, and again because nobody heard of it."""
    ask(app, kind, "twice", **told)
    app.store.access.claim_request(NOW, "dead", LEASE)
    held = app.store.access.request("twice")
    assert held is not None
    act = Act("ada", NOW, False, "dead", clock)
    first = DOES[kind](app, KINDS[kind].arguments.model_validate(told), act)
    answer_due(app, lambda: NOW + LEASE, "me")
    again = app.store.access.request("twice")
    assert again is not None
    assert again.status is RequestStatus.DONE, again.error
    return first, again.result


def test_all_that_can_be_asked_for_is_done_by_somebody() -> None:
    assert set(DOES) == set(KINDS) == QUICK | SLOW


def test_a_question_is_resolved_in_the_name_of_who_asked(app: App) -> None:
    told = done(app, "resolve", question="q", outcome="void", reason="moot")
    end = app.store.resolution("q")
    assert end is not None
    assert (end.outcome, end.author, end.known_at) == (Outcome.VOID, "ada", NOW)
    assert told["outcome"] == "void"
    assert "was resolved void" in refused(app, "resolve", question="q", outcome="no", reason="x")
    assert done(app, "reopen", question="q", reason="a slip")["is_taken_back"]
    assert app.store.resolution("q") is None


def test_a_question_is_opened_only_if_it_can_be_checked(app: App) -> None:
    told = done(app, "open_question", **QUESTION)
    assert (told["question"], told["is_new"]) == ("long", True)
    words = refused(app, "open_question", **QUESTION | {"unit": "harbor", "question_id": "b"})
    assert "did you mean 'harbour'" in words


def test_an_episode_is_acknowledged_silenced_and_rings_again(app: App) -> None:
    fires(app)
    told = done(app, "acknowledge", rule="likely", subject="q", note="on it")
    assert (told["episode"], told["author"], told["is_first"]) == (1, "ada", True)
    silence = done(app, "silence", reason="a drill", units=["harbour"], lasts="2 hours")
    assert (silence["covers"] > 0, silence["firing"]) == (True, 1)
    [one] = app.store.alerts.silences()
    assert (one.author, one.ends_at) == ("ada", NOW + 2 * HOUR)
    done(app, "end_silence", silence=one.silence_id)
    assert app.store.alerts.silences(until=NOW) == []


def test_what_was_given_up_is_sent_again_and_a_channel_switched_on(app: App) -> None:
    fires(app)
    form_due(app, NOW)
    [dead] = deliver(app, dead=True)
    assert done(app, "replay", deliveries=[dead.delivery_id]) == {"deliveries": [dead.delivery_id]}
    assert "still to be sent" in refused(app, "replay", deliveries=[dead.delivery_id])
    state = ChannelState("desk", ChannelHealth.DISABLED, NOW, "gone")
    app.store.alerts.add_channel_state(state, NOW)
    assert done(app, "enable_channel", channel="desk")["channel"] == "desk"
    assert app.store.alerts.channel_states()["desk"].author == "ada"


def test_a_prior_is_changed_in_the_file_and_on_record_by_who_asked(app: App) -> None:
    told = done(
        app,
        "set_prior",
        definition="strike",
        key="base_rate",
        reason="news",
        words="5%..9% per month",
    )
    assert told == {"definition": "strike", "version": 2}
    last = app.store.latest_prior("strike")
    assert last is not None
    assert (last.author, last.reason) == ("ada", "news")
    assert 'base_rate = "5%..9% per month"' in (app.watch.folder / "watch.toml").read_text()
    words = refused(app, "set_prior", definition="strike", key="nothing", words="5%", reason="x")
    assert "no belief 'nothing'" in words


def test_reports_are_joined_and_split(app: App) -> None:
    at = [NOW - 300 * HOUR, NOW - 2 * HOUR]
    some = [Report(f"r{n}", "harbour", "union.x", when, when) for n, when in enumerate(at)]
    app.store.add_reports(some, NOW - HOUR)
    told = done(app, "join_incidents", reports=["r0", "r1"], reason="one vote")
    assert [one["report"] for one in told["assignments"]] == ["r1"]
    placed = app.store.placed_reports("harbour", NOW + MINUTE)
    assert len({p.report.incident_id for p in placed if p.until is None}) == 1
    assert "no report 'r9'" in refused(app, "join_incidents", reports=["r9"], reason="x")


def test_a_schedule_and_a_source_are_paused_and_go_on(app: App) -> None:
    for what, key in (("schedule", "daily"), ("source", "pusher")):
        done(app, f"pause_{what}", **{what: key, "reason": "holiday"})
        done(app, f"resume_{what}", **{what: key})
        assert f"there is no {what} 'x'" in refused(app, f"pause_{what}", **{what: "x"})
    row, _ = app.store.schedules.listed()
    assert (row.paused, row.author) == (False, "ada")
    done(app, "pause_schedule", schedule="digest:weekly", reason="holiday")
    _, digest = app.store.schedules.listed()
    assert (digest.schedule_id, digest.paused) == ("digest:weekly", True)


def test_an_update_estimates_what_fits(app: App) -> None:
    config = parse_config(WATCH.replace('["union.*"]', "[]").replace("[[rules]]", "[[rules]]", 1))
    app = replace(app, watch=replace(app.watch, config=config))
    assert "no question fits nothing" in refused(app, "update", questions=["nothing"])
    told = done(app, "update", questions=["q"])
    assert (told["estimates"], told["failures"]) == (1, [])
    assert app.store.latest_estimate("q") is not None


def test_a_candidate_that_is_not_there_is_said_to_be_none(app: App) -> None:
    for kind in ("confirm_candidate", "reject_candidate"):
        assert "no candidate 'c'" in refused(app, kind, candidate="c", reason="x")


def test_one_that_fails_stops_no_other_and_says_where(app: App) -> None:
    ask(app, "reopen", "one", question="none", reason="x")
    ask(app, "resolve", "two", question="q", outcome="void", reason="moot")
    assert answer_due(app, clock, "me") == 2
    one, two = (app.store.access.request(name) for name in ("one", "two"))
    assert one
    assert two
    assert one.error == {"code": "usage", "message": "there is no question 'none'", "at": None}
    assert two.status is RequestStatus.DONE


def test_arguments_of_another_version_are_refused_and_not_done(app: App) -> None:
    ask(app, "resolve", question="q", outcome="void", reason="moot", also="this")
    assert answer_due(app, clock, "me") == 1
    found = app.store.access.request("req")
    assert found is not None
    assert found.error is not None
    assert found.error["at"] == "arguments.also"
    assert app.store.resolution("q") is None


def test_only_the_quick_ones_are_done_where_only_these_are_asked_for(app: App) -> None:
    ask(app, "update", "slow", questions=["q"])
    ask(app, "reopen", "quick", question="q", reason="x")
    assert answer_due(app, clock, "me", kinds=QUICK) == 1
    slow = app.store.access.request("slow")
    assert slow is not None
    assert slow.status is RequestStatus.WAITING


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("resolve", {"question": "q", "outcome": "void", "reason": "moot"}),
        ("open_question", QUESTION),
        ("silence", {"reason": "a drill", "lasts": "2 hours"}),
        ("acknowledge", {"rule": "likely", "subject": "q"}),
        (
            "set_prior",
            {
                "definition": "strike",
                "key": "base_rate",
                "words": "5%..9% per month",
                "reason": "x",
            },
        ),
        ("pause_schedule", {"schedule": "daily", "reason": "holiday"}),
        ("run_schedule", {"schedule": "digest:weekly"}),
    ],
)
def test_what_is_done_twice_after_a_crash_is_done_once(
    app: App, kind: str, told: dict[str, Any]
) -> None:
    fires(app)
    done_twice(app, kind, **told)
    assert len(app.store.ends.said("q", NOW + HOUR)) == (kind == "resolve")
    assert len(app.store.alerts.silences()) == (kind == "silence")
    assert len(app.store.alerts.acknowledgements()) == (kind == "acknowledge")
    assert len(app.store.prior_versions("strike")) == (2 if kind == "set_prior" else 0)
    assert len(app.store.deliveries(channel="log")) == (kind == "run_schedule")


def test_what_was_taken_back_and_sent_again_twice_is_so_once(app: App) -> None:
    done(app, "resolve", question="q", outcome="void", reason="moot")
    later = NOW + MINUTE
    ask(app, "reopen", "back", question="q", reason="a slip")
    app.store.access.claim_request(later, "dead", LEASE)
    told = {"question": "q", "reason": "a slip"}
    act = Act("ada", later, False, "dead", lambda: later)
    DOES["reopen"](app, KINDS["reopen"].arguments.model_validate(told), act)
    answer_due(app, lambda: later + LEASE, "me")
    back = app.store.access.request("back")
    assert back is not None
    assert back.status is RequestStatus.DONE, back.error
    fires(app)
    form_due(app, NOW)
    [dead] = deliver(app, dead=True)
    first, again = done_twice(app, "replay", deliveries=[dead.delivery_id])
    assert first == again
