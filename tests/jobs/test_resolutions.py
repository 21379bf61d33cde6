"""A person's word: what is written of it, what follows, and what is refused."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.clock import DAY, parse_instant
from forecast.errors import UsageError
from forecast.evidence import RULE, Outcome, Resolution
from forecast.store import Store, open_store
from jobs.app import App
from jobs.questions import ended
from jobs.resolutions import Acted, reopen, state_outcome
from tests.jobs.ending_desk import EARLY, LONG, OPENS, WIDE, desk, event, question, update

JUNE, LATE = parse_instant("2025-06-10"), parse_instant("2025-08-01")


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """That both databases hold what is said here is tested elsewhere."""
    with open_store(sqlite_url) as opened:
        yield opened


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return desk(store, tmp_path)


def say(app: App, name: str, outcome: Outcome, **changes: object) -> Acted:
    facts: dict[str, object] = {"reason": "as announced", "author": "ada", "now": JUNE}
    return state_outcome(app, name, outcome, **(facts | changes))  # type: ignore[arg-type]


def take_back(app: App, name: str, **changes: object) -> Acted:
    facts: dict[str, object] = {"reason": "a mistake", "author": "bob", "now": JUNE + DAY}
    return reopen(app, name, **(facts | changes))  # type: ignore[arg-type]


def outcomes(app: App, as_of: object = JUNE + 2 * DAY) -> dict[str, str]:
    found = ended(app, app.store.questions(), as_of)  # type: ignore[arg-type]
    return {name: end.outcome.value for name, end in found.items()}


def test_a_word_is_a_row_with_its_author_its_time_and_its_reason(app: App) -> None:
    acted = say(app, "early", Outcome.NO)
    row = Resolution("early", Outcome.NO, JUNE, "as announced", author="ada")
    assert (acted.row, acted.end, acted.notes) == (row, row, ())
    assert app.store.ends.said("early", JUNE + DAY) == [(row, JUNE)]


def test_a_word_may_be_of_the_past_where_nothing_was_known_before(app: App) -> None:
    since = parse_instant("2025-06-02")
    assert say(app, "early", Outcome.YES, at=since).row.known_at == since
    assert outcomes(app, since + DAY)["early"] == "yes"


def test_a_word_that_corrects_what_was_known_counts_from_now_on(app: App) -> None:
    update(app, LATE)
    acted = say(app, "early", Outcome.YES, at=parse_instant("2025-06-20"), now=LATE + DAY)
    assert acted.row.known_at == LATE + DAY
    assert "counts from 2025-08-02T00:00:00Z on" in acted.notes[0]
    assert outcomes(app, LATE + DAY)["early"] == "no"
    assert outcomes(app, LATE + 2 * DAY)["early"] == "yes"


def test_a_no_before_the_deadline_is_taken_and_its_author_is_told(app: App) -> None:
    assert "open until 2025-06-30T23:59:59Z" in say(app, "q", Outcome.NO).notes[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "  "}, "say why"),
        ({"author": ""}, "is no author"),
        ({"author": RULE}, "'rule' is no author"),
        ({"at": JUNE + DAY}, "has not come yet"),
        ({"at": OPENS - DAY}, "it cannot have ended on 2025-04-30T00:00:00Z"),
    ],
)
def test_a_word_without_a_reason_an_author_or_a_possible_time_is_refused(
    app: App, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        say(app, "early", Outcome.YES, **changes)
    assert app.store.ends.said("early", LATE) == []


def test_a_word_on_no_question_names_the_nearest(app: App) -> None:
    with pytest.raises(UsageError, match="did you mean 'early'"):
        say(app, "earl", Outcome.YES)


def test_a_word_stands_until_it_is_taken_back_but_may_be_voided(app: App) -> None:
    say(app, "early", Outcome.YES)
    with pytest.raises(UsageError, match="resolved yes on 2025-06-10 by ada; take that back first"):
        say(app, "early", Outcome.NO, now=JUNE + DAY)
    assert say(app, "early", Outcome.VOID, now=JUNE + DAY).end is not None
    with pytest.raises(UsageError, match="resolved void on 2025-06-11 by ada"):
        say(app, "early", Outcome.VOID, now=JUNE + 2 * DAY)
    assert outcomes(app, JUNE + DAY)["early"] == "yes"
    assert outcomes(app)["early"] == "void"


# Nested questions


def test_a_yes_is_one_of_every_wider_question_and_its_author_is_told(app: App) -> None:
    acted = say(app, "early", Outcome.YES)
    [follows] = acted.follows
    assert follows.question_id == "q"
    assert follows.end is not None
    assert follows.end.reason == "'early', which lies inside it, resolved yes"
    assert outcomes(app) == {"early": "yes", "q": "yes"}
    [back] = take_back(app, "early").follows
    assert (back.question_id, back.end) == ("q", None)
    assert outcomes(app, JUNE + DAY) == {"early": "yes", "q": "yes"}
    assert outcomes(app) == {}


def test_a_no_is_one_of_every_question_inside(app: App) -> None:
    acted = say(app, "q", Outcome.NO)
    assert {f.question_id for f in acted.follows} == {"early", "long"}
    assert outcomes(app) == {"q": "no", "early": "no", "long": "no"}


def test_a_word_against_that_of_a_nested_question_is_refused_and_names_both(app: App) -> None:
    say(app, "q", Outcome.NO)
    with pytest.raises(UsageError) as refused:
        say(app, "long", Outcome.YES, now=JUNE + DAY)
    assert str(refused.value) == (
        "long: 'q', which lies around 'long', was resolved no on 2025-06-10 by ada; "
        "reopen or void it first"
    )
    say(app, "q", Outcome.VOID, now=JUNE + DAY)
    assert say(app, "long", Outcome.YES, now=JUNE + DAY).end is not None


def test_a_no_against_what_events_say_of_a_question_inside_is_refused(app: App) -> None:
    app.store.add_events([event("e", "2025-05-10", "2025-05-11", "long-strike")], JUNE)
    with pytest.raises(
        UsageError, match=r"'early', which lies inside 'q', was resolved yes .* by rule"
    ):
        say(app, "q", Outcome.NO)
    with pytest.raises(
        UsageError, match=r"long-strike on 2025-05-10 \(e\) is a strike in the window"
    ):
        say(app, "early", Outcome.NO)
    assert say(app, "early", Outcome.VOID).end is not None


# Taking back


def test_what_was_taken_back_is_seen_as_of_before(app: App) -> None:
    say(app, "early", Outcome.NO)
    acted = take_back(app, "early")
    assert acted.row == Resolution("early", Outcome.NO, JUNE + DAY, "a mistake", (), "bob", True)
    assert acted.end is None
    assert outcomes(app, JUNE + DAY) == {"early": "no"}
    assert outcomes(app) == {}
    assert say(app, "early", Outcome.NO, now=JUNE + 2 * DAY).row.known_at == JUNE + 2 * DAY


def test_the_same_words_again_after_they_were_taken_back_are_another_row(app: App) -> None:
    at = parse_instant("2025-06-05")
    say(app, "early", Outcome.YES, at=at)
    take_back(app, "early")
    assert say(app, "early", Outcome.YES, at=at, now=JUNE + 2 * DAY).end is not None
    assert outcomes(app, JUNE + 3 * DAY)["early"] == "yes"


def test_a_reopened_yes_puts_its_events_aside_for_that_question_alone(app: App) -> None:
    app.store.add_events(
        [event("e", "2025-05-10", "2025-05-11"), event("f", "2025-05-12", "2025-05-13")], JUNE
    )
    acted = take_back(app, "q")
    assert acted.row.events == ("e", "f")
    assert acted.end is None
    assert outcomes(app) == {"early": "yes"}
    update(app, JUNE + 2 * DAY)
    assert outcomes(app, JUNE + 3 * DAY) == {"early": "yes"}


def test_a_question_whose_grace_is_over_waits_after_it_was_reopened(app: App) -> None:
    assert outcomes(app, LATE)["early"] == "no"
    take_back(app, "early", now=LATE)
    assert "early" not in outcomes(app, LATE + 100 * DAY)
    say(app, "early", Outcome.YES, now=LATE + DAY)
    assert outcomes(app, LATE + 2 * DAY)["early"] == "yes"


def test_what_would_follow_again_is_not_taken_back(app: App) -> None:
    say(app, "early", Outcome.YES)
    with pytest.raises(UsageError, match="'q' would be yes again: 'early', which lies inside it"):
        take_back(app, "q")
    assert outcomes(app)["q"] == "yes"


def test_what_has_not_ended_is_not_reopened(app: App) -> None:
    with pytest.raises(UsageError, match="'q' is not resolved: there is nothing to take back"):
        take_back(app, "q")


def test_events_answer_again_once_a_word_against_them_is_taken_back(app: App) -> None:
    app.store.add_events([event("e", "2025-05-10", "2025-05-11")], JUNE)
    say(app, "early", Outcome.NO)
    acted = take_back(app, "early")
    assert acted.end is not None
    assert (acted.end.outcome, acted.end.known_at) == (Outcome.YES, JUNE + DAY)


def test_a_question_for_several_events_follows_one_that_asks_for_more(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path, (WIDE, LONG, EARLY, question("three", at_least=3)))
    say(app, "three", Outcome.YES)
    assert outcomes(app, JUNE + timedelta(hours=1)) == {"three": "yes", "q": "yes"}
