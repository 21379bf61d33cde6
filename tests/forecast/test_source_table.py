"""[[sources]]: what it refuses, in one line with its place."""

import pytest

from forecast.errors import ConfigError
from forecast.source_table import SourceTable
from forecast.watch import parse_config

DESK = '[watch]\ntitle = "desk"\n'
SOURCE = '[[sources]]\nid = "s"\nkind = "json"\n'
URL = 'url = "https://host/x"\n'


def source(text: str) -> SourceTable:
    return parse_config(DESK + SOURCE + text).sources[0]


def trouble(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        source(text)
    assert "\n" not in str(caught.value)
    assert "sources.0" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('url = "https://host/x?api_key=CLEAR"', "'api_key' looks like a key in clear"),
        ('url = "https://host/x?access-token=CLEAR"', "looks like a key in clear"),
        ('url = "https://ada:CLEAR@host/x"', "holds a user name or password"),
        ('url = "ftp://host/x"', "is neither a URL such as"),
        ('url = "host/x"', "is neither a URL such as"),
        (URL + 'token = "CLEAR"', "a secret is given by reference"),
        (URL + 'query = { key = "CLEAR" }', "a secret is given by reference"),
        (URL + 'headers = { X-Key = "CLEAR" }', "X-Key is given by reference"),
        (URL + 'headers = { "a b" = "env:X" }', "no name of a header field"),
        (URL + 'allow = ["10.0.0.1/8"]', "is not a network"),
        (URL + 'every = "1 second"', "less than 10 seconds"),
        (URL + "size_limit = 0", "greater than 0"),
        (URL + 'brings = "rumours"', "brings"),
        (URL + 'expected_gap = "0 days"', "must be more than 0"),
        (URL + "tagging = false", "it needs a unit and a tag"),
        (URL + 'constants = { tag = "a" }\nmapping = { tag = "b" }', "both mapped and constant"),
        (URL + 'mappings = { tag = "b" }', "unknown key; did you mean 'mapping'?"),
    ],
)
def test_a_mistake_is_one_line_that_shows_no_key(text: str, words: str) -> None:
    said = trouble(text)
    assert words in said
    assert "CLEAR" not in said


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="sources"):
        parse_config(DESK + (SOURCE + URL) * 2)


def test_what_is_no_secret_may_stand_in_clear() -> None:
    found = source(URL + 'headers = { Accept = "text/csv", X-Key = "env:KEY" }')
    assert found.headers == {"Accept": "text/csv", "X-Key": "env:KEY"}
    assert found.most_bytes == 20_000_000


def test_the_shortest_pause_is_none_too_short_however_it_is_written() -> None:
    for words in ("10 seconds", "10.0 seconds", "1 minute", "60 seconds"):
        assert source(URL + f'every = "{words}"').every == words
    window = '[incidents]\nwindow = "60 seconds"\n'
    assert parse_config(DESK + window).incidents.window == "60 seconds"
