"""What the pool makes of its members: numbers, weights, bands, curves, and what they rest on."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from forecast.errors import ConfigError
from forecast.estimate import Estimate, Health
from forecast.evidence import CrowdForecast, Event, Outcome
from models.api import Lesson
from models.base_rate import BaseRate
from models.pool import Pool
from models.pool.kept import Kept
from models.pool.past import of_family
from models.pool.update import Answered, Work
from models.priors.beliefs import Pooled
from tests.models.pool.pooled_world import (
    SIMPLE,
    beliefs,
    day,
    ended,
    estimate,
    many_ended,
    question,
    report,
    said,
    snapshot,
    task,
)

OPEN = question("open", 1000, 60)


def pooled_with(*crowd: CrowdForecast, pooled: Pooled = SIMPLE, as_of: float = 1010) -> Estimate:
    """The estimate of the open question, with what others said of it."""
    seen = snapshot(as_of, OPEN, crowd=crowd)
    return estimate(task(seen, OPEN, of=beliefs(pooled)))


def of_base_rate() -> Estimate:
    asked = task(snapshot(1010, OPEN), OPEN, of=of_family(beliefs(), "base-rate"))
    return BaseRate().update(asked, None).estimates[0]


def test_alone_without_a_record_a_family_is_repeated() -> None:
    found, own = pooled_with(), of_base_rate()
    assert found.probability == pytest.approx(own.probability)
    assert [c.probability for c in found.curve] == pytest.approx(
        [c.probability for c in own.curve], abs=2e-4
    )
    assert found.expected_count == pytest.approx(own.expected_count)
    assert found.at_least == pytest.approx(own.at_least, abs=2e-5)
    assert found.contributions == ()
    assert found.method == "pool"


def test_what_a_market_says_counts_as_much_as_a_family_until_there_is_a_record() -> None:
    own = of_base_rate().probability
    found = pooled_with(said("open", 1005, 0.9))
    assert found.probability == pytest.approx(expit((logit(own) + logit(0.9)) / 2))
    weights = Pooled(families=("base-rate",), weights=(("market", 3.0),))
    found = pooled_with(said("open", 1005, 0.9), pooled=weights)
    assert found.probability == pytest.approx(expit((logit(own) + 3 * logit(0.9)) / 4))
    assert found.diagnostics["weight of crowd: market"] == pytest.approx(0.75)
    assert found.diagnostics["p of crowd: market"] == 0.9


def test_the_newest_number_of_each_source_counts_as_long_as_it_is_fresh() -> None:
    plain = pooled_with()
    old, new = said("open", 1001, 0.2), said("open", 1009, 0.8)
    assert pooled_with(new, old) == replace(
        pooled_with(new), inputs_digest=pooled_with(new, old).inputs_digest
    )
    assert pooled_with(said("open", 979, 0.8)).probability == plain.probability
    assert pooled_with(said("open", 981, 0.8)).probability > plain.probability
    short = Pooled(families=("base-rate",), stale_after=5.0)
    assert pooled_with(old, pooled=short).probability == plain.probability


def test_what_is_said_later_or_of_another_question_is_not_heard() -> None:
    plain = pooled_with().probability
    assert pooled_with(said("open", 1010, 0.9)).probability == plain
    assert pooled_with(said("another", 1009, 0.9)).probability == plain


def test_sources_that_fit_one_pattern_are_one_member_and_the_rest_is_not_heard() -> None:
    own = of_base_rate().probability
    pooled = Pooled(families=("base-rate",), crowd=("market*",))
    crowd = [said("open", 1005, 0.9, "market a"), said("open", 1006, 0.6, "market b")]
    odd = said("open", 1007, 0.99, "a bot")
    found = pooled_with(*crowd, odd, pooled=pooled)
    of_markets = (logit(0.9) + logit(0.6)) / 2
    assert found.probability == pytest.approx(expit((logit(own) + of_markets) / 2))
    assert pooled_with(odd, pooled=Pooled(("base-rate",), crowd=())).probability == pytest.approx(
        own
    )


def test_others_lift_the_whole_curve_and_the_counts_through_the_pooled_number() -> None:
    plain, found = pooled_with(), pooled_with(said("open", 1005, 0.9))
    for before, after in zip(plain.curve[1:], found.curve[1:], strict=True):
        assert before.probability < after.probability
    at = next(c for c in found.curve if c.by == OPEN.deadline)
    assert (at.probability, at.lower, at.upper) == (
        found.probability,
        found.interval.lower,
        found.interval.upper,
    )
    assert found.at_least[0] == pytest.approx(found.probability)
    assert list(found.at_least) == sorted(found.at_least, reverse=True)
    assert plain.expected_count is not None
    assert found.expected_count is not None
    assert found.expected_count > plain.expected_count
    assert [c.tag for c in found.contributions] == ["crowd: market"]
    assert found.contributions[0].median > 2.0


def test_the_band_is_wider_than_that_of_the_family_as_the_weights_are_unsure() -> None:
    found, own = pooled_with(), of_base_rate()
    assert found.interval.lower < own.interval.lower < own.interval.upper < found.interval.upper
    assert list(found.quantiles) == sorted(found.quantiles)


def test_a_market_that_knew_gets_weight_and_one_that_did_not_loses_it() -> None:
    def weight(market: float) -> float:
        questions, ends, crowd, events = many_ended(25, market)
        seen = snapshot(
            1010,
            *questions,
            OPEN,
            crowd=(*crowd, said("open", 1005, 0.5)),
            events=tuple(events),
            resolutions=tuple(ends),
        )
        found = estimate(task(seen, OPEN))
        assert found.diagnostics["resolved questions"] == 25
        return found.diagnostics["weight of crowd: market"]

    knew, guessed = weight(0.9), weight(0.2)
    assert guessed < 0.4 < 0.6 < knew


def test_outcomes_and_numbers_that_were_not_known_yet_teach_nothing() -> None:
    questions, ends, crowd, events = many_ended(25, 0.95)
    asked = (*questions, OPEN)
    known = {"crowd": tuple(crowd), "events": tuple(events)}
    then = estimate(task(snapshot(1010, *asked, **known, resolutions=tuple(ends)), OPEN))
    late = replace(ended("late", 900, 30, Outcome.YES)[1], known_at=day(1010))
    later = (said("q3", 1010, 0.01), said("open", 1011, 0.99))
    seen = snapshot(
        1010,
        *asked,
        question("late", 900, 30),
        events=tuple(events),
        crowd=(*crowd, *later),
        resolutions=(*ends, late),
    )
    assert estimate(task(seen, OPEN)) == then


def test_a_question_that_was_void_teaches_nothing() -> None:
    asked, end = ended("void", 100, 30, Outcome.VOID)
    found = estimate(task(snapshot(1010, asked, OPEN, resolutions=(end,)), OPEN))
    assert found.diagnostics["resolved questions"] == 0


def test_the_record_is_kept_and_only_what_is_new_is_made() -> None:
    questions, ends, crowd, events = many_ended(6, 0.9)
    facts = {"crowd": tuple(crowd), "events": tuple(events)}
    model = Pool()
    first = task(snapshot(1010, *questions, OPEN, **facts, resolutions=tuple(ends[:5])), OPEN)
    state = model.update(first, None).state
    assert model.update(first, state).state is state
    second = task(snapshot(1010, *questions, OPEN, **facts, resolutions=tuple(ends)), OPEN)
    with_state, anew = model.update(second, state), model.update(second, None)
    assert with_state == anew
    assert with_state.state != state


def test_an_outcome_that_was_corrected_is_learnt_anew() -> None:
    questions, ends, crowd, events = many_ended(6, 0.9)
    facts = {"crowd": tuple(crowd), "events": tuple(events)}
    model = Pool()
    first = task(snapshot(1010, *questions, OPEN, **facts, resolutions=tuple(ends)), OPEN)
    state = model.update(first, None).state
    turned = (replace(ends[0], outcome=Outcome.NO), *ends[1:])
    second = task(snapshot(1010, *questions, OPEN, **facts, resolutions=turned), OPEN)
    assert model.update(second, state) == model.update(second, None)


def test_what_a_class_teaches_is_the_same_record_and_moves_the_weights() -> None:
    questions, ends, crowd, events = many_ended(25, 0.9)
    facts = {"crowd": tuple(crowd), "events": tuple(events), "resolutions": tuple(ends)}
    elsewhere = replace(snapshot(1010, *questions, **facts), unit="another plant")
    learnt = Pool().learn(Lesson((elsewhere,), beliefs(), seed=3), None)
    here = task(snapshot(1010, OPEN, crowd=(said("open", 1005, 0.5),)), OPEN)
    plain, taught = estimate(here), estimate(replace(here, learnt=learnt))
    assert taught.diagnostics["resolved questions"] == 25
    assert taught.diagnostics["weight of crowd: market"] > 0.6
    assert plain.diagnostics["weight of crowd: market"] == pytest.approx(0.5)
    assert Pool().learn(Lesson((elsewhere,), beliefs(), seed=3), learnt) == learnt


def test_a_family_that_fails_leaves_the_others_to_answer_and_says_so() -> None:
    pooled = Pooled(families=("base-rate", "panel"))
    asked = replace(OPEN, at_least=61)  # more than panel counts to
    found = estimate(task(snapshot(1010, asked), asked, of=beliefs(pooled)))
    assert found.health is Health.HEALTHY
    assert set(found.diagnostics) >= {"p of base-rate", "weight of base-rate"}
    assert "p of panel" not in found.diagnostics
    assert any(f.startswith("panel failed, and does not count") for f in found.findings)


def test_where_all_families_fail_their_error_is_told() -> None:
    asked = replace(OPEN, at_least=61)
    alone = beliefs(Pooled(families=("panel",)))
    with pytest.raises(ConfigError, match="more than `panel` counts to"):
        estimate(task(snapshot(1010, asked), asked, of=alone))
    unknown = "definitions.strike.pool.families: no model family 'astrology'"
    with pytest.raises(ConfigError, match=unknown):
        estimate(task(snapshot(1010, OPEN), OPEN, of=beliefs(Pooled(families=("astrology",)))))


def test_a_family_that_is_unsure_does_not_count_beside_one_that_is_not() -> None:
    pooled = Pooled(families=("hazard", "base-rate"))
    asked = task(snapshot(1010, OPEN), OPEN, of=beliefs(pooled))
    sure = of_base_rate()
    unsure = replace(sure, probability=0.9, health=Health.UNVERIFIED, reason="k-hat is 0.9")

    def of(**families: Estimate) -> Estimate:
        told = {name.replace("_", "-"): {"open": e} for name, e in families.items()}
        answered = Answered(estimates=told, states={}, failures={})
        return Work(asked, pooled, Kept(), answered, "-").estimates()[0]

    found = of(hazard=unsure, base_rate=sure)
    assert "p of hazard" not in found.diagnostics
    assert found.probability == pytest.approx(sure.probability)
    assert found.health is Health.HEALTHY
    assert found.findings == ("hazard does not count in the pool, it is unverified: k-hat is 0.9",)
    alone = of(hazard=unsure)
    assert alone.health is Health.UNVERIFIED
    assert alone.reason == "hazard: k-hat is 0.9"
    assert alone.probability == pytest.approx(0.9)


def test_a_familys_multipliers_are_carried_through_by_its_weight() -> None:
    from models.hazard import Hazard

    pooled = Pooled(families=("hazard", "base-rate"))
    asked = task(snapshot(1010, OPEN, reports=(report("r", 1005),)), OPEN, of=beliefs(pooled))
    found = estimate(asked)
    own = Hazard().update(replace(asked, beliefs=of_family(beliefs(), "hazard")), None)
    [one], [other] = found.contributions, own.estimates[0].contributions
    assert (one.tag, one.incidents) == (other.tag, other.incidents)
    assert one.median == pytest.approx(np.sqrt(other.median))


def test_what_every_family_holds_certain_or_impossible_is_so() -> None:
    once = beliefs(recurrent=False)
    asked = replace(OPEN, at_least=2)
    found = estimate(task(snapshot(1010, asked, crowd=(said("open", 1005, 0.4),)), asked, of=once))
    assert found.probability == 0.0
    assert found.interval.lower == found.interval.upper == 0.0


def test_a_monte_carlo_error_is_carried_through() -> None:
    narrow = question("narrow", 1000, 60, "long")
    own = (
        BaseRate()
        .update(task(snapshot(1010, narrow), narrow, of=of_family(beliefs(), "base-rate")), None)
        .estimates[0]
    )
    alone = estimate(task(snapshot(1010, narrow), narrow))
    assert alone.mcse == pytest.approx(own.mcse, rel=0.01)
    assert own.mcse > 0
    half = estimate(task(snapshot(1010, narrow, crowd=(said("narrow", 1005, 0.5),)), narrow))
    p, q = own.probability, half.probability
    assert half.mcse == pytest.approx(own.mcse * 0.5 * q * (1 - q) / (p * (1 - p)), rel=0.01)


def test_the_record_of_a_unit_says_what_was_said_before_each_event() -> None:
    asked, end = ended("q", 100, 60, Outcome.YES)
    known = Event("e", "plant", "strike", day(130), day(131))
    seen = snapshot(
        1010, asked, OPEN, events=(known,), resolutions=(replace(end, known_at=day(131)),)
    )
    found = estimate(task(seen, OPEN))
    assert found.diagnostics["resolved questions"] == 1
