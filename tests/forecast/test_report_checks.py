"""Whether a number may be relied on: every check with its reason, the same in every format."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from forecast.audit import Audit, Verdict
from forecast.estimate import Coupling, Estimate, Health
from forecast.evidence import Outcome
from forecast.reports.as_json import question_json, watch_json
from forecast.reports.checks import (
    PATIENCE,
    checks_of,
    count_rows,
    coupling_words,
    made_rows,
    summary,
)
from forecast.reports.html import question_html, watch_html
from forecast.reports.markdown import question_markdown, watch_markdown
from forecast.reports.numbers import Check, Mark
from forecast.reports.surroundings import Heard, Surroundings
from forecast.reports.view import QuestionReport
from forecast.reports.watch import Attention, build_watch
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
        assert "the code of the model has changed since its calibration" in " ".join(text.split())
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


BOUNDS = {"khat_below": 0.7, "ess_at_least": 600.0, "mcse_at_most": 0.01}


def checked(
    around: Surroundings | None = None, numbers: dict[str, float] | None = None, **changes: Any
) -> QuestionReport:
    """A report whose newest estimate is another one, with what surrounds it."""
    last = samples.history()[-1]
    changes.setdefault("diagnostics", {**last.diagnostics, **BOUNDS, **(numbers or {})})
    past = (*samples.history()[:-1], replace(last, **changes))
    return samples.full(history=past, around=around or Surroundings())


def found(report: QuestionReport, name: str) -> Check:
    [check] = [check for check in checks_of(report) if check.name == name]
    return check


@pytest.mark.parametrize(
    ("health", "mark", "words"),
    [
        (Health.HEALTHY, Mark.PASS, "passed every gate"),
        (Health.HELD, Mark.WARN, "the last good number stands: because"),
        (Health.UNVERIFIED, Mark.FAIL, "no gate vouches for this number: because"),
    ],
)
def test_health_says_which_number_stands(health: Health, mark: Mark, words: str) -> None:
    check = found(checked(health=health, reason="because"), "gates")
    assert (check.mark, words in check.reason) == (mark, True)


@pytest.mark.parametrize(
    ("numbers", "name", "mark", "said"),
    [
        ({"khat": -0.117}, "weights (k-hat)", Mark.PASS, "−0.12; must be below 0.70"),
        ({"khat": 0.7}, "weights (k-hat)", Mark.FAIL, "0.70; must be below 0.70"),
        ({"khat": float("-inf")}, "weights (k-hat)", Mark.PASS, "−∞; must be below 0.70"),
        ({"khat": float("nan")}, "weights (k-hat)", Mark.FAIL, "nan; must be below 0.70"),
        ({"ess": 600.0}, "draws that count", Mark.PASS, "600 of 2,000; must be at least 600"),
        ({"ess": 599.0}, "draws that count", Mark.FAIL, "599 of 2,000; must be at least 600"),
    ],
)
def test_a_number_is_held_to_the_bound_that_stands_beside_it(
    numbers: dict[str, float], name: str, mark: Mark, said: str
) -> None:
    check = found(checked(numbers=numbers), name)
    assert (check.mark, check.found) == (mark, said)


def test_numbers_of_nuts_are_told_and_the_weights_that_it_has_not_are_none() -> None:
    numbers = {
        "rhat": 1.02, "rhat_at_most": 1.01, "divergences": 0.0, "divergences_at_most": 0.0,
        "ebfmi": 0.28, "ebfmi_at_least": 0.3,
    }  # fmt: skip
    report = checked(numbers=numbers, method="R2")
    marks = {check.name: check.mark for check in checks_of(report)}
    assert "weights (k-hat)" not in marks
    assert marks["chains (R-hat)"] is Mark.FAIL
    assert marks["energy (E-BFMI)"] is Mark.FAIL
    assert marks["divergences"] is Mark.PASS
    assert "2 failures: the chains disagree, " in summary(checks_of(report))


def test_an_older_number_passed_if_its_gates_did_and_is_open_otherwise() -> None:
    told = samples.history()[-1].diagnostics
    check = found(checked(diagnostics=told), "draws that count")
    assert (check.mark, check.found) == (Mark.PASS, "1,391 of 2,000; its bound was not kept")
    was_held = checked(diagnostics=told, health=Health.HELD, reason="because")
    assert found(was_held, "draws that count").mark is Mark.OPEN


def test_what_no_gate_looks_at_is_open_and_a_closed_form_has_no_error() -> None:
    assert found(checked(diagnostics={}), "simulation error").mark is Mark.OPEN
    names = [check.name for check in checks_of(checked(diagnostics={}, mcse=0.0))]
    assert "simulation error" not in names


@pytest.mark.parametrize(
    ("p", "mcse", "mark"),
    [
        (0.31, 0.002, Mark.PASS),
        (0.398, 0.003, Mark.WARN),
        (0.301, 0.003, Mark.PASS),  # the alert is not out, so where it clears is far
        (0.399, 0.0, Mark.PASS),
    ],
)
def test_noise_is_held_against_the_level_that_changes_the_alert(
    p: float, mcse: float, mark: Mark
) -> None:
    assert found(checked(probability=p, mcse=mcse), "alert level").mark is mark


def test_a_level_further_off_counts_where_its_rule_asks_for_more_margin() -> None:
    near, far = replace(samples.RULE, fire_at=0.32), replace(samples.RULE, fire_at=0.33, z=4.0)
    last = samples.estimate(150, 0.31, mcse=0.006)
    report = samples.full(history=[last], transitions=[], rules=[near, replace(far, rule_id="f")])
    check = found(report, "alert level")
    assert (check.mark, check.value) == (Mark.WARN, "2 points from 33 %")


def test_while_an_alert_is_out_the_level_that_matters_is_where_it_clears() -> None:
    last = samples.estimate(150, 0.302, mcse=0.003)
    out = [t for t in samples.transitions() if t.at < last.as_of]
    report = samples.full(history=[last], transitions=out, now=last.as_of)
    check = found(report, "alert level")
    assert (check.mark, check.found) == (
        Mark.WARN,
        "0.2 points from 30 %; must be more than 0.3 points",
    )


def test_an_estimate_is_overdue_when_a_slot_went_by_without_one() -> None:
    due = samples.NOW - PATIENCE
    assert found(checked(Surroundings(due=due)), "age").mark is Mark.PASS
    late = found(checked(Surroundings(due=due - timedelta(seconds=1))), "age")
    assert late.mark is Mark.WARN
    assert late.reason.startswith("overdue: the service is down")
    assert "3 hours ago; must be renewed by 28 Nov 2025, 08:44 UTC" in late.found
    assert found(checked(), "age").mark is Mark.OPEN
    assert "age" not in [check.name for check in checks_of(samples.resolved(Outcome.NO))]


def test_what_is_silent_is_named_and_what_works_too() -> None:
    heard = (Heard("unit", "usa-ven"), Heard("source", "wire"))
    works = found(checked(Surroundings(heard=heard)), "what it hears")
    assert (works.mark, works.found) == (Mark.PASS, "unit usa-ven, source wire")
    broken = (heard[0], replace(heard[1], trouble="nothing new for 3 days"))
    silent = found(checked(Surroundings(heard=broken)), "what it hears")
    assert silent.mark is Mark.WARN
    assert silent.reason == "source wire is silent or broken: nothing new for 3 days"


@pytest.mark.parametrize(
    ("verdict", "z", "mark"),
    [
        (Verdict.AGREES, 0.62, Mark.PASS),
        (Verdict.WARNS, 2.4, Mark.WARN),
        (Verdict.FAILS, 4.1, Mark.FAIL),
    ],
)
def test_an_audit_is_told_with_its_distance(verdict: Verdict, z: float, mark: Mark) -> None:
    audit = Audit("t", "q", samples.at(170), 0.31, "T1", 0.32, 0.004, z, verdict, "it says 32 %")
    check = found(checked(Surroundings(audit=audit)), "audit by NUTS")
    assert check.mark is mark
    assert check.found == f"{z:.1f} standard errors apart, 19 Nov 2025; must be at most 2"
    assert ("it says 32 %" in check.reason) is (mark is not Mark.PASS)


@pytest.mark.parametrize(
    ("certificate", "mark", "words"),
    [
        ("passed", Mark.PASS, "calibrated"),
        ("failed", Mark.FAIL, "`tocsin models show hazard` says which"),
        ("stale", Mark.WARN, "uncertified: the code of the model has changed"),
        ("none", Mark.WARN, "`tocsin models certify hazard` does it"),
        ("", Mark.OPEN, "not looked up"),
    ],
)
def test_a_certificate_is_told_with_what_mends_it(certificate: str, mark: Mark, words: str) -> None:
    check = found(checked(certificate=certificate), "certificate")
    assert (check.mark, words in check.reason) == (mark, True)


def test_the_summary_counts_what_could_be_checked_and_names_what_did_not_pass() -> None:
    passes = checked(certificate="passed")
    assert summary(checks_of(passes)) == "All 7 checks pass."
    both = checked(certificate="stale", findings=("1 event is not counted",), numbers={"ess": 1.0})
    checks = checks_of(both)
    assert [check.mark for check in checks[:3]] == [Mark.FAIL, Mark.WARN, Mark.WARN]
    assert summary(checks) == (
        "4 of 7 checks pass; 1 failure: too few draws stand behind the number; "
        "2 warnings: 1 event is not counted, uncertified."
    )
    assert checks_of(samples.bare(None)) == ()


def test_every_format_says_the_same_of_every_check() -> None:
    report = checked(certificate="stale", numbers={"khat": -0.117})
    page, text = text_of(question_html(report)), printed(report, 100)
    for told in (page, text, question_markdown(report)):
        plain = " ".join(told.replace("`", "").replace(" | ", " ").split())
        for check in checks_of(report):
            assert check.verdict in plain
            assert check.found in plain
            assert check.reason.replace("`", "") in plain
    assert summary(checks_of(report)) in page
    rows = question_json(report)["checks"]
    assert [row["reason"] for row in rows] == [check.reason for check in checks_of(report)]
    khat = next(row for row in rows if "k-hat" in row["check"])
    assert (khat["verdict"], khat["found"], khat["bound"]) == ("pass", "−0.12", "below 0.70")


def test_a_list_of_questions_tells_what_is_wrong_with_one_and_once_what_is_with_all() -> None:
    late = Surroundings(due=samples.at(170))
    reports = [
        replace(
            checked(around, certificate="stale"),
            question=replace(samples.QUESTION, question_id=name),
        )
        for around, name in ((Surroundings(due=samples.at(200)), "a"), (late, "b"))
    ]
    watch = build_watch("Desk", reports, now=samples.NOW)
    calm = [row for row in watch.rows if row.attention is Attention.CALM]
    assert watch.shared == ("‖ uncertified",)
    assert {row.report.question.question_id: row.troubles for row in watch.rows} == {
        "a": (), "b": ("‖ overdue",),
    }  # fmt: skip
    assert [bool(row.troubles) for row in calm] == sorted(bool(r.troubles) for r in calm)[::-1]
    told = watch_json(watch)
    assert told["shared_troubles"] == ["‖ uncertified"]
    for text in (text_of(watch_html(watch)), watch_markdown(watch)):
        assert text.count("‖ uncertified") == 1
        assert text.count("‖ overdue") == 1


def test_what_no_check_is_of_stands_in_the_small_print() -> None:
    last = replace(rich_estimate(), diagnostics={"events": 3.0, "ess": 900.0, **BOUNDS})
    rows = dict(made_rows(last))
    assert rows["events"] == "3"
    assert not {"effective sample size", "ess_at_least", "khat_below"} & rows.keys()


def test_a_number_that_is_older_than_its_prior_says_so_until_the_next_update() -> None:
    changed = replace(samples.PRIOR, version=4)
    report = samples.full(prior=changed)
    head = "older than version 4 of the prior"
    for text in (printed(report, 160), text_of(question_html(report)), question_markdown(report)):
        assert head in " ".join(text.split())
    [row] = build_watch("Desk", [report], now=samples.NOW).rows
    assert f"‖ {head}" in row.troubles
    before = samples.full(prior=replace(changed, version=2))
    ended = replace(samples.resolved(), prior=changed)
    assert not [
        check for one in (before, ended) for check in checks_of(one) if check.name == "prior"
    ]
