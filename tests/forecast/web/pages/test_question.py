"""The page of a question: the report itself, as of now or of then, and what its buttons do."""

import csv
from datetime import timedelta

import pytest

from forecast.clock import format_instant
from forecast.evidence import Report
from forecast.reports.html import question_html
from forecast.store import Store
from tests.forecast.html_pages import parsed, text_of
from tests.forecast.web.api_desk import NOW, ApiDesk
from tests.forecast.web.pages.reader import Reader, fill

PATH = "/questions/strike-by-christmas"


@pytest.fixture
def at_desk(store: Store) -> Reader:
    fill(store)
    reader = Reader(ApiDesk(store))
    reader.sign_in()
    return reader


@pytest.fixture
def light(reader: Reader) -> Reader:
    """Where the database does not matter."""
    fill(reader.desk.store)
    reader.sign_in()
    return reader


def test_the_page_holds_the_report_to_the_letter(at_desk: Reader) -> None:
    desk = at_desk.desk
    page = at_desk.get(PATH).text
    parsed(page)
    report = desk._report(desk.store.question("strike-by-christmas"), desk.now)
    assert text_of(question_html(report)) in text_of(page)


def test_downloads_are_what_the_command_line_writes(light: Reader) -> None:
    told = light.get(f"{PATH}/report.json").json()
    assert told == light.desk.get("/questions/strike-by-christmas/report").json()
    html = light.get(f"{PATH}/report.html")
    assert html.headers["content-disposition"].startswith("attachment")
    assert "Content-Security-Policy" in html.text
    assert light.get(f"{PATH}/report.md").text.startswith("# ")
    rows = list(csv.DictReader(light.get(f"{PATH}/report.csv").text.splitlines()))
    assert len(rows) == 120
    assert light.get(f"{PATH}/report.exe").status_code == 404


def test_a_permalink_shows_what_was_known_then_and_nothing_since(at_desk: Reader) -> None:
    store = at_desk.desk.store
    page = at_desk.get(PATH).text
    link = page.partition('">Permalink')[0].rpartition('href="')[2]
    before = text_of(at_desk.get(link).text)
    at_desk.desk.now += timedelta(days=3)
    newest = store.latest_estimate("strike-by-christmas")
    assert newest is not None
    late = Report(
        *("r9", "harbour", "union.ballot", NOW - timedelta(days=9), at_desk.desk.now),
        source="Gazette",
        summary="It was known too late.",
    )
    store.add_reports([late], at_desk.desk.now)
    at_desk.sign_in()
    assert text_of(at_desk.get(link).text) == before
    assert "as it stood" in before
    assert "It was known too late." not in at_desk.get(f"{PATH}?as_of=2025-11-01").text


def test_what_is_no_moment_is_refused_in_words(light: Reader) -> None:
    answer = light.get(f"{PATH}?as_of=2025-13-45")
    assert answer.status_code == 422
    assert "'2025-13-45' is not a date or time" in text_of(answer.text)


def test_a_moment_to_come_is_now(light: Reader) -> None:
    now = text_of(light.get(f"{PATH}?as_of={format_instant(NOW)}").text)
    assert text_of(light.get(f"{PATH}?as_of=2031-01-01").text) == now


def test_the_chart_is_drawn_of_the_numbers_of_the_report(light: Reader) -> None:
    told = light.get(f"{PATH}/history.json").json()
    past = light.desk.store.estimates("strike-by-christmas")
    assert told["p"] == [e.probability for e in past]
    assert told["upper"] == [e.interval.upper for e in past]
    assert [level["fires"] for level in told["levels"]] == [0.5]
    assert [(a["rule"], a["fired"]) for a in told["alerts"]] == [("likely", True)]
    older = light.get(f"{PATH}/history.json?as_of=2025-10-01").json()
    assert older["p"] == told["p"][: len(older["p"])]
    assert len(older["p"]) < len(told["p"])


def test_buttons_ask_for_what_is_done_and_say_what_came_of_it(light: Reader) -> None:
    light.get(PATH)
    answer = light.post(f"{PATH}/silence", rule="likely", reason="maintenance", lasts="2 hours")
    assert answer.status_code == 303
    assert "Asked for (req_" in light.get(PATH).text
    assert "Asked for (req_" not in light.get(PATH).text  # it is said once
    asked = light.desk.store.pages.of("requests", 10).rows[0]
    assert asked.author == "write"
    assert asked.arguments == {
        "rules": ["likely"],
        "questions": ["strike-by-christmas"],
        "reason": "maintenance",
        "lasts": "2 hours",
    }
    light.get(PATH)
    assert (
        light.post(f"{PATH}/silence", rule="likely", reason="", lasts="2 hours").status_code == 303
    )
    assert "Not done:" in light.get(PATH).text
    light.post(f"{PATH}/estimate")
    asked = light.desk.store.pages.of("requests", 10).rows[0]
    assert (asked.kind, asked.arguments) == ("update", {"questions": ["strike-by-christmas"]})


def test_who_may_only_read_has_no_buttons_and_cannot_do_without(light: Reader) -> None:
    light.sign_in("read")
    page = light.get(PATH).text
    assert "Estimate now" not in page
    assert "Acknowledge" not in page
    answer = light.post(f"{PATH}/acknowledge", rule="likely")
    assert answer.status_code == 403
    assert light.desk.store.pages.of("requests", 10).rows == ()


def test_a_question_that_is_not_there_is_a_page_that_says_so(light: Reader) -> None:
    for path in ("/questions/nobody", "/questions/nobody/report.html"):
        answer = light.get(path)
        assert answer.status_code == 404
        assert "There is no question 'nobody'." in text_of(answer.text)
