"""Explanations: parts that add up, and scenarios that a real update would answer alike."""

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from forecast.errors import HeldError
from forecast.evidence import Report
from forecast.explanation import Explanation, Scenario, TagPart
from models.api import Explainer, Task
from models.engine.fit import Fit
from models.explaining import (
    arrival_within,
    concentration_notes,
    extrapolation_notes,
    retracted,
    silent,
    source_shares,
    with_reports,
    without,
)
from models.hazard.explain import incident_stocks, log_parts, stock_shares
from models.hazard.explanation import explain, parts_of, to_leave_out
from models.hazard.leverage import Leverage
from models.hazard.problem import AT_RISK, expose
from models.hazard.scenarios import Account, at_rows, carried
from models.hazard.update import Work
from models.priors.beliefs import CoupledUnit
from models.priors.elicit import Normal
from models.track import observation_start
from tests.models import worlds
from tests.models.explained_world import (
    ASKED,
    BELIEVED,
    EFFECTS,
    EVENTS,
    MODEL,
    REPORTS,
    TASK,
    account,
    explained,
    hash_of,
    incident,
    state_of,
    updated,
)

# What it is made of


def test_what_is_explained_is_what_was_estimated() -> None:
    assert explained().probability == pytest.approx(updated(TASK)[0], abs=1e-12)


def test_parts_of_incidents_sum_to_their_tags_and_tags_to_the_whole_in_each_draw() -> None:
    work, draws = account().work, account().posterior.draws
    x = work.present()
    parts = log_parts(work.multiplier, work.prior, draws, x)
    log_m = work.multiplier.log_multiplier(draws, np.stack([x, 0 * x]))
    assert parts.sum(axis=1) == pytest.approx(log_m[:, 0] - log_m[:, 1], abs=1e-9)
    incidents, stocks = incident_stocks(work.track)
    shares = stock_shares(work.track, incidents, stocks)
    for k, effect in enumerate(EFFECTS):
        mine = np.array([i.tag == effect.tag for i in incidents])
        by_incident = parts[:, [k]] * shares[mine]
        assert by_incident.sum(axis=1) == pytest.approx(parts[:, k], abs=1e-9)
        assert x[k] == pytest.approx(math.log2(1 + stocks[mine].sum()), abs=1e-12)


def test_means_add_up_in_what_is_shown() -> None:
    whole, tags = parts_of(account())
    assert sum(t.part.mean for t in tags) == pytest.approx(whole.mean, abs=1e-9)
    for tag in tags:
        assert sum(i.part.mean for i in tag.incidents) == pytest.approx(tag.part.mean, abs=1e-9)
        assert sum(i.share for i in tag.incidents) == pytest.approx(1.0)


def test_an_incident_tells_its_age_what_is_left_of_it_and_who_reports_it() -> None:
    [tag] = [t for t in explained().tags if t.tag == "a"]
    second = next(i for i in tag.incidents if i.incident_id == "i2")
    assert second.newsrooms == ("y", "z")
    assert second.reports == 2
    assert 44 < second.age_days < 51
    # the weight came in two steps, and both fade from the date of the better report
    assert second.faded_to == pytest.approx(0.5 ** (second.age_days / 30), rel=0.02)


def test_a_tag_without_effect_takes_no_part() -> None:
    [nil] = [t for t in explained().tags if t.tag == "nil"]
    assert nil.covariate > 0.5
    assert max(abs(nil.part.mean), abs(nil.part.upper), abs(nil.part.lower)) < 1e-5
    [scenario] = [s for s in explained().of_kind("report") if s.subject == "nil"]
    assert abs(scenario.change) < 1e-6
    assert not any(s.key == "effects.nil" and s.width > 1e-5 for s in explained().swings)


# Other facts: what a real update of the same draws would answer


@pytest.mark.parametrize("name", ["a1", "i2", "a4", "b1"])
def test_leaving_an_incident_out_is_an_update_without_its_reports(name: str) -> None:
    out = incident(name)
    left = [r for r in REPORTS if r.report_id != name and r.incident_id != name]
    assert len(left) < len(REPORTS)
    task = worlds.task(BELIEVED, 200, left, EVENTS)
    probability, method = updated(task)
    scenario = account().without(out)
    assert method == "T1"
    assert scenario.probability == pytest.approx(probability, abs=1e-9)
    assert scenario.change == pytest.approx(probability - updated(TASK)[0], abs=1e-9)


def test_leaving_the_first_incident_out_does_not_shorten_the_watch() -> None:
    task = worlds.task(replace(BELIEVED, observed_since=""), 200, REPORTS, EVENTS)
    fit = Fit.restored(MODEL.update(task, None).state)
    assert fit is not None
    found = Account(task, ASKED, fit, hash_of(task))
    first = without(found.facts, "a1", "a")
    assert observation_start(first) == found.work.track.origin == observation_start(task)
    assert observation_start(without(task, "a1", "a")) != found.work.track.origin


def test_one_more_report_is_an_update_with_it() -> None:
    scenarios = {s.subject: s for s in account().reports()}
    assert set(scenarios) == {e.tag for e in EFFECTS}
    for effect in EFFECTS:
        probability, method = updated(with_reports(TASK, [effect]))
        assert method == "T0"
        assert scenarios[effect.tag].probability == pytest.approx(probability, abs=1e-9)
    assert scenarios["a"].change > 0 > scenarios["c"].change


def test_thirty_silent_days_are_an_update_with_the_clock_moved() -> None:
    [scenario] = account().silence()
    probability, method = updated(worlds.task(BELIEVED, 230, REPORTS, EVENTS))
    assert (scenario.subject, method) == ("30 days", "T1")
    assert scenario.probability == pytest.approx(probability, abs=1e-9)
    assert scenario.change < 0


def test_silence_is_shorter_than_the_time_to_the_deadline() -> None:
    near = worlds.question(deadline=210.0)
    task = worlds.task(BELIEVED, 200, REPORTS, EVENTS, [near])
    [scenario] = explain(task, near, state_of(), hash_of(task)).of_kind("silence")
    assert scenario.subject == "7 days"


def test_an_incident_taken_back_stays_in_the_past_that_saw_it() -> None:
    task = retracted(TASK, "i2", "a")
    kept = {r.report_id for r in task.snapshot.reports}
    assert {r.report_id for r in REPORTS} - kept == {"a2", "a3"}
    assert {v.fact.report_id for v in task.snapshot.earlier_reports} == {"a2", "a3"}
    assert all(v.until < task.snapshot.as_of for v in task.snapshot.earlier_reports)
    never = without(task, "i2", "a")
    assert never.snapshot.earlier_reports == ()


def test_few_draws_tell_of_a_change_as_many_do() -> None:
    few = Account(TASK, ASKED, Fit.from_bytes(state_of()), hash_of(TASK))
    for name in ("i2", "b1"):
        some, all_ = few.without(incident(name)), account().without(incident(name))
        assert some.change == pytest.approx(all_.change, abs=4 * some.mcse + 1e-4)
        assert some.mcse < few.yardstick.few.weights.mcse(few.yardstick.few.chance)


def test_a_crossed_alert_level_is_named() -> None:
    p = account().whole.probability
    stick = replace(account().yardstick, levels=(p - 0.001, p + 0.5))
    assert stick.crossed(p - 0.002) == (p - 0.001,)
    assert stick.crossed(p + 0.002) == ()


def test_rows_that_changed_are_carried_exactly() -> None:
    work = Work(without(account().facts, "i2", "a"), hash_of(TASK))
    before, start = account().work.problem.data, account().start
    anew = expose(work.multiplier, start.draws, work.problem.data)
    moved = carried(work, start, before)
    assert moved.extras[AT_RISK] == pytest.approx(anew[AT_RISK], rel=1e-10)
    some = at_rows(before, np.array([0, 5]))
    assert (len(some.rows.exposure), some.x.shape[1]) == (2, 2)


def test_the_chance_of_an_arrival_is_that_of_the_simulated_futures() -> None:
    rng = np.random.default_rng(3)
    shape, rate = np.array([0.5, 4.0]), 120.0
    tempo = rng.gamma(4.0, 0.25, (200_000, 1))
    counts = rng.poisson(rng.gamma(shape, 1 / rate, (200_000, 2)) * tempo * 7)
    expected = (counts > 0).mean(axis=0)
    assert arrival_within(7.0, shape, rate) == pytest.approx(expected, rel=0.02)


# Every kind of tag, and half-lives and couplings that are uncertain


def rich_task(as_of: float = 200.0, reports: Iterable[Report] | None = None) -> Task:
    effects = (
        replace(worlds.effect("a"), half_life_factor=2.0),
        replace(
            worlds.effect("wind", 0.3), kind="level", reference=10.0, per=5.0, stale_after=40.0
        ),
        replace(worlds.effect("vote", 0.5), kind="scheduled", lead=10.0),
    )
    coupled = CoupledUnit("v", ("a",), Normal(0.4, 0.2), 30.0, 0.3)
    believed = replace(worlds.beliefs(*effects), couplings=(coupled,))
    said = RICH if reports is None else list(reports)
    task = worlds.task(believed, as_of, said, EVENTS)
    elsewhere = replace(worlds.report("v1", 180, "a"), unit="v")
    other = replace(task.snapshot, unit="v", reports=(elsewhere,), events=())
    return replace(task, others=(other,))


RICH = [
    worlds.report("a1", 150, "a"),
    worlds.report("a2", 190, "a"),
    worlds.report("w1", 180, "wind", value=22.0),
    worlds.report("v0", 170, "vote", occurred=205),
]


@cache
def rich_account() -> Account:
    task = rich_task()
    fit = Fit.restored(MODEL.update(task, None).state)
    assert fit is not None
    return Account(task, ASKED, fit, hash_of(task), few=len(fit.draws))


def test_scenarios_are_real_updates_under_every_setting_and_kind_of_tag() -> None:
    found = rich_account()
    state = found.fit.to_bytes()
    assert len(found.work.settings) == 6

    def real(task: Task) -> float:
        return MODEL.update(task, state).estimates[0].probability

    out = next(i for i in found.work.track.incidents if i.incident_id == "a1")
    left = [r for r in RICH if r.report_id != "a1"]
    assert found.without(out).probability == pytest.approx(real(rich_task(reports=left)), abs=1e-9)
    [quiet] = found.silence()
    assert quiet.probability == pytest.approx(real(silent(rich_task(), 30)), abs=1e-9)
    for effect, scenario in zip(rich_task().beliefs.effects, found.reports(), strict=True):
        more = with_reports(rich_task(), [effect])
        assert scenario.probability == pytest.approx(real(more), abs=1e-9)
        assert (scenario.arrival is None) == (effect.kind != "incident")
    wind = with_reports(rich_task(), [rich_task().beliefs.effects[1]])
    assert max(r.value for r in wind.snapshot.reports) == 27.0


def test_a_level_takes_part_without_incidents() -> None:
    whole, tags = parts_of(rich_account())
    by_tag = {t.tag: t for t in tags}
    assert by_tag["wind"].incidents == ()
    assert by_tag["wind"].covariate == pytest.approx(2.4)
    assert by_tag["vote"].incidents[0].age_days < 0  # it is still ahead
    assert sum(t.part.mean for t in tags) == pytest.approx(whole.mean, abs=1e-9)
    leverage = Leverage(rich_account())
    assert leverage.prior_power("prior", leverage.components()["prior"], 1.0).change == 0
    assert len(leverage.swings()) == 3 + 3


@pytest.mark.parametrize("as_of", [0.0, 0.5, 3.0])
def test_a_watch_that_has_just_begun_is_explained(as_of: float) -> None:
    task = worlds.task(BELIEVED, as_of, [worlds.report("a1", as_of - 0.1, "a")])
    found = explain(task, ASKED, MODEL.update(task, None).state, hash_of(task))
    assert found.conflict.verdict in {"none", "strong prior"}
    assert all(not s.reason for s in found.scenarios)


def test_what_happens_once_and_counts_of_events_are_explained() -> None:
    for recurrent, asked in (
        (False, worlds.question(opens=210)),
        (True, replace(worlds.question(), at_least=2)),
    ):
        task = worlds.task(
            replace(BELIEVED, recurrent=recurrent), 200, REPORTS, EVENTS * recurrent, [asked]
        )
        answer = MODEL.update(task, None)
        found = explain(task, asked, answer.state, hash_of(task))
        assert found.probability == pytest.approx(answer.estimates[0].probability, abs=1e-12)
        assert 0 < found.probability < 1


# What to know before acting


def scenario(subject: str, crosses: tuple[float, ...]) -> Scenario:
    return Scenario("without", subject, 0.1, -0.1, 0.001, crosses)


def tags() -> tuple[TagPart, ...]:
    return explained().tags


def test_one_doubtful_incident_that_carries_an_alert_is_told() -> None:
    by_name = {i.incident_id: i for t in tags() for i in t.incidents}
    assert by_name["a4"].credibility < 0.5 < by_name["i2"].credibility
    assert "a4" in {s.subject for s in explained().of_kind("without")}
    doubtful = concentration_notes(tags(), [scenario("a4", (0.2,)), scenario("i2", (0.2,))])
    assert [(n.subject, n.blocks) for n in doubtful if n.blocks] == [("a4", True)]
    assert not any(n.blocks for n in concentration_notes(tags(), [scenario("a4", ())]))


def test_a_doubtful_incident_is_left_out_even_where_others_weigh_more() -> None:
    sure = [worlds.report(f"s{n}", 190 + n, "a") for n in range(8)]
    doubtful = worlds.report("rumour", 120, "a", grade="E5")
    task = worlds.task(BELIEVED, 200, [*sure, doubtful], EVENTS)
    found = Account(task, ASKED, Fit.from_bytes(state_of()), hash_of(task))
    chosen, untested = to_leave_out(found.work.track, parts_of(found)[1])
    assert [i.incident_id for i in chosen][-1] == "rumour"
    assert (len(chosen), untested) == (7, 2)


def test_one_source_behind_most_of_the_rise_is_told() -> None:
    shares = source_shares(i for t in tags() for i in t.incidents)
    assert sum(shares.values()) == pytest.approx(1.0)
    only_one = explain_of([worlds.report("a1", 190, "a", origin="x")])
    assert any("rests on x" in n.words for n in only_one.notes)
    two = [worlds.report(f"a{o}", 190, "a", incident="i", origin=o) for o in "xy"]
    assert not any("rests on" in n.words for n in explain_of(two).notes)


def explain_of(reports: Iterable[Report]) -> Explanation:
    task = worlds.task(BELIEVED, 200, reports, EVENTS)
    return explain(task, ASKED, state_of(), hash_of(task))


def test_a_tag_higher_than_ever_is_told() -> None:
    [a] = [t for t in tags() if t.tag == "a"]
    assert not extrapolation_notes([replace(a, covariate=1.0, highest=1.0)])
    [slightly] = extrapolation_notes([replace(a, covariate=1.2, highest=1.0)])
    [far] = extrapolation_notes([replace(a, covariate=1.6, highest=1.0)])
    [never] = extrapolation_notes([replace(a, covariate=1.0, highest=0.0)])
    assert [n.blocks for n in (slightly, far, never)] == [False, True, False]


# What cannot be explained


def test_beliefs_that_changed_since_the_estimate_are_refused() -> None:
    other = replace(TASK, beliefs=replace(BELIEVED, log_rate=Normal(-5.0, 0.5)))
    with pytest.raises(HeldError, match="beliefs are not those of its last estimate"):
        explain(other, ASKED, state_of(), hash_of(other))


@pytest.mark.parametrize("state", [None, b"", b"not an archive"])
def test_without_draws_there_is_nothing_to_explain(state: bytes | None) -> None:
    with pytest.raises(HeldError, match="no stored draws"):
        explain(TASK, ASKED, state, hash_of(TASK))


def test_without_signs_only_the_beliefs_are_explained() -> None:
    task = worlds.task(worlds.beliefs(), 200)
    found = explain(task, ASKED, MODEL.update(task, None).state, hash_of(task))
    assert (found.tags, found.of_kind("report"), found.of_kind("without")) == ((), (), ())
    assert {s.component for s in found.scalings} >= {"base rate", "prior", "likelihood"}


def test_the_same_state_gives_the_same_explanation() -> None:
    assert explain(TASK, ASKED, state_of(), hash_of(TASK)) == explained()
    assert isinstance(MODEL, Explainer)
    assert MODEL.explain(TASK, ASKED, state_of()) == explained()
