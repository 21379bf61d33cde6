"""The family as a whole: its contract, what moves its number, and the rungs that answer."""

from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
import pytest

from forecast.estimate import Health
from forecast.evidence import Coverage, CoverageState
from forecast.question import Snapshot
from models.api import Task
from models.certify.worlds import regime as simulator
from models.priors.elicit import Normal
from models.regime import Regime
from models.testing import check_model
from tests.models import worlds

TAGS = (worlds.effect("a", 0.7), worlds.effect("calm", -0.5))
BELIEVED = replace(worlds.beliefs(*TAGS, narrower=worlds.KINDS), model="regime")
ONE_STATE = Normal(-30.0, 0.1)  # log of what a crisis adds: nothing
FAMILY = Regime()


def covered(task: Task, *spans: tuple[float, float]) -> Task:
    """The task with feeds down between days."""
    facts = tuple(
        Coverage(f"c{i}", "u", CoverageState.DOWN, worlds.day(a), worlds.day(b), worlds.START)
        for i, (a, b) in enumerate(spans)
    )
    return replace(task, snapshot=replace(task.snapshot, coverage=facts))


def chance(task: Task, state: bytes | None = None) -> float:
    [estimate] = FAMILY.update(task, state).estimates
    assert estimate.health is Health.HEALTHY, estimate.reason
    return estimate.probability


def test_it_keeps_the_contract() -> None:
    check_model(FAMILY)


def test_silence_lowers_p_and_a_feed_that_is_down_does_not() -> None:
    reports = [worlds.report(f"r{i}", 5.0 * i + 1.0) for i in range(25)]
    silent = worlds.task(BELIEVED, 200.0, reports)
    down = covered(silent, (125.0, 201.0))
    p = [chance(task) for task in (silent, down)]
    assert p[0] < 0.95 * p[1]


def test_incidents_raise_p_those_of_a_calming_tag_lower_it_and_weak_ones_do_less() -> None:
    def with_reports(tag: str, value: float) -> float:
        reports = [worlds.report(f"r{i}", 196.1 + i, tag, value=value) for i in range(3)]
        return chance(worlds.task(BELIEVED, 200.0, reports))

    nothing = chance(worlds.task(BELIEVED, 200.0))
    assert with_reports("calm", 1.0) < nothing < with_reports("a", 0.3) < with_reports("a", 1.0)


def test_with_one_state_it_is_a_plain_rate() -> None:
    """Poisson with a log-normal rate: the posterior mean of 1 - e^(-60 rate) on a grid."""
    rate = Normal(-5.0, 0.5)
    believed = worlds.beliefs(log_rate=rate, log_ceiling=Normal(-30.0, 0.1), model="regime")
    events = [worlds.event("e0", 40.5), worlds.event("e1", 90.5)]
    asked = worlds.question(opens=200.0, deadline=260.0)
    p = FAMILY.update(worlds.task(believed, 200.0, events=events, questions=[asked]), None)
    log_rates = np.linspace(rate.mean - 5 * rate.sd, rate.mean + 5 * rate.sd, 4001)
    density = -0.5 * ((log_rates - rate.mean) / rate.sd) ** 2
    density += 2 * log_rates - 200 * np.exp(log_rates)
    w = np.exp(density - density.max())
    expected = w @ -np.expm1(-60 * np.exp(log_rates)) / w.sum()
    [estimate] = p.estimates
    assert estimate.probability == pytest.approx(expected, abs=4 * estimate.mcse + 1e-4)


def test_what_happened_in_the_window_counts_towards_how_many_were_asked_for() -> None:
    events = [worlds.event("e0", 180.5), worlds.event("e1", 190.5)]
    asked = [
        replace(worlds.question(opens=opens, name=f"{opens:g}-{n}"), at_least=n)
        for opens, n in ((170.0, 3), (170.0, 2), (200.0, 1))
    ]
    task = worlds.task(BELIEVED, 200.0, events=events, questions=asked)
    third, second, next_one = FAMILY.update(task, None).estimates
    assert third.probability == pytest.approx(next_one.probability, rel=1e-12)
    assert second.probability == pytest.approx(1.0)
    assert third.expected_count == pytest.approx(2 + (next_one.expected_count or 0.0))
    assert third.at_least[:2] == pytest.approx((1.0, 1.0))
    assert third.at_least[2:] == pytest.approx(next_one.at_least[:3])


def test_an_instant_in_another_zone_is_the_same_instant() -> None:
    reports = [worlds.report("r", 190.2)]
    task = worlds.task(BELIEVED, 200.0, reports)
    zone = timezone(timedelta(hours=9))
    [moved] = [
        replace(r, occurred_at=r.occurred_at.astimezone(zone), known_at=r.known_at.astimezone(zone))
        for r in reports
    ]
    there = replace(task.snapshot, reports=(moved,), as_of=task.snapshot.as_of.astimezone(zone))
    assert chance(replace(task, snapshot=there)) == chance(task)


def test_a_shift_of_everything_by_days_changes_nothing() -> None:
    shift = timedelta(days=17)
    task = worlds.task(BELIEVED, 200.3, [worlds.report("r", 190.2)], [worlds.event("e", 100.1)])
    since = (worlds.START + shift).isoformat()
    [asked] = task.questions
    later = replace(asked, opens_at=asked.opens_at + shift, deadline=asked.deadline + shift)
    old = task.snapshot
    facts = Snapshot(
        "u",
        old.as_of + shift,
        (later,),
        tuple(
            replace(r, occurred_at=r.occurred_at + shift, known_at=r.known_at + shift)
            for r in old.reports
        ),
        tuple(
            replace(e, occurred_at=e.occurred_at + shift, known_at=e.known_at + shift)
            for e in old.events
        ),
    )
    moved = replace(
        task, snapshot=facts, questions=(later,), beliefs=replace(BELIEVED, observed_since=since)
    )
    assert chance(moved) == chance(task)


def test_a_restart_answers_with_the_same_bytes() -> None:
    reports = [worlds.report(f"r{i}", 150.0 + 9 * i) for i in range(6)]
    before = FAMILY.update(worlds.task(BELIEVED, 199.0, reports[:5]), None)
    task = worlds.task(BELIEVED, 200.0, reports, previous=before.estimates)
    first = FAMILY.update(task, before.state)
    assert first.estimates[0].method == "T1"
    assert first.state is before.state
    FAMILY.update(worlds.task(BELIEVED, 130.0), None)  # other data, and another structure
    assert FAMILY.update(task, bytes(bytearray(before.state or b""))) == first


def test_a_state_of_other_beliefs_is_made_anew_and_said_to_be_the_prior() -> None:
    before = FAMILY.update(worlds.task(BELIEVED, 200.0), None)
    retuned = replace(BELIEVED, log_rate=Normal(-4.5, 0.3))
    task = worlds.task(retuned, 200.0, previous=before.estimates)
    [estimate] = FAMILY.update(task, before.state).estimates
    assert estimate.method == "R1"
    assert estimate.moved is not None
    assert estimate.moved.main_cause() == "prior"


def test_a_ceiling_below_the_base_rate_is_a_finding_in_words() -> None:
    task = worlds.task(replace(BELIEVED, log_ceiling=Normal(-6.5, 0.3)))
    [estimate] = FAMILY.update(task, None).estimates
    assert estimate.health is Health.UNVERIFIED
    assert "is not above its base rate" in estimate.reason


@pytest.mark.parametrize(
    "task",
    [
        worlds.task(BELIEVED, 0.2),
        worlds.task(BELIEVED, 200.0, [worlds.report(f"r{i}", 100.3) for i in range(300)]),
        worlds.task(BELIEVED, 200.0, events=[worlds.event(f"e{i}", i + 0.5) for i in range(150)]),
        worlds.task(BELIEVED, 200.0, [worlds.report(f"r{i}", i + 0.5) for i in range(199)]),
        worlds.task(BELIEVED, 200.0, [worlds.report("r", 190.5, value=0.0)]),
    ],
    ids=["first hours", "a flood", "an event a day", "never silent", "of no weight"],
)
def test_the_unusual_is_answered(task: Task) -> None:
    asked = replace(task.questions[0], deadline=task.snapshot.as_of + timedelta(days=30))
    [estimate] = FAMILY.update(replace(task, questions=(asked,)), None).estimates
    assert 0.0 < estimate.probability <= 1.0
    assert estimate.health is Health.HEALTHY or estimate.reason


def test_contributions_name_what_speaks_and_what_is_silent() -> None:
    tags = (worlds.effect("a", 0.7), worlds.effect("b", 0.7))
    believed = worlds.beliefs(*tags, model="regime")
    loud = [worlds.report(f"r{i}", 20.0 + 20 * i, "b") for i in range(8)]
    fresh = [worlds.report(f"s{i}", 195.0 + i, "a") for i in range(4)]
    [estimate] = FAMILY.update(worlds.task(believed, 200.0, [*loud, *fresh]), None).estimates
    by_tag = {c.tag: c for c in estimate.contributions}
    assert by_tag["a"].lower > 1.0
    assert by_tag["a"].incidents == ("s3", "s2", "s1", "s0")
    assert by_tag["b"].median < 1.0
    states = [estimate.diagnostics[f"state.{s}"] for s in ("calm", "tense", "crisis")]
    assert sum(states) == pytest.approx(1.0)


def test_the_truth_of_simulated_worlds_is_told_by_the_same_names() -> None:
    task, truth = simulator.world(np.random.default_rng(4))
    draws = FAMILY.posterior(task, None)
    assert set(draws.names) == set(truth)
    stream = simulator.simulate(np.random.default_rng(4))
    assert stream.truth == truth
    assert [t.snapshot.as_of for t in stream.tasks] == sorted(
        t.snapshot.as_of for t in stream.tasks
    )


def test_the_density_of_the_simulators_truth_is_the_models() -> None:
    """Two programs from one page of words: log prior, log likelihood, state and P agree."""
    from models.engine.ladder import Rung
    from models.regime.problem import STATE
    from models.regime.update import Work

    for seed in range(3):
        task, truth = simulator.world(np.random.default_rng(seed))
        work = Work(task, "")
        theta = np.array([[truth[name] for name in work.prior.parameters()]])
        fit = work.problem.fit(np.repeat(theta, 100, axis=0), None, "R2")
        assert work.problem.target.log_prior(theta)[0] == pytest.approx(truth["log_prior"])
        assert fit.log_likelihood[0] == pytest.approx(truth["log_likelihood"], abs=1e-8)
        today = [truth[f"state.{s}"] for s in ("calm", "tense", "crisis")]
        assert fit.extras[STATE][0] == pytest.approx(today, abs=1e-9)
        whole = work.chance(Rung.of_fit(fit), task.questions[0])
        assert whole[0] == pytest.approx(truth["p:whole-1"], abs=1e-9)


def test_filtering_on_from_the_mark_is_filtering_all() -> None:
    from models.engine.fit import Fit
    from models.regime.update import Work

    reports = [worlds.report(f"r{i}", 9.0 * i + 0.5) for i in range(24)]
    before = FAMILY.update(worlds.task(BELIEVED, 200.6, reports[:22]), None)
    fit = Fit.restored(before.state)
    assert fit is not None
    corrected = [replace(r, value=0.5) if r.report_id == "r3" else r for r in reports]
    for now in (reports, corrected):  # what follows the mark is new; what precedes it changed
        problem = Work(worlds.task(BELIEVED, 212.3, now), "").problem
        problem = replace(problem, prior_digest=fit.prior_digest)
        likelihood, extras = problem.kept(fit.draws)
        assert problem.target.log_likelihood(fit.draws) == pytest.approx(likelihood, abs=1e-9)
        posterior = problem.reweigh(fit)
        assert posterior.log_likelihood == pytest.approx(likelihood, abs=1e-9)
        for name, values in extras.items():
            assert posterior.extras[name] == pytest.approx(values, abs=1e-9) or "mark" in name
