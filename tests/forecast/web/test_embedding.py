"""Badges and feeds: who may see them, and what stands in them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import feedparser  # type: ignore[import-untyped]
import pytest

from alerts.testing.report_samples import ESTIMATE
from forecast.access import key_of
from forecast.alert import RuleState, State, Transition
from forecast.estimate import Health, Interval
from forecast.evidence import Outcome, Resolution
from forecast.reports.badge import badge_of, badge_svg
from forecast.store import Store, open_store
from forecast.watch import Watch
from jobs.app import App
from jobs.reporting import question_report
from tests.forecast.web.api_desk import NOW, ApiDesk, a_question, config_of

DAY = timedelta(days=1)
NASTY = '<script>alert(1)</script> & "quotes" \u202e ]]> \x07 会'
PUBLIC = 'public_badges = ["strike-*"]\npublic_feeds = ["strike-*"]\n'
BADGE = "/badges/strike-by-christmas.svg"
FEEDS = ("/feeds/questions.atom", "/feeds/alerts.atom")


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    with open_store(sqlite_url) as opened:
        yield opened


@pytest.fixture
def desk(sqlite_store: Store) -> ApiDesk:
    """Two questions, of which the one that moved is open to everybody."""
    desk = ApiDesk(sqlite_store, config_of(PUBLIC))
    secret = a_question(question_id="secret/plan.svg", title="A secret plan?")
    sqlite_store.add_questions([a_question(title=f"A strike? {NASTY}"), secret], NOW - 20 * DAY)
    for name in ("strike-by-christmas", "secret/plan.svg"):
        said(desk, name, {9: 0.2, 3: 0.2, 2: 0.31, 0: 0.33})
        fires(desk, name)
    return desk


def said(desk: ApiDesk, name: str, ps: dict[int, float], **changes: object) -> None:
    """Estimates of some days ago."""
    made = [
        replace(ESTIMATE, question_id=name, as_of=NOW - ago * DAY, probability=p, **changes)  # type: ignore[arg-type]
        for ago, p in ps.items()
    ]
    desk.store.record(estimates=made, recorded_at=NOW)


def fires(desk: ApiDesk, name: str) -> None:
    state = RuleState("likely", name, State.FIRING, episode=1, since=NOW)
    states = (State.PENDING, State.FIRING)
    why = f"The probability is 33 %. {NASTY}"
    told = Transition("likely", name, NOW, *states, "x", why, 1, 0.33, notify="firing")
    desk.store.record(states=[(None, state)], transitions=[told], recorded_at=NOW)


def svg(desk: ApiDesk, path: str = BADGE, by: str | None = None) -> ElementTree.Element:
    answer = desk.ask("GET", path, by=by)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/svg+xml")
    return ElementTree.fromstring(answer.text)


def words(picture: ElementTree.Element) -> str:
    return "".join(picture.itertext())


def test_a_badge_says_how_likely_and_which_way_it_went(desk: ApiDesk) -> None:
    picture = svg(desk)
    assert "33\u00a0%\u00a0▲\u00a0alert" in words(picture)
    name = picture.attrib["aria-label"]
    assert (picture.attrib["role"], picture[0].text) == ("img", name)
    assert "33 %, up 13 points in 7 days, an alert is out." in name


def test_nothing_that_a_title_holds_is_more_than_text(desk: ApiDesk) -> None:
    picture = svg(desk)
    tags = {element.tag.rpartition("}")[2] for element in picture.iter()}
    assert tags == {"svg", "title", "rect", "text"}
    assert not any(
        name.startswith("on") or name == "style" for e in picture.iter() for name in e.attrib
    )
    assert "\u202e" not in words(picture)


def test_a_badge_may_be_embedded_and_kept_for_a_minute(desk: ApiDesk) -> None:
    answer = desk.ask("GET", BADGE, by=None)
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    again = desk.ask("GET", BADGE, by=None, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_held_what_ended_and_what_has_no_number_is_said_in_words(desk: ApiDesk) -> None:
    fresh = a_question(question_id="strike-new", title="A new one?")
    desk.store.add_questions([fresh], NOW)
    assert "no\u00a0estimate" in words(svg(desk, "/badges/strike-new.svg"))
    said(desk, "strike-new", {0: 0.1}, health=Health.HELD, interval=Interval(0.05, 0.2))
    assert "10\u00a0%\u00a0held" in words(svg(desk, "/badges/strike-new.svg"))
    ended = Resolution("strike-new", Outcome.NO, NOW, "seen", author="ada")
    desk.store.add_resolutions([ended], NOW)
    assert "Resolved: no." in words(svg(desk, "/badges/strike-new.svg"))


def test_what_is_closed_looks_like_what_there_is_not(desk: ApiDesk) -> None:
    answers = [
        desk.ask("GET", f"/badges/{name}.svg{key}", by=None)
        for name in ("secret/plan.svg", "nobody", "strike-unknown")
        for key in ("", "?key=tok-read.0", "?key=", "?key=%ff")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r'"instance": ?"[^"]*"', "", a.text) for a in answers}) == 1
    desk.config = config_of()
    assert [desk.ask("GET", path, by=None).status_code for path in (BADGE, *FEEDS)] == [404] * 3


def test_a_token_opens_all_of_them_and_a_wrong_one_nothing(desk: ApiDesk) -> None:
    assert "A secret plan?" in words(svg(desk, "/badges/secret/plan.svg.svg", by="read"))
    assert desk.ask("GET", BADGE, by="tocsin_wrong").status_code == 401


def test_a_key_opens_its_own_address_until_its_token_is_revoked(desk: ApiDesk) -> None:
    (token,) = (one for one in desk.store.access.tokens() if one.name == "read")
    path = "/badges/secret/plan.svg.svg"
    key = key_of(token, path)
    answer = desk.ask("GET", f"{path}?key={key}", by=None)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, max-age=60")
    assert desk.ask("GET", f"/badges/other.svg?key={key}", by=None).status_code == 404
    assert "secret" not in desk.ask("GET", f"{FEEDS[0]}?key={key}", by=None).text
    feed = f"{FEEDS[0]}?key={key_of(token, FEEDS[0])}"
    assert "secret" in desk.ask("GET", feed, by=None).text
    desk.store.access.revoke_token("read", NOW)
    assert desk.ask("GET", f"{path}?key={key}", by=None).status_code == 404


def test_a_key_opens_nothing_of_the_api(desk: ApiDesk) -> None:
    (token,) = (one for one in desk.store.access.tokens() if one.name == "admin")
    path = "/api/v1/questions"
    assert desk.ask("GET", f"{path}?key={key_of(token, path)}", by=None).status_code == 401


def test_everybody_together_may_ask_only_so_often(sqlite_store: Store) -> None:
    desk = ApiDesk(sqlite_store, config_of(PUBLIC))
    web = desk.config.web.model_copy(update={"burst": 2, "per_minute": 1})
    desk.config = desk.config.model_copy(update={"web": web})
    asked = [desk.ask("GET", BADGE, by=None).status_code for _ in range(3)]
    assert asked == [404, 404, 429]


@pytest.mark.parametrize("path", FEEDS)
def test_a_reader_of_feeds_can_read_them(desk: ApiDesk, path: str) -> None:
    answer = desk.ask("GET", path, by=None)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = feedparser.parse(answer.content)
    assert not feed.bozo, feed.get("bozo_exception")
    assert feed.version == "atom10"
    assert feed.feed.title.startswith("Harbour desk")
    assert feed.feed.links[0].href == f"http://testserver{path}"
    assert len({entry.id for entry in feed.entries}) == len(feed.entries) > 0
    for entry in feed.entries:
        assert entry.link.startswith("http://testserver/questions/strike-by-christmas?as_of=")
        assert entry.updated
        assert "secret" not in str(entry)


def test_the_feed_of_questions_has_an_entry_for_each_day_that_moved(desk: ApiDesk) -> None:
    first = feedparser.parse(desk.ask("GET", FEEDS[0], by=None).content).entries
    assert [entry.title.partition(":")[0] for entry in first] == [
        "33 %, up 2 points",
        "31 %, up 11 points",
    ]
    said(desk, "strike-by-christmas", {0: 0.33}, inputs_digest="cd" * 32)
    desk.now += DAY
    later = feedparser.parse(desk.ask("GET", FEEDS[0], by=None).content).entries
    assert [entry.id for entry in later] == [entry.id for entry in first], "ids last"


def test_a_permalink_shows_what_was_known_then(desk: ApiDesk) -> None:
    entries = feedparser.parse(desk.ask("GET", FEEDS[0], by=None).content).entries
    assert entries[1].link.endswith("as_of=2025-11-18T12%3A00%3A00Z")


def test_the_feed_of_alerts_tells_others_only_of_open_questions(desk: ApiDesk) -> None:
    unit = Transition(
        *("silent", "harbour", NOW, State.OK, State.FIRING, "x", "Silent.", 1, None),
        notify="firing",
    )
    desk.store.record(transitions=[unit], recorded_at=NOW)
    public = feedparser.parse(desk.ask("GET", FEEDS[1], by=None).content).entries
    assert len(public) == 1
    everything = feedparser.parse(desk.ask("GET", FEEDS[1], by="read").content).entries
    assert len(everything) == 3


def test_the_badge_in_a_file_is_the_one_on_the_web(desk: ApiDesk) -> None:
    app = App(Watch(Path(), desk.config), desk.store)
    (question,) = desk.store.questions(["strike-by-christmas"])
    report = question_report(app, question, NOW)
    assert badge_svg(badge_of(report)) == desk.ask("GET", BADGE, by=None).text
