"""Each kind of source on payloads of its service's shape, and on what no service should send."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alerts.api import Reply
from forecast.errors import ConfigError, InputError
from forecast.source_table import SourceTable
from forecast.watch import parse_config
from jobs.preflight import check_config
from jobs.sources.acled import PAGE, Acled
from jobs.sources.api import Batch, Setup, SourceKind
from jobs.sources.csv_rows import CsvRows
from jobs.sources.gdelt import MOST, Gdelt
from jobs.sources.json_rows import JsonRows
from jobs.sources.registry import installed, kind_of, open_source
from jobs.sources.rss import Rss
from jobs.sources.testing import LAUGHS, check_source
from jobs.sources.ucdp import Ucdp
from tests.jobs.sources.recorded import ACLED, ATOM, CSV, GDELT, JSON, RSS, UCDP

NOW = datetime(2025, 11, 29, 12, tzinfo=UTC)
MAPPED: dict[str, Any] = {
    "rows": "data.items",
    "unit": "gulf",
    "mapping": {"report_id": "id", "occurred_at": "when.at", "value": "wind.0.knots"},
    "constants": {"tag": "wind"},
}


def table(kind: str, **more: Any) -> SourceTable:
    return SourceTable.model_validate({"id": "s", "kind": kind, "url": "https://host/x"} | more)


def setup(kind: str, **more: Any) -> Setup:
    found = table(kind, **more)
    return Setup(found, found.url or "")


def read(kind: SourceKind, body: bytes | str, cursor: Any = None, **more: Any) -> Batch:
    source = kind(setup("x", **more))
    data = body if isinstance(body, bytes) else body.encode()
    return source.read(Reply(200, {}, data), cursor or {}, NOW)  # type: ignore[union-attr]


def asked(kind: SourceKind, cursor: Any = None, **more: Any) -> dict[str, str]:
    source = kind(setup("x", **more))
    url = source.request(cursor or {}, NOW).url  # type: ignore[union-attr]
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def reply(body: Any) -> Reply:
    data = body if isinstance(body, bytes) else body.encode()
    return Reply(200, {}, data)


@pytest.mark.parametrize(
    ("kind", "body", "more"),
    [
        (Rss, RSS, {}),
        (Rss, ATOM, {}),
        (JsonRows, JSON, MAPPED),
        (CsvRows, CSV, {"unit": "gulf", "tag": "wind"}),
        (Gdelt, GDELT, {}),
        (Acled, ACLED, {}),
        (Ucdp, UCDP, {}),
    ],
)
def test_every_kind_keeps_its_contract_whatever_comes(
    kind: SourceKind, body: str, more: dict[str, Any]
) -> None:
    (batch,) = check_source(kind, setup("x", **more), [reply(body)], NOW)
    assert batch.items or batch.articles


def test_all_kinds_are_installed_by_their_entry_points() -> None:
    names = {entry.name for entry in installed()}
    assert names >= {"rss", "json", "csv", "gdelt", "acled", "ucdp", "folder", "push"}
    for name in names:
        kind_of(table(name))


def test_a_feeds_entries_are_plain_articles_with_their_times() -> None:
    first, second, third = read(Rss, RSS).articles
    assert first.article_id == "s:tag:desk,2025:1"
    assert first.title == "Carrier group sails & waits"
    assert first.text == "The group left Norfolk.\nOfficials said <nothing> more."
    assert (first.known_at, first.source) == (datetime(2025, 11, 28, 9, 30, tzinfo=UTC), "The Desk")
    assert (first.origin, first.language, first.reliability) == ("Agencia", "en", "F")
    assert second.article_id == "s:https://desk.example/2", "named by its link"
    assert second.known_at == NOW, "without a date it is of when it came"
    assert len(third.article_id) == len("s:") + 32, "by a digest of its words"


def test_an_entry_without_any_words_is_a_bad_row_and_the_rest_is_kept() -> None:
    batch = read(Rss, RSS)
    assert [(item.name, item.wrong) for item in batch.items] == []
    bare = RSS.replace("</channel>", "<item><guid>bare</guid></item></channel>")
    (bad,) = read(Rss, bare).items or ()
    assert (bad.name, len(read(Rss, bare).articles)) == ("entry 4", 3)


def test_atom_prefers_the_content_and_an_outlet_goes_before_the_feeds_title() -> None:
    (article,) = read(Rss, ATOM, outlet="Reuters", reliability="B").articles
    assert article.text == "All of the text, longer than the summary."
    assert (article.source, article.reliability) == ("Reuters", "B")
    assert article.known_at == datetime(2025, 11, 28, 7, tzinfo=UTC)


def test_a_feed_that_breaks_off_gives_what_came_before_and_says_so() -> None:
    batch = read(Rss, RSS[: RSS.index("</channel>") - 20])
    assert len(batch.articles) >= 2
    assert batch.remark == "the feed is not well-formed"
    assert read(Rss, RSS).remark == ""


def test_a_page_in_place_of_a_feed_is_said_to_be_one() -> None:
    with pytest.raises(InputError, match="is a web page and no feed"):
        read(Rss, "<!doctype html><html><body>Sign in</body></html>")


def test_a_feed_that_would_take_minutes_to_read_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="more than 300,000 tags"):
        read(Rss, "<rss version='2.0'><channel>" + "<a>" * 300_000)


def test_entities_that_grow_without_end_do_not() -> None:
    assert all(len(article.title) < 100 for article in read(Rss, LAUGHS).articles)


def test_json_is_mapped_by_paths_with_constants() -> None:
    one, two, bad = read(JsonRows, JSON, **MAPPED).items
    assert one.cells == {
        "report_id": "1",
        "occurred_at": "2025-11-28T06:00:00Z",
        "value": "34.5",
        "tag": "wind",
    }
    assert (two.name, two.cells["value"]) == ("2", "")
    assert bad.wrong == "is no JSON object"


def test_words_are_translated_and_items_with_other_words_are_passed_over() -> None:
    rows = json.dumps([{"tag": "Battles", "unit": "u"}, {"tag": "Riots", "unit": "u"}])
    batch = read(JsonRows, rows, values={"tag": {"Battles": "clash"}})
    assert [item.cells["tag"] for item in batch.items] == ["clash"]
    assert batch.skipped == 1
    every = read(JsonRows, rows, values={"tag": {"Battles": "clash", "*": "other"}})
    assert [item.cells["tag"] for item in every.items] == ["clash", "other"]


@pytest.mark.parametrize(
    ("written", "text", "time"),
    [
        ("iso", "2025-11-28T06:00:00Z", "2025-11-28T06:00:00Z"),
        ("utc", "2025-11-28 06:00:00", "2025-11-28T06:00:00Z"),
        ("utc", "2025-11-28", "2025-11-28"),
        ("unix", "1764309600", "2025-11-28T06:00:00Z"),
        ("unix-ms", "1764309600000", "2025-11-28T06:00:00Z"),
        ("%d.%m.%Y %H:%M %z", "28.11.2025 08:00 +0200", "2025-11-28T06:00:00Z"),
    ],
)
def test_times_are_read_as_the_table_says(written: str, text: str, time: str) -> None:
    rows = json.dumps([{"occurred_at": text, "unit": "u", "tag": "t"}])
    (item,) = read(JsonRows, rows, times=written).items
    assert (item.cells["occurred_at"], item.wrong) == (time, "")


@pytest.mark.parametrize("text", ["soon", "1e400", "nan", "-1e18"])
def test_a_time_that_is_none_makes_a_bad_row(text: str) -> None:
    (item,) = read(JsonRows, json.dumps([{"occurred_at": text}]), times="unix").items
    assert item.wrong == f"occurred_at: '{text}' is not a time (unix)"


def test_an_array_that_is_not_there_is_an_error_with_its_path() -> None:
    with pytest.raises(InputError, match=r"no array at 'data\.items'"):
        read(JsonRows, '{"data": {"item": []}}', **MAPPED)


def test_json_may_bring_articles() -> None:
    rows = json.dumps([{"h": "A title", "u": "https://x/1", "t": "2025-11-28T06:00Z"}, {"u": "y"}])
    batch = read(
        JsonRows,
        rows,
        brings="articles",
        mapping={"title": "h", "url": "u", "known_at": "t"},
    )
    (article,) = batch.articles
    assert (article.title, article.url, article.known_at.hour) == ("A title", "https://x/1", 6)
    assert [item.wrong for item in batch.items] == ["has neither a title nor a text"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_csv_is_mapped_by_columns_packed_or_not(pack: Any) -> None:
    mapping = {"occurred_at": "Time", "value": "Knots"}
    batch = read(CsvRows, pack(CSV.encode()), mapping=mapping, unit="gulf", tag="wind")
    good = [item for item in batch.items if not item.wrong]
    assert [item.cells["value"] for item in good] == ["34.5", "40"]
    (bad,) = [item for item in batch.items if item.wrong]
    assert (bad.name, bad.wrong) == ("line 4", "has 2 cells, the header has 3")


def test_a_packed_table_that_breaks_off_gives_the_rows_before_that() -> None:
    rows = "occurred_at,unit,tag\n" + "2025-11-28,u,t\n" * 50_000
    packed = gzip.compress(rows.encode())
    batch = read(CsvRows, packed[:-200])
    assert "gzip data ends too early" in batch.remark


def test_gdelt_is_asked_since_the_last_time_with_an_overlap() -> None:
    first = asked(Gdelt, url="https://host/doc?query=venezuela&mode=timeline")
    assert (first["query"], first["mode"], first["format"]) == ("venezuela", "artlist", "json")
    assert (first["startdatetime"], first["enddatetime"]) == ("20251128120000", "20251129120000")
    batch = read(Gdelt, GDELT)
    assert batch.cursor == {"until": "2025-11-28T18:45:00Z"}
    assert asked(Gdelt, batch.cursor)["startdatetime"] == "20251128174500"
    one, _ = batch.articles
    assert (one.source, one.language, one.url) == ("reuters.com", "English", "https://r.com/1")
    assert one.known_at == datetime(2025, 11, 28, 18, 30, tzinfo=UTC)


def gdelt_page(count: int, seen: str) -> str:
    row = {"title": "t", "seendate": seen, "domain": "d", "language": "English"}
    return json.dumps({"articles": [row | {"url": f"https://d/{n}"} for n in range(count)]})


def test_a_full_page_of_gdelt_goes_on_from_its_end_and_never_stands_still() -> None:
    batch = read(Gdelt, gdelt_page(MOST, "20251128T200000Z"))
    assert batch.more
    assert asked(Gdelt, batch.cursor)["startdatetime"] == "20251128200000"
    stuck = read(Gdelt, gdelt_page(MOST, "20251128T200000Z"), batch.cursor)
    assert stuck.remark == "more articles at one time than GDELT tells"
    assert asked(Gdelt, stuck.cursor)["startdatetime"] == "20251128201500"
    last = read(Gdelt, gdelt_page(3, "20251128T210000Z"), stuck.cursor)
    assert not last.more
    assert last.cursor == {"until": "2025-11-28T21:00:00Z"}


def test_gdelt_says_no_in_a_line_of_text() -> None:
    with pytest.raises(InputError, match="GDELT refuses the query, or asks for a pause"):
        read(Gdelt, "Please limit requests to one every 5 seconds.")


def test_an_answer_of_gdelt_without_articles_is_no_failure() -> None:
    assert read(Gdelt, "{}", {"until": "2025-11-28T18:45:00Z"}).cursor["until"]


def test_acleds_events_have_its_ids_and_times_of_upload() -> None:
    batch = read(Acled, ACLED)
    one = batch.items[0]
    assert one.cells["report_id"] == "VEN14201"
    assert (one.cells["unit"], one.cells["tag"]) == ("Venezuela", "Protests")
    assert (one.cells["occurred_at"], one.cells["known_at"]) == (
        "2025-11-21",
        "2025-11-25T16:00:00Z",
    )
    assert batch.cursor == {"since": 1764090000}
    assert asked(Acled)["event_date"] == "2025-11-28"
    again = asked(Acled, batch.cursor)
    assert (again["timestamp"], again["timestamp_where"]) == ("1764090000", ">=")


def test_acled_is_read_page_by_page_and_its_time_moves_only_at_the_end() -> None:
    row = json.loads(ACLED)["data"][0]
    full = json.dumps({"status": 200, "success": True, "data": [row] * PAGE})
    first = read(Acled, full, {"since": 5})
    assert first.more
    assert first.cursor == {"since": 5, "newest": 1764086400, "page": 2}
    asks = asked(Acled, first.cursor)
    assert (asks["page"], asks["timestamp"]) == ("2", "5")
    last = read(Acled, '{"data": []}', first.cursor)
    assert last.cursor == {"since": 1764086400}
    assert not last.more


def test_acled_that_refuses_is_an_error_without_its_words() -> None:
    with pytest.raises(InputError, match="ACLED refuses the request") as caught:
        read(Acled, '{"success": false, "error": {"message": "key SECRET"}}')
    assert "SECRET" not in str(caught.value)


def test_acled_may_bring_events_of_a_units_own() -> None:
    batch = read(
        Acled,
        ACLED,
        brings="events",
        unit="usa-ven",
        values={"definition": {"Explosions/Remote violence": "strike"}},
    )
    (item,) = batch.items
    assert item.cells["event_id"] == "VEN14202"
    assert item.cells["definition"] == "strike"
    assert "unit" not in item.cells, "the table gives it"
    assert batch.skipped == 1


def test_ucdp_is_read_page_by_page_with_days_for_dates() -> None:
    batch = read(Ucdp, UCDP)
    (item,) = batch.items
    assert (item.cells["report_id"], item.cells["occurred_at"]) == ("551001", "2025-10-03")
    assert batch.more
    assert batch.cursor == {"page": 1}
    assert asked(Ucdp, batch.cursor)["page"] == "1"
    last = read(Ucdp, UCDP, {"page": 1})
    assert not last.more
    assert last.cursor == {}


def test_a_column_that_is_none_of_ours_is_refused_with_the_nearest() -> None:
    wrong = table("json", mapping={"occured_at": "x"})
    with pytest.raises(ConfigError, match=r"no column 'occured_at'; did you mean 'occurred_at'\?"):
        open_source(wrong)


def test_what_is_wrong_with_a_source_is_said_before_anything_runs() -> None:
    watch = '[watch]\ntitle = "d"\n[[sources]]\nid = "s"\nkind = "{}"\nurl = "env:NOT_SET"\n'
    check_config(parse_config(watch.format("rss")))
    with pytest.raises(ConfigError, match="no kind of source 'rsss'"):
        check_config(parse_config(watch.format("rsss")))


def test_a_kind_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no kind of source 'rsss'"):
        kind_of(table("rsss"))


def test_a_source_needs_its_url() -> None:
    bare = SourceTable.model_validate({"id": "s", "kind": "rss"})
    with pytest.raises(ConfigError, match="of kind rss needs a url"):
        open_source(bare)


@pytest.mark.parametrize("year", ["0001", "1889", "99999"])
def test_a_date_before_the_web_or_of_no_calendar_is_read_as_none(year: str) -> None:
    text = RSS.replace("28 Nov 2025 09:30:00 GMT", f"28 Nov {year} 09:30:00 GMT")
    assert read(Rss, text).articles[0].known_at == NOW
