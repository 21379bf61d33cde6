"""A person is asked about each candidate; nothing is written before the last answer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forecast.candidate import Candidate, Status
from jobs.app import App
from jobs.tagging.asking import CONFIRMED, LATER, Verdict, ask_each, write
from jobs.tagging.judging import Mended
from jobs.tagging.loading import tagger_of
from tests.jobs.tagging.packs import NOW, article, open_desk, tagger

ARTICLE = article("Dockers walked out at the harbour. A ballot opens at the harbour. Talks resume.")


def answers(*given: str) -> Callable[[str], str]:
    told: Iterator[str] = iter(given)
    return lambda _words: next(told)


@pytest.fixture
def found() -> list[Candidate]:
    return tagger().tag(ARTICLE)


def said(found: list[Candidate], *given: str) -> list[Verdict] | None:
    verdicts = ask_each(found, answers(*given))
    return None if verdicts is None else [verdicts[one.candidate_id] for one in found]


def test_each_is_accepted_mended_rejected_or_left_for_later(found: list[Candidate]) -> None:
    mended = Verdict(Status.CONFIRMED, Mended(value=0.7))
    assert said(found, "a", "e", "value=0.7", "") == [CONFIRMED, mended, LATER]
    rejected = Verdict(Status.REJECTED, reason="old")
    assert said(found, "r", "old", "l", "Accept") == [rejected, LATER, CONFIRMED]


def test_all_accepts_this_and_the_rest(found: list[Candidate]) -> None:
    assert said(found, "l", "all") == [LATER, CONFIRMED, CONFIRMED]


def test_an_answer_that_says_nothing_is_asked_again(found: list[Candidate]) -> None:
    assert said(found[:1], "what", "e", "value=", "e", "colour=red", "e", "", "a") == [CONFIRMED]


def test_who_quits_has_said_nothing(found: list[Candidate]) -> None:
    assert said(found, "a", "q") is None


def test_what_was_said_is_done(tmp_path: Path, sqlite_url: str) -> None:
    with open_desk(tmp_path, sqlite_url) as app:
        tag(app)
        stands = {one.rule_id: one.status for one in app.store.tagging.candidates(None)}
        assert stands == {
            "walkout": Status.CONFIRMED,
            "ballot": Status.REJECTED,
            "talks": Status.WAITING,
        }
        (report,) = app.store.reports("harbour", NOW)
        assert report.value == 0.7
        tag(app)  # again: what was said stands
        assert len(app.store.tagging.candidates(None)) == 3


def tag(app: App) -> None:
    reader = tagger_of(app.watch)
    assert reader is not None
    found = reader.tag(ARTICLE)
    verdicts = ask_each(found, answers("e", "value=0.7", "r", "", "l"))
    assert verdicts is not None
    write(app, [ARTICLE], found, verdicts, "ada", NOW)
