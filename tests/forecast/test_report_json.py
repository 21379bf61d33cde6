"""The JSON contract: exactly these keys, numbers that add up, and no NaN."""

import json
import math
from dataclasses import replace

import pytest

from forecast.estimate import Contribution
from forecast.evidence import Outcome, Resolution
from forecast.reports.as_json import question_json, watch_json
from forecast.reports.watch import build_watch
from tests.forecast import report_samples as samples


def test_the_keys_are_those_of_the_contract() -> None:
    found = question_json(samples.full())
    assert list(found) == [
        "schema_version", "question", "estimate", "curve", "contributions", "moved", "since",
        "evidence", "rules", "others", "track_record", "proof", "checks", "asides",
        "beliefs",
    ]  # fmt: skip
    assert set(found["estimate"]) == {
        "as_of", "probability", "interval", "mcse", "health", "model", "model_hash", "method",
        "inputs_digest", "reason", "certificate", "escalation", "diagnostics",
        "expected_count", "at_least", "couplings", "findings",
    }  # fmt: skip
    assert set(found["estimate"]["interval"]) == {"lower", "upper", "mass"}
    assert {frozenset(point) for point in found["curve"]} == {
        frozenset({"by", "probability", "lower", "upper"})
    }
    assert {frozenset(c) for c in found["contributions"]} == {
        frozenset({"tag", "multiplier", "incidents"})
    }
    assert set(found["contributions"][0]["multiplier"]) == {"median", "lower", "upper"}
    assert set(found["moved"]) == {
        "from", "to", "time", "evidence", "credibility", "learning", "prior", "model",
        "montecarlo",
    }  # fmt: skip
    assert found["rules"][0] == {
        "rule_id": "strike-warning",
        "fire_at": 0.4,
        "clear_at": 0.3,
        "severity": "warning",
        "state": "ok",
        "since": "2025-11-13T06:00:00Z",
        "reason": "crossed_clear_at",
        "episode": 1,
    }


def test_moved_sums_exactly_on_the_log_hazard_scale() -> None:
    moved = question_json(samples.full())["moved"]
    start, end = moved.pop("from"), moved.pop("to")
    whole = math.log(-math.log1p(-end)) - math.log(-math.log1p(-start))
    assert math.fsum(moved.values()) == pytest.approx(whole, abs=1e-12)
    assert abs(whole) > 0.01


def test_times_are_utc_and_values_come_from_the_estimate() -> None:
    report = samples.full()
    found = question_json(report)
    assert report.estimate is not None
    assert found["estimate"]["as_of"] == "2025-11-28T06:00:00Z"
    assert found["question"]["deadline"] == "2025-12-31T23:59:59Z"
    assert found["estimate"]["probability"] == report.estimate.probability
    assert found["curve"][-1]["by"] == "2025-12-31T23:59:59Z"
    assert found["contributions"][0] == {
        "tag": "kinetic.boat-strike",
        "multiplier": {"median": 1.92, "lower": 1.21, "upper": 2.93},
        "incidents": ["i92", "i120", "i176"],
    }


def test_an_outcome_stands_with_the_question() -> None:
    assert question_json(samples.full())["question"]["resolution"] is None
    assert question_json(samples.resolved())["question"]["resolution"] == {
        "outcome": "yes",
        "known_at": "2025-12-01T06:00:00Z",
        "reason": "Explosions at two ports, confirmed by both newsrooms",
        "author": None,
        "is_derived": False,
    }


def test_an_outcome_that_was_taken_back_stands_beside_the_question() -> None:
    assert question_json(samples.full())["question"]["reopened"] is None
    act = Resolution("q", Outcome.YES, samples.at(180), "a misreport", (), "ada", retracted=True)
    assert question_json(samples.full(reopened=act))["question"]["reopened"] == {
        "at": "2025-11-29T06:00:00Z",
        "outcome": "yes",
        "author": "ada",
        "reason": "a misreport",
    }


def test_without_an_estimate_there_is_null_and_not_a_number() -> None:
    found = question_json(samples.bare(None))
    assert (found["estimate"], found["moved"]) == (None, None)
    assert (found["curve"], found["contributions"], found["rules"]) == ([], [], [])


def test_what_is_not_finite_is_null_and_the_text_is_strict_json() -> None:
    odd = Contribution("t", math.inf, math.nan, 2.0, ())
    estimate = samples.estimate(0, 0.3, contributions=(odd,), mcse=math.inf)
    found = question_json(samples.bare(history=[estimate]))
    json.dumps(found, allow_nan=False)
    assert found["contributions"][0]["multiplier"] == {"median": None, "lower": None, "upper": 2.0}
    assert found["estimate"]["mcse"] is None


def test_hostile_text_goes_through_unchanged() -> None:
    title = "</script>\u202e\x1b[31m" + "x" * 10_000
    question = replace(samples.QUESTION, title=title)
    text = json.dumps(question_json(samples.bare(question=question)), allow_nan=False)
    assert json.loads(text)["question"]["title"] == title


def test_a_watch_lists_every_question_in_the_order_of_the_report() -> None:
    second = replace(samples.QUESTION, question_id="second")
    reports = [samples.bare(None, question=second), samples.full()]
    found = watch_json(build_watch("Desk", reports, now=samples.NOW))
    json.dumps(found, allow_nan=False)
    assert (found["schema_version"], found["watch"]) == (1, "Desk")
    assert found["now"] == "2025-11-28T09:00:00Z"
    rows = [(q["question"]["question_id"], q["attention"]) for q in found["questions"]]
    assert rows == [("strike-by-new-year", "moved"), ("second", "calm")]
    assert [q["points_in_week"] for q in found["questions"]] == [12, None]
    assert found["questions"][1]["estimate"] is None
