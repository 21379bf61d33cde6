"""Articles from files and streams: one text, or JSON lines of several."""

import io
import json
from pathlib import Path

import pytest

from forecast.article import Article
from forecast.clock import parse_instant
from forecast.errors import InputError
from jobs.tagging.articles import Told, read_articles
from tests.jobs.tagging.packs import AT, NOW


def read(text: str | bytes, told: Told = Told()) -> list[Article]:  # noqa: B008 - a frozen value
    data = text if isinstance(text, bytes) else text.encode()
    return read_articles("-", told, NOW, io.BytesIO(data))


def test_a_text_is_one_article_with_its_first_line_for_a_title() -> None:
    (one,) = read("\ufeffDockers walk out\n\nOn Sunday they did.")
    assert (one.title, one.text, one.known_at) == (
        "Dockers walk out",
        "On Sunday they did.",
        NOW,
    )
    assert one.article_id == read("Dockers walk out\nOn Sunday they did.")[0].article_id


def test_what_is_told_goes_before_what_the_text_says() -> None:
    told = Told("https://news.invalid/1", "A title", "Post", AT)
    (one,) = read("First\nSecond", told)
    assert (one.article_id, one.title, one.source) == (told.url, "A title", "Post")
    assert (one.text, one.known_at) == ("First\nSecond", AT)


def test_a_single_line_is_a_text_and_no_title() -> None:
    assert [(one.title, one.text) for one in read("Dockers walked out.")] == [
        ("", "Dockers walked out.")
    ]


def test_json_lines_are_several_articles() -> None:
    lines = [
        {"url": "https://a.invalid/1", "title": "One", "text": "x", "published": "2025-11-20"},
        {"id": "two", "summary": "y", "known_at": "2025-11-21T10:00:00Z", "source": "Post"},
    ]
    first, second = read("\n".join(map(json.dumps, lines)) + "\n\n")
    assert (first.article_id, first.title) == ("https://a.invalid/1", "One")
    assert first.known_at == parse_instant("2025-11-20", end_of_day=True)
    assert (second.article_id, second.text, second.source) == ("two", "y", "Post")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "stdin: is empty"),
        (b" \n", "stdin: is empty"),
        (b'{"text": "x"}\n{"text":', "stdin:2: is not JSON"),
        (b'{"text": "x"}\n[1]', "stdin:2: is not a JSON object"),
        (b'{"text": 5}', "stdin:1: text is not a text"),
        (b'{"url": "u"}', "stdin:1: has no text"),
        (b'{"text": "x", "published": "soon"}', "stdin:1: 'soon' is not a date"),
        (b'{"a":' * 100_000, "stdin:1: is not JSON"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_place(text: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value).startswith(words)


def test_bytes_that_are_no_text_are_read_as_far_as_they_are() -> None:
    assert "Dockers" in read(b"\xff\xfe Dockers \x80 walked out")[0].text


def test_what_no_database_holds_is_replaced() -> None:
    (one,) = read('{"text": "a\\u0000b", "url": "\\ud800"}')
    assert (one.text, one.url) == ("a\ufffdb", "\ufffd")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_articles(str(tmp_path / "none.txt"), Told(), NOW)


def test_a_date_to_come_is_now() -> None:
    assert read("x y", Told(published=parse_instant("2030-01-01")))[0].known_at == NOW
