"""What a row says of its times: a question asks about an age that can be counted in days."""

import pytest

from forecast.intake.rows import KINDS
from forecast.question import Question

QUESTIONS = KINDS["questions"]


def _cells(opens_at: str, deadline: str) -> dict[str, str]:
    stated = {"question_id": "q", "title": "Will it?", "unit": "u", "definition": "strike"}
    window = {"opens_at": opens_at, "deadline": deadline}
    return dict.fromkeys(QUESTIONS.known(), "") | stated | window


@pytest.mark.parametrize(
    ("opens_at", "deadline", "words"),
    [
        ("1799-12-31", "2025-02-01", "opens_at: 1799-12-31 is before the year 1800"),
        ("2025-01-01", "3000-01-01", "deadline: 3000-01-01 is after the year 2999"),
    ],
)
def test_a_question_of_another_age_is_a_bad_row(opens_at: str, deadline: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        QUESTIONS.facts(_cells(opens_at, deadline), "questions.csv")


def test_a_question_may_be_as_wide_as_history_is_counted() -> None:
    (question,) = QUESTIONS.facts(_cells("1800-01-01", "2999-12-31"), "questions.csv")
    assert isinstance(question, Question)
    assert question.deadline.year == 2999
