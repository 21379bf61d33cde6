"""Selectors and shell patterns: what they fit, and that none takes for ever."""

import pytest

from forecast.alert import Selector, Target
from forecast.names import matches
from forecast.selecting import fits

TARGET = Target("likely", "uv-strike", "usa-ven", ("military.carrier", "talks"), "page")


@pytest.mark.parametrize(
    ("selector", "is_fit"),
    [
        (Selector(), True),
        (Selector(rules=("like*",), questions=("uv-*",)), True),
        (Selector(rules=("other",)), False),
        (Selector(units=("rus-*", "usa-*")), True),
        (Selector(units=("rus-*",)), False),
        (Selector(tags=("military.*",)), True),
        (Selector(tags=("union.*",)), False),
        (Selector(severities=("info", "warning")), False),
    ],
)
def test_a_selector_fits_where_each_of_its_lists_does(selector: Selector, is_fit: bool) -> None:
    assert fits(selector, TARGET) is is_fit


def test_what_names_units_or_tags_fits_no_channel() -> None:
    channel = Target("channel-unhealthy", "desk-slack")
    assert fits(Selector(), channel)
    assert not fits(Selector(units=("usa-*",)), channel)
    assert not fits(Selector(tags=("military.*",)), channel)


def test_no_pattern_takes_for_ever() -> None:
    """Shell patterns are made into regular expressions that do not try again."""
    assert not matches("a" * 5_000 + "!", ["*a" * 25 + "b"])
