"""`tocsin questions`, as people type it."""

import json
from pathlib import Path
from typing import Any

import pytest

from forecast.clock import DAY, parse_instant, utc_now
from forecast.evidence import Event
from tests.jobs.desk import Desk, make_desk

CRITERIA = "Yes if workers of the port walk out for a whole shift, as reported by the port."


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path)


def answer(desk: Desk, *arguments: str) -> dict[str, Any]:
    result = desk.run("questions", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    body: dict[str, Any] = json.loads(result.stdout)
    assert body.pop("schema_version") == 1
    return body


def said(desk: Desk, *arguments: str) -> str:
    result = desk.run("questions", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def refused(desk: Desk, *arguments: str) -> str:
    """The one line of a refusal, which is a matter of usage."""
    result = desk.run("questions", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    return line


def opening(**changes: str) -> list[str]:
    options = {
        "id": "q-next",
        "title": "A strike next season?",
        "unit": "harbour",
        "definition": "strike",
        "deadline": f"{utc_now() + 90 * DAY:%Y-%m-%d}",
        "criteria": CRITERIA,
    }
    given = options | {name.replace("_", "-"): text for name, text in changes.items()}
    return ["open", *(part for name, text in given.items() for part in (f"--{name}", text))]


def states(body: dict[str, Any]) -> dict[str, str]:
    return {q["question_id"]: q["state"] for q in body["questions"]}


def test_the_list_says_where_questions_stand_and_how_many_were_voided(desk: Desk) -> None:
    body = answer(desk)
    assert states(body) == {"q-strike": "open", "q-long": "open"}
    assert (body["void_rate"], body["void_rate_words"]) == (None, "none has ended yet")
    assert "2 open, 0 awaiting an outcome; none has ended yet" in said(desk)
    answer(desk, "void", "q-long", "--reason", "the port keeps no records")
    answer(desk, "resolve", "q-strike", "yes", "--reason", "seen")
    body = answer(desk, "list", "--state", "void")
    assert states(body) == {"q-long": "void"}
    assert body["counts"] == {"open": 0, "awaiting": 0, "yes": 1, "no": 0, "void": 1, "resolved": 2}
    assert body["void_rate"] == 0.5
    assert "2 ended: 1 yes, 0 no, 1 void (void rate 50 %, 1 of 2)" in said(desk, "list", "q-*")


def test_the_list_can_be_narrowed_and_says_where_nothing_fits(desk: Desk) -> None:
    assert states(answer(desk, "list", "q-s*", "--unit", "harbour")) == {"q-strike": "open"}
    assert "no question fits" in refused(desk, "list", "x*")
    assert "no question fits" in refused(desk, "--unit", "airport")
    assert "options go after the command `show`" in refused(desk, "--json", "show", "q-strike")


def test_a_question_is_opened_shown_resolved_and_reopened(desk: Desk) -> None:
    made = answer(desk, *opening())
    assert (made["is_new"], made["resolution_criteria"]) == (True, CRITERIA)
    acted = answer(desk, "resolve", "q-next", "yes", "-m", "the port says so", "--by", "bob")
    assert (acted["act"], acted["author"], acted["resolution"]["outcome"]) == (
        "resolved yes",
        "bob",
        "yes",
    )
    between = utc_now().isoformat()
    assert answer(desk, "reopen", "q-next", "-m", "another port")["resolution"] is None
    shown = answer(desk, "show", "q-next")
    assert shown["question"]["state"] == "open"
    assert [(v["act"], v["author"], v["reason"]) for v in shown["versions"]] == [
        ("stated", "bob", "the port says so"),
        ("reopened", "ada", "another port"),
    ]
    assert answer(desk, "show", "q-next", "--as-of", between)["question"]["state"] == "yes"
    assert states(answer(desk, "--as-of", between))["q-next"] == "yes"
    words = said(desk, "show", "q-next")
    for part in (
        "state       open",
        f"criteria    {CRITERIA}",
        "asks for    strike at harbour",
        "an event known later corrects the no",
        "No event is known in its window.",
        "yes stated by bob",
        "the yes reopened by ada",
        ": another port",
    ):
        assert part in words


def test_a_question_that_cannot_be_checked_is_refused_in_one_line(desk: Desk) -> None:
    words = refused(desk, *opening(criteria="A strike soon", definition="strik"))
    assert words.startswith("tocsin: q-next: cannot be checked: its criteria state no condition")
    assert "did you mean 'strike'?" in words
    assert "--reason" in refused(desk, "resolve", "q-strike", "yes")
    assert set(states(answer(desk))) == {"q-strike", "q-long"}


def test_a_vague_word_is_pointed_out_on_stderr(desk: Desk) -> None:
    vague = "Yes if there is a major walkout of a whole shift, as reported by the port."
    result = desk.run("questions", *opening(criteria=vague))
    assert result.returncode == 0
    assert "two readers may take 'major' differently" in result.stderr


def test_events_decide_and_are_shown_with_what_follows(desk: Desk) -> None:
    ago = utc_now() - 3 * DAY
    with desk.store() as store:
        store.add_events([Event("e1", "harbour", "long-strike", ago, ago, "All berths.")], ago)
    shown = answer(desk, "show", "q-strike")
    assert [(e["event_id"], e["counts"], e["is_late"]) for e in shown["events"]] == [
        ("e1", True, False)
    ]
    assert shown["question"]["resolution"]["is_derived"]
    assert "counts  e1  long-strike on" in said(desk, "show", "q-strike")
    assert "recorded at the next update" in said(desk, "show", "q-strike")
    assert "reopen or void it first" in refused(desk, "resolve", "q-strike", "no", "-m", "no")
    put_aside = answer(desk, "reopen", "q-long", "-m", "it was six days")
    assert put_aside["events_put_aside"] == ["e1"]
    assert states(answer(desk)) == {"q-strike": "yes", "q-long": "open"}


def test_a_word_says_what_follows_for_nested_questions(desk: Desk) -> None:
    acted = answer(desk, "resolve", "q-long", "yes", "-m", "seen")
    (follows,) = acted["follows"]
    assert (follows["question_id"], follows["resolution"]["outcome"]) == ("q-strike", "yes")
    words = said(desk, "reopen", "q-long", "-m", "not seen")
    assert "  q-strike: open" in words


@pytest.mark.parametrize(
    ("at", "words"),
    [("2999-01-01", "has not come yet"), ("yesterday", "--at: 'yesterday' is not a date")],
)
def test_a_time_that_cannot_be_is_refused(desk: Desk, at: str, words: str) -> None:
    assert words in refused(desk, "resolve", "q-strike", "yes", "-m", "seen", "--at", at)


def test_today_means_now_and_another_day_its_end(desk: Desk) -> None:
    day = utc_now() - 2 * DAY
    known = answer(desk, "resolve", "q-long", "yes", "-m", "seen", "--at", f"{day:%Y-%m-%d}")
    assert known["known_at"] == f"{day:%Y-%m-%d}T23:59:59Z"
    today = answer(desk, "void", "q-strike", "-m", "unclear", "--at", f"{utc_now():%Y-%m-%d}")
    assert parse_instant(today["known_at"]) <= utc_now()


def test_ingest_names_questions_that_cannot_be_checked(desk: Desk) -> None:
    rows = "question_id,title,unit,definition,opens_at,deadline\n"
    rows += "a,A?,harbour,strike,2026-01-01,2999-01-01\n"
    result = desk.run("ingest", "-", stdin=rows)
    assert result.returncode == 0
    assert "question 'a': its criteria are empty" in result.stderr
    body = json.loads(desk.run("ingest", "-", "--json", stdin=rows).stdout)
    assert body["files"][0]["unclear"] == [{"question_id": "a", "criteria": "are empty"}]
