"""Sentences, words and days as the tagger reads them."""

import pytest

from forecast.clock import parse_instant
from jobs.tagging.dates import dates
from jobs.tagging.words import LONGEST, cased_words, places, sentences, words

AT = parse_instant("2025-11-25T09:00:00Z")


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("One came. Two left!", ["One came.", "Two left!"]),
        ("The U.S. Navy and Gen. Smith left on Sept. 2. It ended.", 2),
        ("He said \u201cno.\u201d She left.", 2),
        ("A line that was\nwrapped.", 1),
        ("A headline\n\nThe text", ["A headline", "The text"]),
        ("Points:\n- one\n- two", 3),
        ("At 3.5 per cent, e.g. there.", 1),
        (" \n \n ", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(body: str, parts: list[str] | int) -> None:
    found = list(sentences(body))
    assert all(body[s.start : s.start + len(s.text)] == s.text for s in found)
    if isinstance(parts, int):
        assert len(found) == parts
    else:
        assert [s.text for s in found] == parts


def test_no_sentence_is_longer_than_what_a_pattern_may_read() -> None:
    body = "word " * 1000 + "x" * 5000
    found = list(sentences(body))
    assert max(len(s.text) for s in found) <= LONGEST
    assert sum(len(s.text.replace(" ", "")) for s in found) == len(body.replace(" ", ""))


@pytest.mark.parametrize(
    "text",
    [
        "U.S. Marines' build-up, 2,500 men_and",
        "\u201cCaf\u00e9\u201d \u2013 it\u2019s na\u200bval \u00ad",
        "\u6e2f\u53e3abc\u7f62 N\u0303o",
        "\u0301 \ufdfa \uff21\uff22",
        "a\x00b\x1cc",
    ],
)
def test_each_word_has_its_place_and_its_spelling(text: str) -> None:
    found = words(text)
    assert len(found) == len(places(text)) == len(cased_words(text))
    for word, (start, end) in zip(found, places(text), strict=True):
        assert words(text[start:end]) == [word]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("on September 2", ["2025-09-02"]),
        ("on 2 Sept. 2024 and 2025-01-03", ["2024-09-02", "2025-01-03"]),
        ("on the 2nd of October", ["2025-10-02"]),
        ("yesterday, two days ago, 5 days earlier", ["2025-11-24", "2025-11-23", "2025-11-20"]),
        ("on Tuesday and last Tuesday, not Wednesday", ["2025-11-25", "2025-11-18", "2025-11-19"]),
        ("by Friday, before 3 November, since Monday, until 1 May", []),
        ("December 25", []),  # of last year is too far: the one to come is meant
        ("September 31 and 2025-13-45", []),
        ("on 2 September 2031", []),
        ("it may 3 ships", []),
    ],
)
def test_days_are_read_as_seen_from_the_day_of_publication(text: str, days: list[str]) -> None:
    assert [str(found.day) for found in dates(text, AT)] == days
