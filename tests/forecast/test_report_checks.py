"""The small print: what vouches for a number, how many events, what moves together."""

from dataclasses import replace

import pytest

from forecast.estimate import Coupling, Estimate, Health
from forecast.reports.as_json import question_json
from forecast.reports.checks import check_rows, count_rows, coupling_words
from forecast.reports.html import question_html
from tests.forecast import report_samples as samples
from tests.forecast.html_pages import text_of
from tests.forecast.test_report_terminal import printed

COUPLED = Coupling("rus-ukr", 0.2, 0.04, 1.31, 0.9, 1.9)


def rich_estimate() -> Estimate:
    return replace(
        samples.history(100)[-1],
        expected_count=0.36,
        at_least=(0.29, 0.059, 0.011),
        couplings=(COUPLED,),
        escalation=("T1: Pareto k-hat 0.83 is above 0.67",),
        certificate="stale",
        findings=("1 event before observation began is not counted",),
    )


def test_every_format_tells_counts_couplings_escalation_and_certificate() -> None:
    report = samples.full(history=(*samples.history(99), rich_estimate()))
    for text in (printed(report, 160), text_of(question_html(report))):
        for words in ("0.36", "at least 2", "6 %", "rus-ukr", "they move apart", "\u00d71.3"):
            assert words in text, words
        assert "Pareto k-hat 0.83 is above 0.67" in text
        assert "1 event before observation began is not counted" in text
        assert "the code has changed since its calibration" in text
    told = question_json(report)["estimate"]
    assert told["at_least"] == [0.29, 0.059, 0.011]
    assert told["couplings"][0]["posterior"] == 0.04
    assert told["escalation"] == ["T1: Pareto k-hat 0.83 is above 0.67"]


def test_what_can_happen_once_has_no_counts() -> None:
    assert count_rows(replace(rich_estimate(), at_least=(0.29,))) == []
    assert count_rows(replace(rich_estimate(), expected_count=None)) == []


@pytest.mark.parametrize(
    ("posterior", "verdict"), [(0.95, "move together"), (0.05, "move apart"), (0.5, "not settled")]
)
def test_a_coupling_is_spoken_of_as_it_was_found(posterior: float, verdict: str) -> None:
    assert verdict in coupling_words(replace(COUPLED, posterior=posterior))[1]


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health.HEALTHY, "passed its gates"),
        (Health.HELD, "the last good number stands: because"),
        (Health.UNVERIFIED, "no gate vouches for this number: because"),
    ],
)
def test_health_says_which_number_stands(health: Health, words: str) -> None:
    estimate = replace(rich_estimate(), health=health, reason="because")
    assert words in dict(check_rows(estimate, None))["Health"]
