"""The record: which forecast of a question counts, and when it is made anew."""

from dataclasses import replace
from datetime import timedelta

from forecast.evidence import Event, Outcome, Resolution
from forecast.reports.track_record import Course, Said
from forecast.store import Store
from forecast.web.pages.record import middle_of
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question
from tests.forecast.web.pages.full_desk import DAY, fill
from tests.forecast.web.pages.reader import Reader

QUESTION = replace(a_question(), opens_at=NOW, deadline=NOW + 10 * DAY)


def course(*days: float, event_after: float | None = None) -> Course[Said]:
    history = tuple(Said(NOW + timedelta(days=day), day / 100) for day in days)
    known = NOW + 11 * DAY
    came = None
    if event_after is not None:
        came = Event("e", "harbour", "strike", NOW + timedelta(days=event_after), known)
    return Course(QUESTION, history, Resolution("q", Outcome.YES, known, "so"), came, ())


def test_the_forecast_counts_that_stood_in_the_middle_of_a_questions_time() -> None:
    assert middle_of(course(1, 4, 6, 9)).as_of == NOW + 4 * DAY
    assert middle_of(course(1, 4, 5, 9)).as_of == NOW + 5 * DAY


def test_its_time_ends_with_the_event_that_answered_it() -> None:
    assert middle_of(course(1, 4, 5, 9, event_after=6)).as_of == NOW + 1 * DAY


def test_where_none_stood_by_then_the_first_counts_and_none_from_before_it_opened() -> None:
    assert middle_of(course(-3, 7, 9)).as_of == NOW + 7 * DAY


def test_an_empty_desk_says_what_a_record_takes(reader: Reader) -> None:
    reader.sign_in("read")
    reader.get("/record")
    assert "No question with forecasts has ended yet" in reader.page


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
