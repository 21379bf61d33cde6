"""What a backtest's report dwells on, and the sentences it says."""

from dataclasses import replace

import pytest

from forecast.backtest import LeakCheck
from forecast.reports.backtest.opening import opening
from forecast.reports.backtest.record import leak_words
from forecast.reports.backtest.sections import sections
from forecast.reports.backtest.summary import summary_sentence
from forecast.reports.backtest.view import BacktestReport, build_report, default_line, years_of
from forecast.scoring.results import Gain, Verdict
from tests.forecast import backtest_samples as samples


def with_losses(**losses: float) -> BacktestReport:
    """The sample with the log losses given: `model` for ours, and baselines by name."""
    made = samples.backtest()
    ours = replace(made.scores, log_loss=losses.pop("model"))
    theirs = {name: replace(made.baselines["unit"], log_loss=loss) for name, loss in losses.items()}
    skill = dict.fromkeys(theirs, made.skill["unit"])
    return samples.report(scores=ours, baselines=theirs, skill=skill)


def words_of(report: BacktestReport, key: str) -> str:
    (found,) = [section for section in sections(report) if section.key == key]
    return " ".join(found.words)


def test_the_opening_says_how_long_how_good_how_sure_and_how_calibrated() -> None:
    assert opening(samples.report()) == (
        "Over 8 years and 3,840 forecasts the model's log loss is 0.07241, better than every "
        "baseline; against history the Brier gain is +0.00005 (95 % −0.00005 to +0.00016), which "
        "is not yet sure; calibrated as far as can be told."
    )


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ({"model": 0.1, "a": 0.2, "b": 0.3}, "better than every baseline"),
        ({"model": 0.2, "a": 0.1, "b": 0.3}, "better than 1 of 2 baselines (a has 0.1000)"),
        ({"model": 0.2, "a": 0.2, "b": 0.1}, "no better than any baseline (b has 0.1000)"),
        ({"model": 0.2}, "with no baseline beside it"),
    ],
)
def test_the_model_is_ranked_by_log_loss(losses: dict[str, float], words: str) -> None:
    said = opening(with_losses(**losses))
    assert f"log loss is {losses['model']:.4f}, {words}; " in said


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (Gain(0.0004, 0.0001, 0.0007, 20), "+0.00040 (95 % +0.00010 to +0.00070), which is sure"),
        (Gain(-0.0004, -0.0007, -0.0001, 20), "−0.00040 (95 % −0.00070 to −0.00010)"),
        (Gain(0.0004, None, None, 3), "+0.00040, in too few stretches of time to say how sure"),
        (Gain(0.0, 0.0, 0.0, 20, 0.9), "0.00000 (90 % 0.00000 to 0.00000), which is not yet sure"),
    ],
)  # fmt: skip
def test_how_sure_a_gain_is_stands_with_it(gain: Gain, words: str) -> None:
    made = samples.backtest().skill
    skill = {**made, "history": replace(made["history"], brier=gain)}
    assert f"the Brier gain is {words}" in opening(samples.report(skill=skill))


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.CALIBRATED, "calibrated as far as can be told."),
        (Verdict.MISCALIBRATED, "miscalibrated: 60.6 events were expected and 58 came."),
        (Verdict.TOO_FEW, "too few events to tell whether it is calibrated."),
    ],
)
def test_the_verdict_on_calibration_ends_the_sentence(verdict: Verdict, words: str) -> None:
    found = samples.calibration(samples.forecasts(), verdict)
    assert opening(samples.report(calibration=found)).endswith(words)


def test_a_leak_and_what_is_published_instead_are_told_at_once() -> None:
    leak = samples.report(leak_check=LeakCheck(3, 240, 12), published="history")
    assert opening(leak).endswith(
        " THE LEAK CHECK FAILED: something here knows the future, so trust none of it."
        " The gate would publish history instead."
    )


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (None, "‖ Not run"),
        (LeakCheck(3, 240, 0), "✓ Passed: 240 rows known only later were planted after 3 origins"),
        (LeakCheck(1, 1, 1), "✗ FAILED: 1 row known only later was planted"),
        (LeakCheck(3, 240, 12), "and 12 forecasts changed."),
        (LeakCheck(3, 0, 0), "‖ Proves nothing"),
    ],
)
def test_the_leak_check_is_passed_failed_or_proves_nothing(
    check: LeakCheck | None, words: str
) -> None:
    assert words in leak_words(check)


def test_with_nothing_to_score_the_report_says_so_and_still_tells_of_the_run() -> None:
    report = build_report(*samples.nothing_scored())
    assert opening(report) == (
        "There was nothing to score from 1 Jan 2001 to 1 Dec 2008: no unit was at risk at any "
        "origin."
    )
    assert [section.key for section in sections(report)] == ["leak", "run"]


def test_the_alert_line_that_is_spoken_of_has_the_highest_value() -> None:
    curve = samples.backtest().alerts
    assert default_line(curve) == curve[2]
    tied = [replace(a, value=0.2) for a in curve]
    assert default_line(tied) == tied[-1]
    assert default_line([replace(a, value=None) for a in curve[:2]] + [curve[3]]) == curve[3]
    assert default_line(()) is None
    silent = [replace(a, episodes=0, value=0.9) for a in curve[3:]]
    assert default_line([*curve[:3], *silent]) == curve[2]
    assert "Firing at 20 % and clearing at 15 % has the highest value, 0.34: 46 episodes" in (
        words_of(samples.report(), "alerts")
    )


def test_lines_at_which_nothing_rang_are_named_and_not_listed() -> None:
    curve = samples.backtest().alerts
    silent = [replace(a, episodes=0) for a in curve]
    report = samples.report(alerts=(*curve[:3], *silent[3:]))
    assert " At 30 % and above nothing ever rang. " in words_of(report, "alerts")
    (section,) = [s for s in sections(report) if s.key == "alerts"]
    assert section.table is not None
    assert (len(section.table.rows), section.table.marked) == (3, 2)
    nothing = samples.report(alerts=tuple(silent))
    assert words_of(nothing, "alerts") == "At 5 % and above nothing ever rang."


def test_baselines_are_ranked_and_years_are_held_against_the_strongest() -> None:
    report = samples.report()
    assert report.ranked == ("history", "unit", "recency", "pooled", "persistence")
    rows = samples.forecasts()
    first = years_of(rows) == "2001"
    p, came = rows.baselines["history"][first], rows.outcome[first]
    (year, *_) = report.years
    assert year.reference is not None
    assert year.reference.brier == pytest.approx(float(((p - came) ** 2).mean()))
    assert year.gain == pytest.approx(year.reference.log_loss - year.scores.log_loss)
    assert words_of(report, "years") == "By log loss ahead of history in 4 of 8 years."


def test_without_the_rows_the_years_stand_alone() -> None:
    _, none = samples.nothing_scored()
    report = build_report(samples.backtest(), none)
    assert [year.reference for year in report.years] == [None] * 8
    (years,) = [section for section in sections(report) if section.key == "years"]
    assert years.words == ()


def test_a_baseline_with_gaps_is_not_scored_where_it_has_them() -> None:
    rows = samples.forecasts()
    gaps = rows.baselines["history"].copy()
    gaps[0] = float("nan")
    report = build_report(
        samples.backtest(), replace(rows, baselines={**rows.baselines, "history": gaps})
    )
    assert [year.reference is None for year in report.years] == [True] + [False] * 7


@pytest.mark.parametrize(
    ("z", "words"),
    [
        (None, "cannot be told"),
        (0.7, "moved as much as the uncertainty that they took away (martingale test, z = +0.7)"),
        (3.1, "they overreact (martingale test, z = +3.1)"),
        (-2.4, "they react late (martingale test, z = −2.4)"),
    ],
)
def test_belief_movement_is_said_in_words(z: float | None, words: str) -> None:
    assert words in words_of(samples.report(movement_z=z), "calibration")


def test_a_comparison_says_which_run_on_how_many_rows_and_how_sure() -> None:
    said = words_of(samples.report(), "compared")
    assert "Run b7c1 of 5 Mar 2026, 09:26 UTC." in said
    assert "3,700 rows" in said
    assert "−0.00130 (95 % −0.00220 to −0.00040), which is surely a loss." in said


def test_the_summary_counts_what_is_ahead_and_what_is_sure() -> None:
    reports = [build_report(*each) for each in samples.several()]
    assert summary_sentence(reports) == (
        "3 tasks: the model's log loss beats every baseline on 1 of them, and its Brier gain over "
        "the strongest one is surely above zero on 1 of them."
    )
    assert "beats every baseline on both of them, and" in summary_sentence([reports[0]] * 2)
    assert "above zero on none of them." in summary_sentence(reports[1:])


def test_refits_that_found_the_same_are_told_together() -> None:
    same, other = ("The column a is constant.",), ("The column b is constant.",)
    fits = [
        replace(fit, khat=None, findings=found)
        for fit, found in zip(samples.backtest().fits, ((), same, same, other, same), strict=False)
    ]
    (section,) = [s for s in sections(samples.report(fits=tuple(fits))) if s.key == "fits"]
    assert section.words == (
        "5 refits in 6.5 s; 4 with findings.",
        "1 Jan 2002 to 1 Jan 2003: The column a is constant.",
        "1 Jan 2004: The column b is constant.",
        "1 Jan 2005: The column a is constant.",
    )
    assert section.table is not None
    assert [column.name for column in section.table.columns] == ["as of", "seconds", "findings"]
    assert [row[-1] for row in section.table.rows] == ["0", "1", "1", "1", "1"]
