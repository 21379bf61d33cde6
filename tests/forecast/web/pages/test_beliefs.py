"""Prior against posterior on the pages: of a prior at each of its units, and of a question."""

import csv
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from forecast.belief import Learnt
from forecast.prior import PriorVersion
from tests.forecast import report_samples as samples
from tests.forecast.html_pages import parsed, text_of
from tests.forecast.web.api_desk import NOW
from tests.forecast.web.pages.reader import Reader, fill

PATH = "/questions/strike-by-christmas"
DAY = timedelta(days=1)
SIGN, _, RATE, _ = samples.LEARNT.beliefs


def learnt(unit: str, days_ago: float, *beliefs: Any) -> Learnt:
    return Learnt("strike", unit, "hazard", NOW - days_ago * DAY, beliefs)


@pytest.fixture
def told(reader: Reader) -> Reader:
    """The prior of strikes, learnt from twice at the harbour and once at the airport."""
    store = reader.desk.store
    fill(store)
    store.add_prior_version(PriorVersion("strike", 1, NOW - 20 * DAY, "ann", "first", {}))
    far = replace(SIGN, key="effects.airport.fog")
    found = [learnt("harbour", 9, RATE), learnt("harbour", 2, SIGN, RATE)]
    store.record(beliefs=[*found, learnt("airport", 3, far)], recorded_at=NOW)
    reader.sign_in()
    return reader


def section(page: str) -> str:
    """The text of the section."""
    [found] = [s for s in parsed(page).iter("section") if s.get("aria-labelledby") == "h-prior"]
    return " ".join("".join(found.itertext()).replace("\u00a0", " ").split())


def test_the_page_of_a_prior_shows_what_data_made_of_it_at_each_unit(told: Reader) -> None:
    first = told.get("/priors/strike").text
    assert "airport.fog, from ×1.9 to ×2.4" in section(first)
    assert 'href="/priors/strike?unit=harbour"' in first
    other = told.get("/priors/strike?unit=harbour").text
    assert "military.carrier-deployment, from ×1.9 to ×2.4" in section(other)
    assert "airport.fog" not in section(other)
    assert section(told.get("/priors/strike?unit=nowhere").text) == section(first)


def test_a_question_shows_the_beliefs_of_its_unit_as_of_the_moment(told: Reader) -> None:
    now = section(told.get(PATH).text)
    assert "at harbour by 18 Nov 2025" in now
    assert "×2.4 (1.6–3.3)" in now
    then = section(told.get(f"{PATH}?as_of={(NOW - 5 * DAY):%Y-%m-%d}").text)
    assert "at harbour by 11 Nov 2025" in then
    assert "carrier" not in then
    before = section(told.get(f"{PATH}?as_of={(NOW - 15 * DAY):%Y-%m-%d}").text)
    assert "not on record yet" in before


def test_beliefs_are_downloaded_as_csv(told: Reader) -> None:
    answer = told.get(f"{PATH}/report.beliefs.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [(row["key"], row["place"]) for row in rows] == [
        ("effects.military.carrier-deployment", "harbour"),
        ("base_rate", "harbour"),
    ]
    assert text_of(told.get(PATH).text).count("beliefs as CSV") == 1
