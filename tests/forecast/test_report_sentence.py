"""The opening sentence says the same as the number, in every state of a question."""

import math
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from forecast.estimate import Move, log_hazard
from forecast.evidence import Outcome, Resolution
from forecast.reports.moves import CAUSES, Shift, last_shift, week_shift
from forecast.reports.phrases import points
from forecast.reports.sentence import opening, sum_words
from tests.forecast import report_samples as samples


def test_an_open_question_opens_with_words_number_band_deadline_and_change() -> None:
    assert opening(samples.full()) == (
        "Unlikely: 31 % (90 % band 22–41 %) that this happens by the end of 31 Dec 2025 UTC; "
        "up 12 points in 7 days, mostly because of new evidence "
        "(kinetic.boat-strike, airspace.closure)."
    )


def test_a_first_estimate_has_nothing_to_compare_with() -> None:
    assert opening(samples.bare(0.31)) == (
        "Unlikely: 31 % (90 % band 22–41 %) that this happens by the end of 31 Dec 2025 UTC."
    )


def test_without_an_estimate_it_says_so() -> None:
    assert opening(samples.bare(None)).startswith("No estimate yet of whether this happens by the")


def test_a_fall_names_the_new_evidence_that_pulled_down() -> None:
    talks_and_more = [
        replace(r, known_at=samples.at(162)) if r.incident_id == "i146" else r
        for r in samples.reports()
    ]
    report = samples.full(history=samples.history(165), reports=talks_and_more)
    text = opening(replace(report, now=samples.at(165)))
    assert "down 19 points in 7 days, mostly because of new evidence (diplomacy.talks)." in text


def test_a_fall_is_not_blamed_on_a_larger_part_that_pulled_up() -> None:
    parts = {"evidence": 0.5, "learning": -0.4, "time": -0.35}
    p = -math.expm1(-math.exp(log_hazard(0.3) + sum(parts.values())))
    past = [samples.estimate(0, 0.3), samples.estimate(7, p, moved=Move(0.3, p, **parts))]
    assert opening(samples.bare(history=past)).endswith("because of what was learnt.")


def test_a_change_that_the_shown_numbers_hide_is_called_unchanged() -> None:
    past = [samples.estimate(0, 0.306), samples.estimate(7, 0.314)]
    assert opening(samples.bare(history=past)).endswith("unchanged in 7 days.")


def test_a_held_number_says_since_when_and_why() -> None:
    text = opening(samples.full(history=samples.history(103), now=samples.at(103)))
    assert text.endswith("This number is held since 10 Sep 2025: k-hat 0.83 is above 0.70.")


@pytest.mark.parametrize("outcome", [Outcome.YES, Outcome.NO])
def test_a_resolved_question_opens_with_its_outcome_and_the_last_number_before(
    outcome: Outcome,
) -> None:
    assert opening(samples.resolved(outcome)) == (
        f"Resolved {outcome.value}, known on 1 Dec 2025: Explosions at two ports, confirmed by "
        "both newsrooms. The last estimate before, of 28 Nov 2025, was 31 % (90 % band 22–41 %)."
    )


def test_a_void_question_says_that_it_counts_in_no_score() -> None:
    assert opening(samples.resolved(Outcome.VOID)).startswith(
        "Void, known on 1 Dec 2025: Explosions at two ports, confirmed by both newsrooms. "
        "It counts in no score. The last estimate before"
    )


def test_a_question_that_was_reopened_says_by_whom_and_why() -> None:
    act = Resolution("q", Outcome.YES, samples.at(180), "a misreport.", (), "ada", retracted=True)
    said = " It was reopened on 29 Nov 2025 by ada: a misreport."
    assert opening(samples.full(reopened=act)).endswith(said)
    late = samples.bare(now=samples.DEADLINE + timedelta(days=2))
    assert said in opening(replace(late, reopened=act))


def test_an_estimate_made_after_the_outcome_was_known_is_not_the_last_before() -> None:
    report = samples.resolved()
    late = replace(report, history=(*report.history, samples.estimate(190, 0.99)))
    assert opening(late) == opening(report)


def test_a_passed_deadline_without_an_outcome_is_said_first() -> None:
    late = samples.bare(now=samples.DEADLINE + timedelta(days=2))
    assert opening(late).startswith("The deadline passed on 31 Dec 2025 and the question is not")
    assert "was 31 % (90 % band 22–41 %)" in opening(late)


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0, "No chance: 0 %"),
        (0.0004, "A remote chance: <1 %"),
        (0.9999, "All but certain: >99 %"),
    ],
)
def test_the_ends_of_the_scale_never_claim_more_than_they_know(p: float, words: str) -> None:
    assert opening(samples.bare(p)).startswith(words)


def test_what_moved_it_sums_in_points_as_they_are_shown() -> None:
    past, counted = samples.history(), 0
    for end in range(2, len(past)):
        for shift in (week_shift(past[: end + 1]), last_shift(past[: end + 1])):
            if shift is not None:
                steps = shift.in_points()
                assert sum(size for _, size in steps) == points(shift.start, shift.end)
                assert all(size for _, size in steps)
                counted += len(steps)
    assert counted > 100


def test_no_cause_is_told_a_point_off_or_with_the_other_sign() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        start, size = rng.random(), rng.choice((0.001, 0.02, 0.3))
        parts = {cause: rng.choice((0, 1, 1)) * rng.gauss(0, size) for cause in CAUSES}
        level, steps = log_hazard(start), [start]
        for part in parts.values():
            level += part
            steps.append(-math.expm1(-math.exp(level)))
        told = dict(Shift(samples.at(0), samples.at(7), start, steps[-1], parts).in_points())
        assert sum(told.values()) == points(start, steps[-1])
        for cause, before, after in zip(parts, steps, steps[1:], strict=False):
            exact = 100 * (after - before)
            assert abs(told.get(cause, 0) - exact) < 1 + 1e-6
            assert told.get(cause, 0) * exact >= -1e-6


def test_the_sum_is_told_as_a_line_of_points() -> None:
    parts = {"time": -0.3, "evidence": 0.48, "learning": 0.001, "montecarlo": 0.0}
    end = -math.expm1(-math.exp(log_hazard(0.24) + math.fsum(parts.values())))
    shift = Shift(samples.at(0), samples.at(7), 0.24, end, parts)
    assert sum_words(shift) == (
        "24 %, −6 points by the passing of time, +10 points by new evidence: 28 %."
    )
    still = Shift(samples.at(0), samples.at(7), 0.24, 0.24, {"time": 0.0})
    assert sum_words(still) == "24 %, and nothing that moved it by a point."
