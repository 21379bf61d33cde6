"""The record: what it says while little has ended, and when it is made anew."""

from dataclasses import replace

from forecast.evidence import Outcome, Resolution
from forecast.store import Store
from tests.forecast.report_samples import estimate
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question
from tests.forecast.web.pages.full_desk import DAY, fill
from tests.forecast.web.pages.reader import Reader


def test_an_empty_desk_says_what_a_record_takes(reader: Reader) -> None:
    reader.sign_in("read")
    reader.get("/record")
    assert "No question with forecasts has ended yet" in reader.page


def test_before_any_deadline_is_over_nothing_is_said_of_calibration(store: Store) -> None:
    """Of questions that are not due only those that came true have ended."""
    ahead = replace(a_question(), opens_at=NOW - 9 * DAY, deadline=NOW + 9 * DAY)
    store.add_questions([ahead], NOW - 9 * DAY)
    said = replace(estimate(0, 0.2), question_id=ahead.question_id, as_of=NOW - 8 * DAY)
    store.record(estimates=[said], recorded_at=NOW - 8 * DAY)
    yes = Resolution(ahead.question_id, Outcome.YES, NOW - DAY, "by the port")
    store.add_resolutions([yes], NOW - DAY)
    reader = Reader(ApiDesk(store))
    reader.sign_in("read")
    reader.get("/record")
    assert "Of 1 question that ended 1 came true" in reader.page
    assert "no deadline is over" in reader.page
    assert "Reliability diagram" not in reader.page


def test_another_end_is_in_the_record_after_a_moment(store: Store) -> None:
    fill(store)
    reader = Reader(ApiDesk(store))
    reader.sign_in("read")
    reader.get("/record")
    assert "Of 36 questions" in reader.page
    one = Resolution("strike-by-christmas", Outcome.VOID, NOW, "void")
    store.add_resolutions([replace(one, question_id="past-0")], NOW)
    kept = reader.desk.app.state.record
    reader.get("/record")
    assert "Of 36 questions" in reader.page  # who looks does not wait
    kept._maker.join()
    reader.get("/record")
    assert "Of 35 questions" in reader.page
