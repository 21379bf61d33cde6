"""Articles taken in: once each, copies known for copies, and what was rejected remembered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.candidate import MEMORY, RULE_BOOK, Candidate, Status
from forecast.errors import ConflictError, UsageError
from forecast.evidence import Report
from jobs.app import App
from jobs.tagging import take_in
from jobs.tagging.judging import Mended, confirm, edit, history, reject
from tests.jobs.tagging.packs import AT, NOW, article, open_desk

TEXT = "Dockers walked out at the harbour of Hamina on Sunday, and more than 200 ships wait there."
WIRE = f"HAMINA (Reuters) - {TEXT}"


@pytest.fixture
def app(tmp_path: Path, store_url: str) -> Iterator[App]:
    with open_desk(tmp_path, store_url) as opened:
        yield opened


def waiting(app: App) -> list[Candidate]:
    return app.store.tagging.candidates()


def only(app: App) -> Candidate:
    (one,) = waiting(app)
    return one


def reports(app: App, unit: str = "harbour") -> list[Report]:
    return app.store.reports(unit, NOW + timedelta(days=30))


def test_an_article_is_read_once_and_what_it_states_waits(app: App) -> None:
    first = take_in(app, [article(TEXT)], NOW)
    assert (first.articles, first.waiting, first.known) == (1, 1, 0)
    assert first.candidates == (only(app),)
    again = take_in(app, [article(TEXT), article(TEXT)], NOW)
    assert (again.articles, again.known, again.candidates) == (0, 1, ())
    assert len(waiting(app)) == 1
    assert reports(app) == []


def test_an_article_that_states_nothing_is_remembered_too(app: App) -> None:
    assert take_in(app, [article("Rain.")], NOW).articles == 1
    assert take_in(app, [article("Rain.")], NOW).known == 1


def test_what_is_stored_comes_back_as_it_was_found(app: App) -> None:
    (found,) = take_in(app, [article(TEXT)], NOW).candidates
    assert app.store.tagging.named([found.candidate_id]) == {found.candidate_id: found}
    assert {span.role for span in found.spans} == {"hit", "needs", "unit", "date"}


def test_a_confirmed_candidate_is_a_report_and_only_once(app: App) -> None:
    take_in(app, [article(TEXT)], NOW)
    one = only(app)
    for _ in range(2):
        confirm(app, [one.candidate_id[:8]], "ada", NOW)
    (report,) = reports(app)
    assert report.report_id == one.report_id
    assert (report.source, report.url, report.summary) == ("Post", one.url, TEXT)
    assert report.known_at == AT
    assert waiting(app) == []
    assert [w.author for w in history(app, [one])[one.candidate_id]] == ["ada"]


def test_an_edited_candidate_is_the_report_that_the_person_said(app: App) -> None:
    take_in(app, [article(TEXT)], NOW)
    day = AT - timedelta(days=3)
    edit(app, only(app).candidate_id, Mended("rail", "union.ballot", 0.7, day), "ada", NOW)
    (report,) = reports(app, "rail")
    assert (report.tag, report.value, report.occurred_at) == ("union.ballot", 0.7, day)
    (stands,) = app.store.tagging.candidates(Status.CONFIRMED)
    assert (stands.unit, stands.tag, stands.value) == ("rail", "union.ballot", 0.7)


@pytest.mark.parametrize(
    ("mended", "words"),
    [
        (Mended(), "what is to be mended"),
        (Mended(unit="harbor"), "there is no unit 'harbor'; did you mean 'harbour'?"),
        (Mended(tag="x"), "there is no tag 'x'"),
        (Mended(value=1.5), "is not a strength from 0 to 1"),
        (Mended(value=float("nan")), "not a"),
        (Mended(occurred_at=AT + timedelta(days=2)), "known before it occurred"),
    ],
)
def test_what_cannot_be_a_report_is_refused_and_waits_on(
    app: App, mended: Mended, words: str
) -> None:
    take_in(app, [article(TEXT)], NOW)
    with pytest.raises(UsageError, match=words):
        edit(app, only(app).candidate_id, mended, "ada", NOW)
    assert len(waiting(app)) == 1
    assert reports(app) == []


def test_a_rejection_says_why_and_by_whom(app: App) -> None:
    take_in(app, [article(TEXT)], NOW)
    one = only(app)
    with pytest.raises(UsageError, match="say why"):
        reject(app, [one.candidate_id], "ada", NOW, " ")
    reject(app, [one.candidate_id], "ada", NOW, "old news")
    reject(app, [one.candidate_id], "bob", NOW, "again")  # changes nothing
    assert waiting(app) == []
    said = history(app, [one])[one.candidate_id]
    assert [(w.status, w.author, w.reason) for w in said] == [(Status.REJECTED, "ada", "old news")]


def test_what_was_rejected_does_not_come_again_from_another_outlet(app: App) -> None:
    take_in(app, [article(TEXT)], NOW)
    first = only(app)
    reject(app, [first.candidate_id], "ada", NOW, "a drill")
    reprint = article(TEXT.replace("more than 200", "some 200"), "b1", source="Herald")
    taken = take_in(app, [reprint], NOW + timedelta(days=40))
    assert (taken.waiting, taken.remembered) == (0, 1)
    (kept,) = taken.candidates
    assert (kept.status, kept.copy_of) == (Status.REJECTED, first.candidate_id)
    assert history(app, [kept])[kept.candidate_id][0].author == MEMORY
    other = article("Crane drivers walked out at the harbour today.", "c1")
    assert take_in(app, [other], NOW).waiting == 1


def test_copies_have_one_origin_and_others_have_their_own(app: App) -> None:
    own = "At the harbour crane drivers walked out too, their union said in its own words."
    articles = [
        article(WIRE, "a1", source="Gazette"),
        replace(article(TEXT, "b1", source="Herald"), known_at=AT + timedelta(hours=1)),
        replace(article(own, "c1", source="Times"), known_at=AT + timedelta(hours=2)),
    ]
    first, copy, apart = take_in(app, articles, NOW).candidates
    assert (first.origin, first.copy_of) == ("Reuters", "")
    assert (copy.origin, copy.copy_of) == ("Reuters", first.candidate_id)
    assert (apart.origin, apart.copy_of) == ("", "")


def test_an_article_does_not_copy_itself(app: App) -> None:
    said = "of the harbour walked out once more and stayed away for the rest of that long day"
    text = f"On 3 November dockers {said}. On 9 November dockers {said}."
    taken = take_in(app, [article(text, source="Gazette")], NOW)
    assert [(one.copy_of, one.origin) for one in taken.candidates] == [("", ""), ("", "")]


def test_copies_of_an_outlet_that_names_no_newsroom_have_it_for_their_origin(app: App) -> None:
    take_in(app, [article(TEXT, "a1", source="Gazette")], NOW)
    (copy,) = take_in(app, [article(TEXT, "b1", source="Herald")], NOW).candidates
    assert copy.origin == "Gazette"


def test_reports_of_several_outlets_are_one_incident_by_the_rule_of_incidents(app: App) -> None:
    other = "Dockers at the harbour walked out on 23 November, says the port."
    take_in(app, [article(TEXT, "a1"), article(other, "b1", source="Times")], NOW)
    confirm(app, [one.candidate_id for one in waiting(app)], "ada", NOW)
    assert len({report.incident_id for report in reports(app)}) == 1
    assert len({report.source for report in reports(app)}) == 2


def test_a_watch_may_write_unasked_but_not_what_was_rejected(
    tmp_path: Path, store_url: str
) -> None:
    with open_desk(tmp_path, store_url) as app:
        take_in(app, [article(TEXT)], NOW)
        reject(app, [only(app).candidate_id], "ada", NOW, "a drill")
    with open_desk(tmp_path, store_url, more='accept = "write"\n') as app:
        new = article("The union of crane drivers walked out at the harbour.", "d1")
        taken = take_in(app, [article(TEXT, "b1"), new], NOW)
        assert (taken.written, taken.remembered, taken.waiting) == (1, 1, 0)
        assert len(reports(app)) == 1
        (written,) = app.store.tagging.candidates(Status.CONFIRMED)
        assert history(app, [written])[written.candidate_id][0].author == RULE_BOOK


def test_a_confirmed_candidate_can_be_taken_back_and_confirmed_again(app: App) -> None:
    take_in(app, [article(TEXT)], NOW)
    one = only(app)
    confirm(app, [one.candidate_id], "ada", NOW)
    reject(app, [one.candidate_id], "ada", NOW + timedelta(hours=1), "it was a drill")
    assert reports(app) == []
    confirm(app, [one.candidate_id], "bob", NOW + timedelta(hours=2), "it was none")
    (report,) = reports(app)
    assert report.known_at == NOW + timedelta(hours=2)
    assert len(app.store.reports("harbour", NOW + timedelta(minutes=90))) == 0


def test_two_people_who_judge_at_once_do_not_both_win(app: App) -> None:
    take_in(app, [article(TEXT)], NOW)
    seen = only(app)
    confirm(app, [seen.candidate_id], "ada", NOW)
    word = history(app, [seen])[seen.candidate_id][0]
    with pytest.raises(ConflictError, match="somebody else has judged"):
        app.store.tagging.judge(seen, replace(word, author="bob"), NOW)
    assert len(history(app, [seen])[seen.candidate_id]) == 1


@pytest.mark.parametrize("name", ["nothing", "", "%%%%"])
def test_a_name_that_is_no_candidates_is_said(app: App, name: str) -> None:
    take_in(app, [article(TEXT)], NOW)
    with pytest.raises(UsageError, match="there is no candidate"):
        confirm(app, [name], "ada", NOW)


def test_what_no_database_holds_is_taken_out_and_places_stay(app: App) -> None:
    text = "\0\ud800 Dockers walked\0out at the harbour\udfff."
    broken = replace(article(text, "a\0\ud800"), title="\0", source="\ud800", origin="\0")
    take_in(app, [broken], NOW)
    one = only(app)
    assert one.sentence == "\ufffd\ufffd Dockers walked\ufffdout at the harbour\ufffd."
    confirm(app, [one.candidate_id], "ada", NOW)
    assert take_in(app, [broken], NOW).known == 1


def test_the_inbox_is_narrowed_by_unit_tag_and_state(app: App) -> None:
    take_in(app, [article(TEXT), article("A ballot opens at the harbour.", "b1")], NOW)
    store = app.store.tagging
    assert len(store.candidates(tag="union.ballot")) == 1
    assert len(store.candidates(unit="rail")) == 0
    assert len(store.candidates(None, limit=1)) == 1
    assert store.counts() == {Status.WAITING: 2}


def test_a_watch_without_packs_says_so(tmp_path: Path, sqlite_url: str) -> None:
    with open_desk(tmp_path, sqlite_url) as app:
        config = app.config.model_copy(update={"tagging": None})
        bare = App(replace(app.watch, config=config), app.store)
        with pytest.raises(UsageError, match="has no \\[tagging\\]"):
            take_in(bare, [article(TEXT)], NOW)
