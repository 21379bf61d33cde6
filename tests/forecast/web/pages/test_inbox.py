"""The inbox without a browser: what it refuses, and that nobody's words break it."""

import html

from forecast.candidate import Candidate, Span, Status
from tests.forecast.html_pages import HOSTILE, parsed
from tests.forecast.web.api_desk import NOW
from tests.forecast.web.pages.full_desk import a_candidate
from tests.forecast.web.pages.reader import Reader


def fill(reader: Reader, *candidates: Candidate) -> None:
    reader.desk.store.tagging.add([], candidates, [], NOW)


def test_hostile_words_stay_words_and_the_page_stays_valid(reader: Reader) -> None:
    text = HOSTILE.replace("\x00", "").replace("\ud800", "")
    spans = (Span(0, 8, text[:8], "hit"), Span(9, 20, text[9:20], "unit"))
    told = {"sentence": text, "spans": spans, "title": text, "url": "javascript:alert(1)"}
    fill(reader, a_candidate(1, sentence_start=0, **told))
    reader.sign_in("write")
    assert reader.get("/inbox").status_code == 200
    parsed(reader.page)
    assert "<script>alert" not in reader.page
    assert "javascript:" not in reader.page
    assert html.escape("<script>") in reader.page


def test_a_page_has_twenty_five_and_says_where_the_next_begins(reader: Reader) -> None:
    fill(reader, *(a_candidate(n) for n in range(1, 31)))
    reader.sign_in("read")
    reader.get("/inbox")
    assert reader.page.count("data-candidate") == 25
    [link] = [a.get("href") for a in parsed(reader.page).iter("a") if a.get("rel") == "next"]
    reader.get(str(link))
    assert reader.page.count("data-candidate") == 5
    assert reader.get("/inbox?after=made-up").status_code == 422


def test_what_is_asked_for_without_a_service_is_said_to_wait(reader: Reader) -> None:
    fill(reader, a_candidate(1))
    reader.sign_in("write")
    reader.get("/inbox")
    name = a_candidate(1).candidate_id
    reader.post("/inbox", what="confirm", candidate=name, back="//evil.example")
    reader.get("/inbox")
    assert "1 request for the service to come to" in reader.page
    assert "Asked for; it waits for the service." in reader.page
    assert reader.page.count('value="confirm" data-key') == 0


def test_a_rejection_without_a_reason_and_a_form_of_another_session_ask_for_nothing(
    reader: Reader,
) -> None:
    fill(reader, a_candidate(1))
    reader.sign_in("write")
    reader.get("/inbox")
    name = a_candidate(1).candidate_id
    reader.post("/inbox", what="reject", candidate=name)
    reader.get("/inbox")
    assert "Say why it is rejected" in reader.page
    assert reader.post("/inbox", what="confirm", candidate=name, csrf="0" * 64).status_code == 403
    assert reader.desk.store.pages.of("requests", 9).rows == ()
    assert reader.desk.store.tagging.counts() == {Status.WAITING: 1}
