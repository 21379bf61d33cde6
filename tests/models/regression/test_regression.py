"""The families `history` and `logistic`: references of a backtest, as a watch publishes them."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from forecast.clock import days_between, parse_instant
from forecast.estimate import Estimate, Health
from forecast.evidence import Coverage, CoverageState, Event, Report
from forecast.question import Question, Snapshot
from models.api import EventModel, Learner, Lesson, Task
from models.base_rate import BaseRate
from models.baselines import columns, forecasts, outcomes
from models.certify.certificate import summary_of
from models.panel.facts import Facts
from models.panel.family import ORIGIN, class_facts
from models.panel.landmarks import Landmarks, landmarks
from models.priors.beliefs import Beliefs, Effect
from models.priors.elicit import Normal
from models.registry import family as registered
from models.regression.history import History
from models.regression.logistic import Logistic
from models.regression.taught import MOST_ROWS, Taught, step_of
from models.testing import check_model
from tests.models import worlds

START = parse_instant("2020-01-01")
DAYS = 1500
AS_OF = START + timedelta(days=DAYS)
BOTH = pytest.mark.parametrize("name", ["history", "logistic"])


def family(name: str) -> EventModel:
    return History() if name == "history" else Logistic()


def believed(name: str, *effects: Effect) -> Beliefs:
    plain = worlds.beliefs(*effects, model=name, log_rate=Normal(-5.5, 1.5))
    return replace(plain, observed_since=START.isoformat())


GAUGE = Effect("gauge", Normal(0.0, 1.0), 30.0, "", kind="level")
SIGNS = tuple(Effect(tag, Normal(0.0, 1.0), 30.0, "") for tag in ("noise", "sign"))


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def unit(name: str, rate: float, seed: int) -> Snapshot:
    """A unit whose events come at a daily rate, each a week after a report of `sign`.

    A gauge is read every ten days, and reports of `noise` mean nothing.
    """
    rng = np.random.default_rng(seed)
    at = np.sort(rng.uniform(10, DAYS - 10, rng.poisson(rate * DAYS)))
    events = tuple(
        Event(f"{name}{i}", name, "strike", day(d), day(d + 0.25)) for i, d in enumerate(at)
    )
    said = [("sign", d - 7, 1.0) for d in at]
    said += [("noise", d, 1.0) for d in rng.uniform(0, DAYS, 20)]
    said += [("gauge", float(d), float(rng.normal())) for d in range(0, DAYS, 10)]
    reports = tuple(
        Report(f"{name}r{i}", name, tag, day(d), day(d), value=value)
        for i, (tag, d, value) in enumerate(said)
    )
    return Snapshot(name, AS_OF, (), reports, events)


UNITS = tuple(unit(f"u{i}", 0.002 if i % 2 else 0.015, i) for i in range(10))
STRANGER = Snapshot("new", AS_OF, (), (), ())


def learn(name: str, units: tuple[Snapshot, ...] = UNITS, **more: object) -> bytes:
    model = family(name)
    assert isinstance(model, Learner)
    return model.learn(Lesson(units, replace(believed(name), **more), 1), None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def taught() -> dict[str, bytes]:
    return {name: learn(name) for name in ("history", "logistic")}


def task(
    name: str, snapshot: Snapshot, learnt: bytes | None, *questions: Question, **more: object
) -> Task:
    asked = Question("q", "q", snapshot.unit, "strike", snapshot.as_of, day(DAYS + 90))
    beliefs = replace(believed(name), **more)  # type: ignore[arg-type]
    return Task(snapshot, beliefs, questions or (asked,), 1, learnt=learnt)


def only(of: Task, state: bytes | None = None) -> Estimate:
    [found] = family(of.beliefs.model).update(of, state).estimates
    return found


def p_of(estimate: Estimate) -> float:
    """What the regression says of its own horizon."""
    return estimate.diagnostics["p within 30 days"]


def by_the_walk(name: str, units: tuple[Snapshot, ...], now: float = 0.0) -> dict[str, float]:
    """P of each unit so long after AS_OF, by `models.baselines` on windows that had ended by it."""
    beliefs, as_of = believed(name), days_between(ORIGIN, AS_OF)
    facts = class_facts(units, beliefs)
    at_risk, horizon = facts.at_risk(), beliefs.horizon
    step = horizon / 3
    last = as_of - horizon + step * (now // step)
    grid = landmarks(at_risk, last, step)
    every = np.arange(len(facts.units))
    marks = Landmarks.of(
        np.append(grid.unit, every), np.append(grid.origin, np.full(len(every), as_of + now))
    )
    seen = columns(facts, "strike", marks, horizon, step, at_risk, as_of)
    held = outcomes(facts, "strike", marks, horizon)
    past = held.ended < as_of + 1e-6
    happened = (held.known[past] < as_of).astype(float)
    found = forecasts(seen, past, happened, marks.origin == as_of + now)
    return dict(zip(facts.units, found[name].tolist(), strict=True))


# The contract, and the number


@BOTH
def test_it_keeps_the_contract_and_is_found_by_its_name(name: str) -> None:
    check_model(registered(name))
    assert "regression" in summary_of(name)


@BOTH
def test_the_number_is_the_one_that_a_walk_scores(name: str, taught: dict[str, bytes]) -> None:
    found = {s.unit: p_of(only(task(name, s, taught[name]))) for s in UNITS}
    assert found == pytest.approx(by_the_walk(name, UNITS), abs=1e-9)


@BOTH
def test_and_so_it_is_a_while_after_the_class_was_learnt(
    name: str, taught: dict[str, bytes]
) -> None:
    later = AS_OF + timedelta(days=45)
    new = Event("new", "u3", "strike", day(DAYS + 12), day(DAYS + 13))
    sign = Report("new", "u3", "sign", day(DAYS + 40), day(DAYS + 41))
    mine = replace(
        UNITS[3], as_of=later, events=(*UNITS[3].events, new), reports=(*UNITS[3].reports, sign)
    )
    then = (*UNITS[:3], mine, *UNITS[4:])
    found = p_of(only(task(name, mine, taught[name])))
    assert found == pytest.approx(by_the_walk(name, then, 45.0)["u3"], abs=1e-9)
    assert found > p_of(only(task(name, UNITS[3], taught[name])))


@BOTH
def test_its_own_window_gets_its_own_number_inside_the_band(
    name: str, taught: dict[str, bytes]
) -> None:
    asked = Question("q", "q", "u0", "strike", AS_OF, AS_OF + timedelta(days=30))
    found = only(task(name, UNITS[0], taught[name], asked))
    assert found.probability == pytest.approx(p_of(found))
    assert found.interval.lower < found.probability < found.interval.upper
    assert found.health is Health.HEALTHY
    assert (found.model, found.method) == (name, "regression")


@BOTH
def test_a_busy_unit_is_likelier_than_a_quiet_one_and_a_stranger_lies_between(name: str) -> None:
    learnt = learn(name, observed_since="")
    p = {
        s.unit: p_of(only(task(name, s, learnt, observed_since=""))) for s in (*UNITS[:2], STRANGER)
    }
    assert p["u1"] < p["new"] < p["u0"]
    assert 0.2 < p["u0"] < 0.6  # 0.36 at the rate that it was made with


@BOTH
def test_a_stranger_that_was_watched_in_vain_is_a_quiet_one(
    name: str, taught: dict[str, bytes]
) -> None:
    assert p_of(only(task(name, STRANGER, taught[name]))) < 0.06


def test_a_fresh_sign_raises_what_hears_signs_and_no_other(taught: dict[str, bytes]) -> None:
    at = AS_OF - timedelta(days=1)
    signs = tuple(Report(f"fresh{i}", "u1", "sign", at, at) for i in range(5))
    more = replace(UNITS[1], reports=(*UNITS[1].reports, *signs))
    p = {
        name: [p_of(only(task(name, s, taught[name]))) for s in (UNITS[1], more)] for name in taught
    }
    assert p["logistic"][1] > 1.05 * p["logistic"][0]
    assert p["history"][1] == p["history"][0]


def test_levels_are_heard_as_levels_and_only_tags_that_are_named() -> None:
    plain = Taught.from_bytes(learn("logistic"))
    assert list(plain.gaps) == ["gauge"]  # found from the data
    named = Taught.from_bytes(learn("logistic", effects=(GAUGE, *SIGNS[:1])))
    assert (list(named.gaps), named.tags) == (["gauge"], ("gauge", "noise"))
    assert Taught.from_bytes(learn("logistic", effects=SIGNS)).gaps == {}
    assert Taught.from_bytes(learn("history")).tags == ()


# Nothing of the future


@BOTH
def test_what_becomes_known_later_is_not_learnt_and_not_asked(
    name: str, taught: dict[str, bytes]
) -> None:
    later = AS_OF + timedelta(days=1)
    event = Event("late", "u1", "strike", AS_OF - timedelta(days=3), later)
    report = Report("late", "u1", "sign", AS_OF - timedelta(days=3), later)
    planted = replace(
        UNITS[1], events=(*UNITS[1].events, event), reports=(*UNITS[1].reports, report)
    )
    assert learn(name, (UNITS[0], planted, *UNITS[2:])) == taught[name]
    one, other = (only(task(name, s, taught[name])) for s in (UNITS[1], planted))
    assert one.probability == other.probability


@BOTH
def test_a_window_that_has_not_ended_teaches_nothing(name: str) -> None:
    young = tuple(
        replace(s, reports=(), events=tuple(e for e in s.events if e.occurred_at < day(20)))
        for s in UNITS
    )
    early = tuple(replace(s, as_of=day(29)) for s in young)
    beliefs = Taught.from_bytes(learn(name, early))
    assert (beliefs.rows, beliefs.hits) == (0, 0)


# What there is nothing to learn from


@BOTH
def test_a_class_without_an_event_leaves_the_word_to_the_base_rate(name: str) -> None:
    calm = tuple(replace(s, events=()) for s in UNITS)
    found = only(task(name, calm[0], learn(name, calm)))
    own = BaseRate().update(replace(task(name, calm[0], None), beliefs=believed("base-rate")), None)
    assert found.probability == pytest.approx(own.estimates[0].probability)
    [words] = found.findings
    assert words.startswith("none of the")
    assert words.endswith(
        "windows of the class that have ended held an event: the base rate speaks"
    )


@BOTH
def test_a_unit_and_a_class_of_which_nothing_is_known_have_their_base_rate(name: str) -> None:
    nothing = task(name, STRANGER, None, observed_since="")
    found = only(nothing)
    assert 0.0 < found.probability < 1.0
    assert found.findings == ("no window of the class has ended: the base rate speaks",)


@BOTH
def test_without_a_class_a_unit_teaches_itself(name: str) -> None:
    alone = only(task(name, UNITS[0], None))
    itself = only(task(name, UNITS[0], learn(name, UNITS[:1])))
    assert alone.probability == itself.probability
    assert alone.findings == ()


@BOTH
def test_what_happens_once_does_not_happen_again(name: str) -> None:
    once = tuple(replace(s, events=s.events[:1]) for s in UNITS[:8])
    units = (*once, *(replace(s, events=()) for s in UNITS[8:]))
    learnt = learn(name, units, recurrent=False)
    over, waiting = (only(task(name, s, learnt, recurrent=False)) for s in (units[0], units[9]))
    assert over.probability < 1e-5
    assert waiting.probability > 0.001
    assert waiting.at_least[1:] == (0.0,) * (len(waiting.at_least) - 1)


def test_time_that_was_not_at_risk_is_no_silence() -> None:
    since = Coverage("c", "u1", CoverageState.NOT_AT_RISK, day(0), day(1200), START)
    late = replace(UNITS[1], events=(), reports=())
    away = replace(late, coverage=(since,))
    silent, unwatched = (
        only(task("history", s, learn("history", (UNITS[0], s, *UNITS[2:])))) for s in (late, away)
    )
    assert unwatched.probability > 1.2 * silent.probability


# The band, why, and what is kept


@BOTH
def test_the_band_is_wider_the_less_the_class_says(name: str) -> None:
    asked = Question("q", "q", "new", "strike", AS_OF, AS_OF + timedelta(days=30))
    width = []
    for units in (UNITS, UNITS[:2]):
        band = only(task(name, STRANGER, learn(name, units), asked)).interval
        width.append(np.log(band.upper / band.lower))
    assert width[0] < width[1]


@BOTH
def test_what_is_felt_is_told_by_what_it_is_about(name: str, taught: dict[str, bytes]) -> None:
    said = {c.tag: c for c in only(task(name, UNITS[0], taught[name])).contributions}
    assert said["history"].median > 1.2
    assert ("gauge" in said) == (name == "logistic")
    for c in said.values():
        assert c.lower < c.median < c.upper


@BOTH
def test_the_parts_make_up_the_number(name: str, taught: dict[str, bytes]) -> None:
    kept = Taught.from_bytes(taught[name])
    own = class_facts((UNITS[0],), believed(name))
    said = kept.at("u0", own, kept.as_of)
    whole = kept.regression.beta[0] + sum(part for part, _ in said.parts.values())
    assert np.log(said.p / (1 - said.p)) == pytest.approx(whole)


@BOTH
def test_what_was_learnt_comes_back_and_tells_moves_apart(
    name: str, taught: dict[str, bytes]
) -> None:
    assert Taught.from_bytes(taught[name]).to_bytes() == taught[name]
    asked = task(name, UNITS[0], taught[name])
    first = family(name).update(asked, None)
    later = AS_OF + timedelta(days=2)
    event = Event("new", "u0", "strike", day(DAYS + 1), day(DAYS + 1))
    after = replace(UNITS[0], as_of=later, events=(*UNITS[0].events, event))
    previous = {"q": first.estimates[0]}
    same = only(replace(asked, snapshot=after, previous=previous), first.state).moved
    fewer = replace(asked, learnt=learn(name, UNITS[:6]), snapshot=after, previous=previous)
    anew = only(fewer, first.state).moved
    assert same is not None
    assert anew is not None
    assert (same.learning, anew.evidence, anew.time) == (0.0, 0.0, 0.0)
    assert 0.0 not in (same.time, same.evidence)
    assert anew.learning != 0.0


def test_rows_lie_further_apart_where_there_would_be_too_many() -> None:
    facts = Facts.of([], [], [(f"u{i}", 0.0, np.inf) for i in range(1000)])
    at_risk = facts.at_risk()
    assert step_of(at_risk, 330.0, 30.0) == 10.0
    far = step_of(at_risk, 10_030.0, 30.0)
    assert len(landmarks(at_risk, 10_000.0, far)) == pytest.approx(MOST_ROWS, rel=0.01)
