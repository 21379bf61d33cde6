"""Opening a question: what is refused, in one line, and what is pointed out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.clock import DAY, parse_instant
from forecast.errors import UsageError
from forecast.store import Store, open_store
from jobs.app import App
from jobs.opening import Opened, open_question
from tests.jobs.ending_desk import CRITERIA, WIDE, desk, event

NOW = parse_instant("2025-06-10T12:00:00Z")


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """That both databases hold what is said here is tested elsewhere."""
    with open_store(sqlite_url) as opened:
        yield opened


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return desk(store, tmp_path, (WIDE,))


def opened(app: App, source: str = "", *, backdated: str = "", **cells: str) -> Opened:
    facts = {
        "question_id": "new",
        "title": "A strike by the end of July?",
        "unit": "u",
        "definition": "strike",
        "deadline": "2025-07-31",
        "resolution_criteria": CRITERIA,
    }
    return open_question(app, facts | cells, source, NOW, is_backdated=bool(backdated))


def refusal(app: App, **facts: str) -> str:
    with pytest.raises(UsageError) as refused:
        opened(app, **facts)
    assert [q.question_id for q in app.store.questions()] == ["q"]
    return str(refused.value)


def test_a_question_opens_now_and_ends_with_the_last_second_of_its_day(app: App) -> None:
    made = opened(app)
    assert (made.is_new, made.notes) == (True, ())
    assert app.store.question("new") == made.question
    assert made.question.opens_at == NOW
    assert made.question.deadline == parse_instant("2025-07-31", end_of_day=True)


def test_the_source_stands_in_the_criteria(app: App) -> None:
    said = opened(app, source="the port", resolution_criteria="Yes if the whole port is shut")
    assert said.question.resolution_criteria == ("Yes if the whole port is shut. Source: the port.")


def test_all_that_is_wrong_is_said_in_one_line(app: App) -> None:
    words = refusal(app, resolution_criteria="A strike by 23:59", definition="strik", unit="w")
    assert words.startswith("new: cannot be checked: its criteria state no condition (Yes if ...)")
    for part in (
        "its criteria name no source",
        "23:59 without a time zone",
        "watch.toml defines no 'strik', so nothing counts; did you mean 'strike'?",
        "watch.toml knows no unit 'w'",
    ):
        assert part in words
    assert "\n" not in words


def test_criteria_that_are_empty_are_refused(app: App) -> None:
    assert "its criteria are empty" in refusal(app, resolution_criteria="")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"deadline": "tomorrow"}, "deadline: 'tomorrow' is not a date"),
        ({"deadline": "2025-07-31T10:00:00"}, "has no time zone"),
        ({"opens_at": "2025-08-01"}, "is not after opens_at"),
        ({"at_least": "none"}, "at_least 'none'"),
        ({"title": " "}, "title is empty"),
        ({"question_id": ""}, "question_id is empty"),
    ],
)
def test_a_window_or_a_name_that_cannot_be_is_refused(
    app: App, facts: dict[str, str], words: str
) -> None:
    assert words in refusal(app, **facts)


def test_a_window_that_is_over_is_refused_unless_it_is_meant(app: App) -> None:
    past = {"opens_at": "2025-05-01", "deadline": "2025-06-09"}
    assert "its deadline 2025-06-09T23:59:59Z has passed (--backdated)" in refusal(app, **past)
    assert opened(app, backdated="yes", **past).is_new


def test_a_question_that_is_answered_already_is_refused_unless_it_is_meant(app: App) -> None:
    app.store.add_events([event("e", "2025-06-05", "2025-06-06")], NOW)
    words = refusal(app, opens_at="2025-06-01")
    assert "it is answered already, yes: strike on 2025-06-05 (e) (--backdated)" in words
    assert opened(app, backdated="yes", opens_at="2025-06-01").is_new


def test_an_event_that_is_not_known_yet_answers_nothing(app: App) -> None:
    app.store.add_events([event("e", "2025-06-05", "2025-06-20")], NOW)
    assert opened(app, opens_at="2025-06-01").is_new


def test_the_same_question_again_adds_nothing_and_other_words_are_refused(app: App) -> None:
    first = opened(app, opens_at="2025-06-01")
    again = opened(app, opens_at="2025-06-01")
    assert (again.is_new, again.question) == (False, first.question)
    with pytest.raises(UsageError, match="there is such a question with other words"):
        opened(app, opens_at="2025-06-01", title="Another?")


def test_vague_words_and_twins_are_pointed_out_and_taken(app: App) -> None:
    cells = {"opens_at": "2025-05-01", "deadline": "2025-06-30"}
    criteria = "Yes if the port is shut for several days, as reported by the port."
    made = opened(app, resolution_criteria=criteria, **cells)
    assert made.is_new
    assert [words[:25] for words in made.notes] == [
        "two readers may take 'sev",
        "'q' asks for the same thi",
    ]


def test_what_is_opened_is_estimated_as_of_its_opening(app: App) -> None:
    question = opened(app).question
    assert question.opens_at <= NOW < NOW + DAY < question.deadline
