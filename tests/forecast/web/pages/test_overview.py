"""The list of all questions: what needs attention first, found by what is asked for."""

import re
from datetime import timedelta

from forecast.alert import RuleState, State
from forecast.evidence import Outcome, Resolution
from forecast.store import Store
from tests.forecast.html_pages import HOSTILE, parsed, text_of
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question
from tests.forecast.web.pages.reader import Reader, fill, history_of


def titles(page: str) -> list[str]:
    return re.findall(r"<h3[^>]*><a [^>]*>(.*?)</a>", page)


def test_a_desk_without_questions_says_how_to_ask_one(reader: Reader) -> None:
    reader.sign_in()
    assert "tocsin questions open" in reader.get("/").text


def test_what_fires_stands_first_with_its_number_its_move_and_its_rule(store: Store) -> None:
    fill(store, others=3)
    reader = Reader(ApiDesk(store))
    reader.sign_in()
    page = reader.get("/").text
    assert titles(page)[0] == "A strike at the harbour by Christmas?"
    text = text_of(page)
    newest = store.latest_estimate("strike-by-christmas")
    assert newest is not None
    assert f"{round(100 * newest.probability)} %" in text
    assert "in 7 days · likely ▲ firing" in text
    assert "likely ○ ok" in text
    assert "model-unhealthy" not in text  # which is built in, and well
    assert "Alerts 1 firing" in text


def test_what_is_said_later_is_there_on_the_next_look(store: Store) -> None:
    question = fill(store, others=2)
    reader = Reader(ApiDesk(store))
    reader.sign_in()
    assert "▲ Alert firing" in reader.get("/").text
    end = Resolution(question.question_id, Outcome.YES, NOW, "it happened", author="ann")
    store.add_resolutions([end], NOW)
    page = reader.get("/").text
    assert "■ Resolved" in page
    store.add_questions([a_question(question_id="new", title="A new one?")], NOW)
    assert "A new one?" in reader.get("/").text
    fired = RuleState("likely", "new", State.FIRING, episode=1, since=NOW)
    store.record(states=[(None, fired)], recorded_at=NOW)
    assert titles(reader.get("/").text)[0] == "A new one?"


def test_time_alone_moves_a_question_on(reader: Reader) -> None:
    reader.desk.store.add_questions([a_question(deadline="2025-11-20T20:00:00Z")], NOW)
    reader.sign_in("read")
    assert "Deadline within a week" in reader.get("/").text
    reader.desk.now += timedelta(hours=9)
    assert "Deadline passed, not resolved" in reader.get("/").text


def test_a_list_goes_on_for_pages_and_is_found_by_words_unit_and_state(reader: Reader) -> None:
    fill(reader.desk.store, others=60)
    reader.sign_in()
    first, last = reader.get("/").text, reader.get("/?page=3").text
    assert len(titles(first)) == 25
    assert len(titles(last)) == 11
    assert not set(titles(first)) & set(titles(last))
    assert "Page 3 of 3" in last
    assert titles(reader.get("/?text=NUMBER+41").text) == ["A quiet thing number 41?"]
    assert len(titles(reader.get("/?state=firing").text)) == 1
    assert "No question fits" in reader.get("/?unit=moon").text
    assert 'href="/?text=quiet&amp;page=2"' in reader.get("/?text=quiet").text


def test_nothing_that_others_wrote_is_markup(reader: Reader) -> None:
    hostile = HOSTILE.replace("\x00", "").replace("\ud800", "")
    named = a_question(question_id=hostile[:300], title=hostile)
    reader.desk.store.add_questions([named], NOW)
    reader.desk.store.record(estimates=history_of(named, 5), recorded_at=NOW)
    reader.sign_in()
    for path in (
        "/",
        "/?text=%3Cscript%3E",
        "/?unit=%22%3E%3Cscript%3E",
        "/questions/%3Cscript%3E",
    ):
        root = parsed(reader.get(path).text)
        assert [e.tag for e in root.iter() if e.tag in ("script", "img")] == []
    page = reader.get("/").text
    link = page.partition('<h3 dir="auto"><a href="')[2].partition('"')[0]
    assert reader.get(link.replace("&#39;", "'")).status_code == 200
