"""Sources pulled from a real server: what is stored stays, a failure is one line, it goes on."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.store import Store
from forecast.tagging_table import TaggingTable
from forecast.watch import Watch
from jobs.app import App
from jobs.sources.fetch import fetch
from jobs.sources.pull import LONGEST_WAIT, back_off, pull_due, pull_one
from tests.jobs.sources.feed_server import Asked, FeedServer, Said
from tests.jobs.sources.pulling import (
    DAY,
    FAR,
    HOUR,
    MINUTE,
    NOW,
    Hands,
    app_of,
    ids,
    rows,
    state,
    table,
)
from tests.jobs.sources.recorded import RSS


def test_what_comes_is_stored_once_and_not_fetched_again(
    app: App, server: FeedServer, clock: Hands
) -> None:
    (pull,) = pull_due(app, clock, "me").pulls
    assert (pull.brought.new, pull.failure) == (2, "")
    assert ids(app) == ["s:1", "s:2"]
    assert pull_due(app, clock, "me").pulls == (), "it is not due"
    clock.now += 10 * MINUTE
    (again,) = pull_due(app, clock, "me").pulls
    assert (again.brought.new, again.failure) == (0, "")
    assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, '"one"']
    assert (state(app).succeeded_at, state(app).brought_at) == (clock.now, NOW)


def test_without_an_etag_the_same_adds_nothing_and_more_adds_the_rest(
    app: App, server: FeedServer, clock: Hands
) -> None:
    server.answer = Said(rows(1, 2))
    pull_due(app, clock, "me")
    clock.now += HOUR
    server.answer = Said(rows(1, 2, 3))
    (pull,) = pull_due(app, clock, "me").pulls
    assert (pull.brought.new, pull.brought.same, pull.brought.corrected) == (1, 2, 0)
    assert state(app).total == 3


def test_what_states_no_time_of_publication_is_known_from_when_it_was_first_seen(
    app: App, server: FeedServer, clock: Hands
) -> None:
    server.answer = Said(rows(1))
    pull_due(app, clock, "me")
    clock.now += HOUR
    pull_due(app, clock, "me")
    (report,) = app.store.reports("gulf", FAR)
    assert report.known_at == NOW
    server.answer = Said(rows(1, value=7))
    clock.now += HOUR
    (pull,) = pull_due(app, clock, "me").pulls
    assert pull.brought.corrected == 1
    assert [r.value for r in app.store.reports("gulf", clock.now)] == [1.0], "not known before"
    assert [r.value for r in app.store.reports("gulf", FAR)] == [7.0]


def test_what_is_dated_ahead_is_known_from_when_it_was_seen_and_stays_so(
    app: App, server: FeedServer, clock: Hands
) -> None:
    server.answer = Said(rows(1, known_at="2031-01-01T00:00:00Z"))
    pull_due(app, clock, "me")
    clock.now += DAY
    (again,) = pull_due(app, clock, "me").pulls
    assert (again.brought.same, again.brought.corrected) == (1, 0)
    assert [report.known_at for report in app.store.reports("gulf", FAR)] == [NOW]


def test_bad_items_are_named_with_their_source_and_id_and_the_good_are_kept(
    app: App, server: FeedServer, clock: Hands
) -> None:
    good, bad = json.loads(rows(1, 2))
    server.answer = Said(json.dumps([good, bad | {"occurred_at": "soon"}, 5]).encode())
    (pull,) = pull_due(app, clock, "me").pulls
    assert (pull.brought.new, pull.brought.bad) == (1, 2)
    kept = [(row.file, row.line, row.reason) for row in app.store.quarantined()]
    assert kept[0][:2] == ("s:2", 0)
    assert "'soon' is not a date" in kept[0][2]
    assert kept[1] == ("s:item", 0, "is no JSON object")
    clock.now += HOUR
    pull_due(app, clock, "me")
    assert len(app.store.quarantined()) == 2, "each once"


def test_the_same_id_twice_in_one_answer_is_a_correction_and_no_failure(
    app: App, server: FeedServer, clock: Hands
) -> None:
    server.answer = Said(json.dumps([*json.loads(rows(1)), *json.loads(rows(1))]).encode())
    (pull,) = pull_due(app, clock, "me").pulls
    assert (pull.brought.new, pull.brought.same) == (1, 1)


@pytest.mark.parametrize(("told", "wait"), [("120", 120), ("86400", 3600), ("soon", 0)])
def test_a_busy_source_is_left_alone_for_as_long_as_it_asks_within_an_hour(
    app: App, server: FeedServer, clock: Hands, told: str, wait: int
) -> None:
    server.answer = Said(status=429, headers={"Retry-After": told})
    (pull,) = pull_due(app, clock, "me").pulls
    assert pull.failure == "the source asks us to come less often (429)"
    assert state(app).due_at >= clock.now + timedelta(seconds=max(wait, 5))
    assert state(app).due_at <= clock.now + timedelta(seconds=max(wait, 60))


def test_failures_in_a_row_are_asked_again_later_and_later_to_a_limit() -> None:
    every = 10 * MINUTE
    waits = [back_off("s", n, every) for n in range(1, 40)]
    assert all(wait >= timedelta(seconds=5) for wait in waits)
    assert all(wait <= MINUTE * 2**n for n, wait in enumerate(waits[:6]))
    assert max(waits) <= HOUR
    assert max(back_off("s", n, 7 * DAY) for n in range(1, 40)) <= LONGEST_WAIT
    assert back_off("s", 9, every) != back_off("t", 9, every), "each has its own place"


def test_a_slow_source_holds_up_no_other(app: App, tmp_path: Path, clock: Hands) -> None:
    gate = threading.Event()
    with FeedServer(Said(rows(5), until=gate)) as slow, FeedServer(Said(rows(6))) as quick:

        def answer(asked: Asked) -> Said:
            gate.set()  # the slow one goes on only when the quick one was asked
            return Said(rows(6))

        quick.answer = answer
        two = app_of(
            app.store, tmp_path, table(slow.url(), id="slow"), table(quick.url(), id="quick")
        )
        done = pull_due(two, clock, "me")
    assert [(pull.source_id, pull.brought.new) for pull in done.pulls] == [
        ("slow", 1),
        ("quick", 1),
    ]


def test_a_kind_that_fails_in_a_way_of_its_own_stops_nobody(
    app: App, server: FeedServer, tmp_path: Path, clock: Hands
) -> None:
    def ask(opened: Any, request: Any, conditions: Any) -> Any:
        if opened.table.id == "odd":
            raise KeyError("items")
        return fetch(opened, request, conditions)

    two = app_of(app.store, tmp_path, table(server.url(), id="odd"), table(server.url()))
    done = pull_due(two, clock, "me", ask=ask)
    assert done.failures == ["odd: a defect of the kind 'json': KeyError: 'items'"]
    assert done.new == 2


def test_an_unknown_kind_is_a_failure_of_its_own_row(
    app: App, tmp_path: Path, clock: Hands
) -> None:
    (pull,) = pull_due(
        app_of(app.store, tmp_path, table("http://h/", kind="jsn")), clock, "m"
    ).pulls
    assert pull.failure.startswith("there is no kind of source 'jsn'")


def test_of_two_processes_one_pulls(app: App, server: FeedServer, clock: Hands) -> None:
    inside = []

    def answer(asked: Asked) -> Said:
        inside.append(pull_one(app, app.config.sources[0], clock, "other", early=True))
        return Said(rows(1))

    server.answer = answer
    (pull,) = pull_due(app, clock, "me").pulls
    assert pull.brought.new == 1
    assert inside == [None]
    assert len(server.asked) == 1


def test_one_that_died_is_taken_over_and_its_late_word_does_not_count(
    app: App, server: FeedServer, clock: Hands
) -> None:
    def answer(asked: Asked) -> Said:
        if len(server.asked) == 1:  # while the first one is frozen, another goes on
            clock.now += HOUR
            pull_due(app, clock, "other")
            clock.now += MINUTE
        return Said(rows(1))

    server.answer = answer
    pull_due(app, clock, "frozen")
    assert len(server.asked) == 2
    assert ids(app) == ["s:1"]
    assert state(app).succeeded_at == NOW + HOUR, "what the frozen one wrote last is refused"


def test_a_crash_before_the_cursor_moved_repeats_the_pull_and_doubles_nothing(
    app: App, server: FeedServer, clock: Hands
) -> None:
    kept = app.store.sources.keep
    pull_due(app, clock, "me")
    before = state(app)
    # as it was when the facts were stored and nothing else
    app.store.sources.claim("s", "me", clock(), MINUTE, DAY, early=True)
    kept(replace(before, token=before.token + 1, due_at=clock(), etag="", cursor={}), None)
    (again,) = pull_due(app, clock, "me").pulls
    assert (again.brought.new, again.brought.same) == (0, 2)
    assert ids(app) == ["s:1", "s:2"]


def test_pages_are_asked_one_after_the_other_and_a_failure_keeps_those_before(
    store: Store, tmp_path: Path, server: FeedServer, clock: Hands
) -> None:
    def page(number: int) -> dict[str, Any]:
        row = {"id": number, "country": "gulf", "type_of_violence": 1}
        row |= {"date_start": "2025-10-03T00:00:00", "source_headline": f"n {number}"}
        return {"TotalPages": 3, "Result": [row]}

    broken = [True]

    def answer(asked: Asked) -> Said:
        number = int(asked.path.rpartition("page=")[2])
        if number == 2 and broken[0]:
            return Said(status=502)
        return Said(json.dumps(page(number)).encode())

    server.answer = answer
    app = app_of(store, tmp_path, table(server.url("/ged?Country=101"), kind="ucdp"))
    (pull,) = pull_due(app, clock, "me").pulls
    assert pull.failure == "the source answered (502)"
    assert ids(app) == ["s:0", "s:1"]
    assert state(app).cursor == {"page": 2}
    broken[0] = False
    clock.now = state(app).due_at
    (pull,) = pull_due(app, clock, "me").pulls
    assert pull.brought.new == 1
    assert state(app).cursor == {}
    assert [asked.path.rpartition("page=")[2] for asked in server.asked] == ["0", "1", "2", "2"]


def test_an_edited_mapping_reads_again_what_was_there(
    app: App, server: FeedServer, tmp_path: Path, clock: Hands
) -> None:
    pull_due(app, clock, "me")
    clock.now += HOUR
    edited = table(server.url(), constants={"summary": "mapped"})
    (pull,) = pull_due(app_of(app.store, tmp_path, edited), clock, "me").pulls
    assert pull.brought.same == 0, "without a mapping of its own a constant joins it"
    assert server.asked[-1].headers.get("if-none-match") is None


def test_a_feed_without_tagging_is_a_report_an_entry(
    app: App, server: FeedServer, tmp_path: Path, clock: Hands
) -> None:
    server.answer = Said(RSS.encode())
    told = {"kind": "rss", "tagging": False, "unit": "gulf", "tag": "wind", "reliability": "B"}
    feed = app_of(app.store, tmp_path, table(server.url(), **told))
    (pull,) = pull_due(feed, clock, "me").pulls
    assert pull.brought.new == 3
    first, *_ = app.store.reports("gulf", FAR)
    assert (first.summary, first.reliability) == ("Carrier group sails & waits", "B")
    assert first.known_at == datetime(2025, 11, 28, 9, 30, tzinfo=UTC)
    clock.now += HOUR
    (again,) = pull_due(feed, clock, "me").pulls
    assert (again.brought.new, again.brought.same) == (0, 3)


def test_articles_go_to_the_tagger_and_without_packs_the_failure_says_so(
    app: App, server: FeedServer, tmp_path: Path, clock: Hands
) -> None:
    server.answer = Said(RSS.encode())
    feed = app_of(app.store, tmp_path, table(server.url(), kind="rss"))
    (pull,) = pull_due(feed, clock, "me").pulls
    assert "no [tagging]" in pull.failure


PACK = """
[[units]]
unit = "gulf"
all_of = [["norfolk"]]
[[rules]]
id = "sails"
tag = "wind"
phrases = ["carrier group sails"]
"""


def test_a_feeds_articles_are_tagged_once_and_become_reports(
    app: App, server: FeedServer, tmp_path: Path, clock: Hands
) -> None:
    (tmp_path / "pack.toml").write_text(PACK)
    server.answer = Said(RSS.encode())
    tagging = TaggingTable(packs=["pack.toml"], accept="write")
    feed = app_of(app.store, tmp_path, table(server.url(), kind="rss", outlet="The Wire"))
    config = feed.config.model_copy(update={"tagging": tagging})
    tagged = App(Watch(tmp_path, config), app.store)
    (pull,) = pull_due(tagged, clock, "me").pulls
    assert (pull.brought.new, pull.failure) == (3, "")
    (report,) = app.store.reports("gulf", FAR)
    assert (report.tag, report.source) == ("wind", "The Wire")
    clock.now += HOUR
    (again,) = pull_due(tagged, clock, "me").pulls
    assert (again.brought.new, again.brought.same) == (0, 3)
    assert len(app.store.reports("gulf", FAR)) == 1


def test_a_stop_is_heeded_between_sources(app: App, clock: Hands) -> None:
    assert pull_due(app, clock, "me", is_stopping=lambda: True).pulls == ()
    assert app.store.sources.states() == {}
