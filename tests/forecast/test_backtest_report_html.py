"""The page of backtests; that it is strict, alone and in order: tests/forecast/test_report_html."""

import re

from forecast.reports.backtest.html import backtest_html
from tests.forecast import backtest_samples as samples
from tests.forecast.html_pages import HOSTILE, parsed, text_of

SVG = "{http://www.w3.org/2000/svg}svg"


def test_the_page_says_everything_in_its_order() -> None:
    text = text_of(backtest_html([samples.result()]))
    places = [
        text.index(words)
        for words in (
            "large_strike within 30 days · 1 Jan 2001 to 1 Dec 2008",
            "log loss 0.07241 history 0.07264",
            "Brier gain +0.00005 95 % −0.00005 to +0.00016",
            "events 58 expected 60.6",
            "leak check ✓ passed",
            "Over 8 years and 3,840 forecasts",
            "Gain over each baseline",
            "where the curve would lie, calibrated",
            "By log loss ahead of history in 4 of 8 years.",
            "When an alert begins",
            "What is published",
            "240 rows known only later were planted",
            "Against an earlier run",
            "The run",
            "a71ea71e",
            "All times are UTC.",
        )
    ]
    assert places == sorted(places)


def test_every_chart_is_drawn_wide_and_narrow() -> None:
    root = parsed(backtest_html([samples.result()]))
    drawn = [len([e for e in f.iter() if e.tag in ("svg", SVG)]) for f in root.iter("figure")]
    assert drawn == [2] * 7


def test_the_long_tables_are_folded_and_the_others_are_not() -> None:
    root = parsed(backtest_html([samples.result()]))
    folded = [d.findtext("summary") for d in root.iter("details")]
    assert folded == ["The numbers, calibration", "The numbers, by year", "The numbers, refits"]


def test_of_several_each_line_leads_to_its_own_part() -> None:
    root = parsed(backtest_html(samples.several()))
    links = [(e.get("href"), "".join(e.itertext())) for e in root.iter("a")]
    assert links == [("#t1", "sure_30d"), ("#t2", "worse_30d"), ("#t3", "large_strike_30d")]
    parts = [e.get("aria-labelledby") for e in root.iter("article")]
    assert parts == ["t1", "t2", "t3"]
    text = text_of(backtest_html(samples.several()))
    assert "✗ FAILED" in text
    assert "▼ −0.00130" in text
    assert "‖ too few" in text


def test_a_number_never_stands_apart_from_its_per_cent_sign() -> None:
    page = re.sub(r"<desc.*?</desc>", "", backtest_html([samples.result()]))
    assert re.findall(r".{30}\d %", page) == []


def test_hostile_names_are_shown_as_text_and_kept_short() -> None:
    page = backtest_html([samples.hostile(HOSTILE)] * 2)
    assert "<script>alert(1)</script>" in text_of(page)
    assert "{{ 7*7 }}" in text_of(page)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page)
    assert len(page) < 900_000


def test_the_same_result_gives_the_same_bytes() -> None:
    assert backtest_html(samples.several()) == backtest_html(samples.several())
