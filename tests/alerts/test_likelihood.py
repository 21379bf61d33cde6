"""Percentages and words: no rounding to certainty, and the bands of ICD 203."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.likelihood import likelihood_words, percent


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0, "no chance"),
        (1e-9, "a remote chance"),
        (0.01, "almost no chance"),
        (0.0499, "almost no chance"),
        (0.05, "very unlikely"),
        (0.20, "unlikely"),
        (0.45, "roughly even chance"),
        (0.5499, "roughly even chance"),
        (0.55, "likely"),
        (0.80, "very likely"),
        (0.95, "almost certain"),
        (0.99, "almost certain"),
        (0.9901, "all but certain"),
        (1.0, "certain"),
    ],
)
def test_the_words_are_those_of_the_directive(p: float, words: str) -> None:
    assert likelihood_words(p) == words


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "0 %"),
        (1e-12, "<1 %"),
        (0.0099, "<1 %"),
        (0.01, "1 %"),
        (0.31, "31 %"),
        (0.99, "99 %"),
        (0.991, ">99 %"),
        (1 - 1e-12, ">99 %"),
        (1.0, "100 %"),
    ],
)
def test_a_percentage_never_claims_certainty(p: float, text: str) -> None:
    assert percent(p) == text


def test_decimals_are_for_the_rare_and_the_near_certain() -> None:
    assert percent(0.004, 1) == "0.4 %"
    assert percent(0.0004, 1) == "<0.1 %"
    assert percent(0.9996, 1) == ">99.9 %"
    assert percent(0.999, 1) == "99.9 %"


@given(p=st.floats(0, 1, exclude_min=True, exclude_max=True), decimals=st.integers(0, 3))
def test_zero_and_a_hundred_are_only_for_the_exact(p: float, decimals: int) -> None:
    assert percent(p, decimals) not in (
        "0 %",
        "100 %",
        f"{0:.{decimals}f} %",
        f"{100:.{decimals}f} %",
    )


@pytest.mark.parametrize("p", [float("nan"), -0.1, 1.1, float("inf")])
def test_what_is_no_probability_is_refused(p: float) -> None:
    for say in (likelihood_words, percent):
        with pytest.raises(ValueError, match="not a number from 0 to 1"):
            say(p)
