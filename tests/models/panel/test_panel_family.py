"""The family `panel`: a unit's estimate from what its class taught, and nothing of the future."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from forecast.clock import parse_instant
from forecast.errors import ConfigError
from forecast.estimate import Health
from forecast.evidence import Coverage, CoverageState, Event, Report
from forecast.question import Question, Snapshot
from models.api import Lesson, Task
from models.panel import Panel
from models.panel.family import Learnt
from models.priors.elicit import Normal
from models.testing import check_model
from tests.models import worlds

START = parse_instant("2020-01-01")
AS_OF = START + timedelta(days=1500)
BELIEVED = replace(
    worlds.beliefs(model="panel", log_rate=Normal(-5.5, 1.5)),
    observed_since=START.isoformat(),
)


def unit(name: str, rate: float, seed: int) -> Snapshot:
    """A unit whose events come at a daily rate, each a week after a report of `sign`."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(10, 1490, rng.poisson(rate * 1480)))
    events = tuple(
        Event(f"{name}{i}", name, "strike", at, at + timedelta(hours=6))
        for i, at in enumerate(START + timedelta(days=float(d)) for d in days)
    )
    reports = tuple(
        Report(f"{name}r{i}", name, "sign", at, at)
        for i, at in enumerate(e.occurred_at - timedelta(days=7) for e in events)
    )
    return Snapshot(name, AS_OF, (), reports, events)


UNITS = tuple(unit(f"u{i}", 0.002 if i % 2 else 0.015, i) for i in range(10))


def task(snapshot: Snapshot, learnt: bytes | None) -> Task:
    asked = Question("q", "q", snapshot.unit, "strike", AS_OF, AS_OF + timedelta(days=30))
    return Task(snapshot, BELIEVED, (asked,), 1, learnt=learnt)


@pytest.fixture(scope="module")
def learnt() -> bytes:
    return Panel().learn(Lesson(UNITS, BELIEVED, 1), None)


def test_it_keeps_the_contract() -> None:
    check_model(Panel())


def test_a_busy_unit_is_likelier_than_a_quiet_one_and_a_stranger_lies_between(
    learnt: bytes,
) -> None:
    stranger = Snapshot("new", AS_OF, (), (), ())
    p = {
        s.unit: Panel().update(task(s, learnt), None).estimates[0].probability
        for s in (UNITS[0], UNITS[1], stranger)
    }
    assert p["u1"] < p["new"] < p["u0"]
    assert 0.2 < p["u0"] < 0.6  # 0.36 at the rate that it was made with


def test_a_fresh_sign_raises_it(learnt: bytes) -> None:
    at = AS_OF - timedelta(days=1)
    more = replace(UNITS[1], reports=(*UNITS[1].reports, Report("fresh", "u1", "sign", at, at)))
    quiet, loud = (
        Panel().update(task(s, learnt), None).estimates[0].probability for s in (UNITS[1], more)
    )
    assert loud > 1.3 * quiet


def test_what_becomes_known_later_is_not_learnt(learnt: bytes) -> None:
    later = AS_OF + timedelta(days=1)
    event = Event("late", "u1", "strike", AS_OF - timedelta(days=3), later)
    report = Report("late", "u1", "sign", AS_OF - timedelta(days=3), later)
    planted = replace(
        UNITS[1], events=(*UNITS[1].events, event), reports=(*UNITS[1].reports, report)
    )
    units = (UNITS[0], planted, *UNITS[2:])
    assert Panel().learn(Lesson(units, BELIEVED, 1), None) == learnt
    one, other = (Panel().update(task(s, learnt), None) for s in (UNITS[1], planted))
    assert one.estimates[0].probability == other.estimates[0].probability


def test_what_was_learnt_comes_back_and_tells_moves_apart(learnt: bytes) -> None:
    assert Learnt.from_bytes(learnt).to_bytes() == learnt
    first = Panel().update(task(UNITS[0], learnt), None)
    previous = {"q": first.estimates[0]}
    same = Panel().update(replace(task(UNITS[0], learnt), previous=previous), first.state)
    fewer = Panel().learn(Lesson(UNITS[:6], BELIEVED, 1), None)
    anew = Panel().update(replace(task(UNITS[0], fewer), previous=previous), first.state)
    assert same.estimates[0].moved is not None
    assert same.estimates[0].moved.learning == 0.0
    assert anew.estimates[0].moved is not None
    assert anew.estimates[0].moved.learning != 0.0
    assert first.estimates[0].health is Health.HEALTHY


def test_what_happens_once_does_not_happen_again() -> None:
    once = replace(BELIEVED, recurrent=False)
    over, waiting = replace(UNITS[0], events=UNITS[0].events[:1]), replace(UNITS[1], events=())
    taught = Panel().learn(Lesson((over, waiting, *UNITS[2:]), once, 1), None)
    p = {
        s.unit: Panel().update(replace(task(s, taught), beliefs=once), None).estimates[0]
        for s in (over, waiting)
    }
    assert p["u0"].probability == 0.0
    assert p["u1"].probability > 0.001
    assert p["u1"].at_least[1:] == (0.0,) * (len(p["u1"].at_least) - 1)


def test_time_that_was_not_at_risk_is_no_silence() -> None:
    # away by turns, so that it is no news of the whole class that something happens
    quiet, away = zip(*(away_by_turns(s, i) for i, s in enumerate(UNITS)), strict=True)
    silent, unwatched = (Panel().learn(Lesson(units, BELIEVED, 1), None) for units in (quiet, away))
    p = [
        Panel().update(task(Snapshot("new", AS_OF, (), (), ()), taught), None).estimates[0]
        for taught in (silent, unwatched)
    ]
    assert p[1].probability > 1.2 * p[0].probability


def away_by_turns(unit: Snapshot, place: int) -> tuple[Snapshot, Snapshot]:
    """Without events in every other hundred days, and the same not at risk in them."""
    turns = [START + timedelta(days=100 * n) for n in range(place % 2, 15, 2)]
    events = tuple(e for e in unit.events if (e.occurred_at - START).days // 100 % 2 != place % 2)
    spans = tuple(
        Coverage(
            f"{unit.unit}{turn}", unit.unit, CoverageState.NOT_AT_RISK,
            turn, turn + timedelta(days=100), START,
        )
        for turn in turns
    )  # fmt: skip
    quiet = replace(unit, events=events)
    return quiet, replace(quiet, coverage=spans)


def test_findings_of_the_class_are_told() -> None:
    [estimate] = (
        Panel().update(task(replace(UNITS[0], events=(), reports=()), None), None).estimates
    )
    assert estimate.findings


def test_more_than_can_be_counted_is_refused(learnt: bytes) -> None:
    asked = task(UNITS[0], learnt)
    many = replace(asked, questions=(replace(asked.questions[0], at_least=61),))
    with pytest.raises(ConfigError, match="at_least 61 is more than `panel` counts to: 60"):
        Panel().update(many, None)
