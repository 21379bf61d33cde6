"""What a simulated panel teaches: rates, effects, honest chances; and what changes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from forecast.errors import InputError
from models.covariates import Array
from models.panel.facts import Facts, Stream
from models.panel.fitted import PanelFit, for_unit
from models.panel.landmarks import Landmarks, count_in, landmarks
from models.panel.learn import fit
from models.panel.settings import Settings, level_tags
from tests.models.panel.panels import World, world

HORIZON, AS_OF = 10.0, 1200.0
FEW = Settings(draws=100, weigh=False, shrinkage=(0.1, 0.3), step=1.0)
PLAIN = replace(FEW, half_lives=(3.0,), history=(), drift=())
EFFECTS = {"loud": 0.8, "quiet": 0.0}


@pytest.fixture(scope="module")
def made() -> World:
    return world(units=50, days=1800, effects=EFFECTS, rate=1 / 250, shape=2.0, seed=3)


@pytest.fixture(scope="module")
def learnt(made: World) -> PanelFit:
    return fit(made.facts, "hit", AS_OF, HORIZON, replace(PLAIN, draws=1000, weigh=True), seed=1)


def effect(of: PanelFit, tag: str) -> Array:
    """Draws of what one more incident does to the log hazard."""
    [place] = [i for i, c in enumerate(of.made.columns) if c.of == tag]
    return np.asarray(of.draws[:, 2 + place] / of.scaling.sd[place])


def test_effects_are_found_where_they_are(learnt: PanelFit) -> None:
    loud, quiet = (effect(learnt, tag) for tag in ("loud", "quiet"))
    # less than 0.8, for over the ten days ahead an incident fades and others come
    assert 0.45 < learnt.weights @ loud < 0.85
    assert abs(learnt.weights @ quiet) < 2.5 * quiet.std()
    assert learnt.khat < 0.6


def test_units_rates_are_told_apart(made: World, learnt: PanelFit) -> None:
    g = learnt.weights @ (learnt.shape / learnt.rate)
    events = made.facts.events_of("hit").before(AS_OF)
    seen = np.bincount(events.unit, minlength=50)
    assert np.corrcoef(g, seen)[0, 1] > 0.9
    assert g.std() < (seen / seen.mean()).std()  # and drawn towards the class
    kappa = learnt.weights @ np.exp(learnt.draws[:, 1])
    assert 1.0 < kappa < 5.0


def test_chances_come_true_as_often_as_they_say(made: World, learnt: PanelFit) -> None:
    every = landmarks(made.facts.at_risk(), 1800.0 - HORIZON, HORIZON)
    later = every.origin >= AS_OF
    marks = Landmarks(every.unit[later], every.origin[later])
    found = learnt.at(made.facts, marks)
    counts = count_in(made.facts.events_of("hit"), marks, 0.0, HORIZON)
    happened = counts > 0
    for few in (found.p < np.median(found.p), found.p >= np.quantile(found.p, 0.8)):
        said, spread = found.p[few].sum(), np.sqrt((found.p * (1 - found.p))[few].sum())
        assert abs(happened[few].sum() - said) < 3.5 * spread
    assert counts.sum() == pytest.approx(found.expected.sum(), rel=0.2)
    own = -np.log(np.where(happened, found.p, 1 - found.p)).mean()
    pooled = np.mean(happened)
    assert own < -np.log(np.where(happened, pooled, 1 - pooled)).mean() - 0.005
    assert (found.lower < found.p).all()
    assert (found.p < found.upper).all()


def test_what_became_known_later_changes_nothing(made: World) -> None:
    facts = made.facts.before(AS_OF)
    late = 40
    unit, ones = np.arange(late) % 50, np.ones(late)
    rows = _joined(
        facts.indicators, Stream.of(unit, unit % 2, AS_OF - 20 * ones, AS_OF * ones, 9 * ones)
    )
    events = _joined(facts.events, Stream.of(unit, 0 * unit, AS_OF - 15 * ones, AS_OF + 3 * ones))
    planted = replace(facts, indicators=rows, events=events)
    fits = [fit(each, "hit", AS_OF, HORIZON, FEW) for each in (facts, planted)]
    assert fits[0].to_bytes() == fits[1].to_bytes()
    answers = [fits[0].predict(each, AS_OF) for each in (facts, planted)]
    np.testing.assert_array_equal(answers[0].p, answers[1].p)
    after = fits[0].predict(planted, AS_OF + 5)
    assert (after.p[:late] > fits[0].predict(facts, AS_OF + 5).p[:late]).any()


def test_landmarks_see_only_what_came_before_them(made: World, learnt: PanelFit) -> None:
    """Forecasts of the past are the same whether or not the future is in the facts."""
    marks = landmarks(made.facts.at_risk(), 600.0, 50.0)
    past, cut = (learnt.at(facts, marks) for facts in (made.facts, made.facts.before(600.0)))
    np.testing.assert_array_equal(past.p, cut.p)


def test_names_and_their_order_do_not_matter(made: World) -> None:
    facts, rng = made.facts.before(AS_OF), np.random.default_rng(0)
    order = rng.permutation(len(facts.units))
    place = np.argsort(order)
    assert facts.spans is not None
    mixed = Facts(
        tuple(facts.units[i] for i in order),
        facts.tags[::-1],
        facts.kinds,
        replace(
            facts.indicators,
            unit=place[facts.indicators.unit],
            name=len(facts.tags) - 1 - facts.indicators.name,
        ),
        replace(facts.events, unit=place[facts.events.unit]),
        replace(facts.spans, unit=place[facts.spans.unit]),
    )
    answers = []
    for each in (facts, mixed):
        found = fit(each, "hit", AS_OF, HORIZON, replace(FEW, draws=400))
        answers.append(found.predict(each, AS_OF, facts.units).p)
    np.testing.assert_allclose(answers[0], answers[1], rtol=0.08)


def test_bytes_there_and_back(made: World, learnt: PanelFit) -> None:
    back = PanelFit.from_bytes(learnt.to_bytes())
    assert back.to_bytes() == learnt.to_bytes()
    for n in (1, 2):
        one, two = (f.predict(made.facts, AS_OF, at_least=n) for f in (learnt, back))
        np.testing.assert_array_equal(one.at_least, two.at_least)


def test_the_same_facts_give_the_same_bytes(made: World, learnt: PanelFit) -> None:
    settings = replace(PLAIN, draws=1000, weigh=True)
    assert fit(made.facts, "hit", AS_OF, HORIZON, settings, 1).to_bytes() == learnt.to_bytes()


def test_a_unit_that_was_never_seen_is_like_its_class(made: World, learnt: PanelFit) -> None:
    asked = for_unit(learnt, made.facts, "somewhere else", AS_OF, [HORIZON, 2 * HORIZON])
    p, longer = asked.weights @ asked.p
    everyone = learnt.predict(made.facts, AS_OF).p
    assert everyone.min() < p < everyone.max()
    assert p < longer < 2 * p


def test_one_unit_is_answered_as_in_the_whole(made: World, learnt: PanelFit) -> None:
    asked = for_unit(learnt, made.facts, "u07", AS_OF, [HORIZON], at_least=2)
    whole = learnt.predict(made.facts, AS_OF, ["u07"], at_least=2)
    assert (asked.weights @ asked.p)[0] == pytest.approx(whole.p[0])
    assert (asked.weights @ asked.at_least)[0] == pytest.approx(whole.at_least[0])
    assert (asked.weights @ asked.expected)[0] == pytest.approx(whole.expected[0])
    assert whole.at_least[0] < whole.p[0] <= whole.expected[0]
    assert set(asked.multipliers) == {"loud", "quiet", "activity", "age", "season"}


def test_levels_are_told_from_incidents() -> None:
    rng = np.random.default_rng(0)
    hours = np.arange(100) / 4
    code = np.zeros(100, np.int64)
    wind = Stream.of(code, code, hours, hours, rng.normal(50, 9, 100))
    strikes = Stream.of(
        code,
        code + 1,
        d := np.floor(rng.uniform(0, 300, 100)),
        d,
        100 * rng.random(100),
    )
    assert level_tags(_joined(wind, strikes), ("wind", "strike")) == ("wind",)


@pytest.mark.parametrize(("settings", "as_of", "horizon"), [(FEW, np.nan, 10.0), (FEW, 100.0, 0.0)])
def test_what_cannot_be_meant_is_refused(
    made: World, settings: Settings, as_of: float, horizon: float
) -> None:
    with pytest.raises(InputError):
        fit(made.facts, "hit", as_of, horizon, settings)


def _joined(one: Stream, other: Stream) -> Stream:
    parts = zip(
        (one.unit, one.name, one.occurred, one.known, one.value),
        (other.unit, other.name, other.occurred, other.known, other.value),
        strict=True,
    )
    return Stream.of(*(np.concatenate(part) for part in parts))


def test_one_units_facts_answer_as_the_classes_do(made: World) -> None:
    """With the class's events for its drift, but neither the other units' rows nor any spans."""
    learnt = fit(made.facts, "hit", AS_OF, HORIZON, FEW)
    whole, its = made.facts, made.facts.units.index("u07")
    rows = whole.indicators.where(whole.indicators.unit == its)
    alone = replace(whole, indicators=rows, spans=None)
    asked = learnt.predict(alone, AS_OF, ["u07"])
    assert asked.p[0] == pytest.approx(learnt.predict(whole, AS_OF, ["u07"]).p[0], rel=1e-9)
