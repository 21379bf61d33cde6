"""A pooled move is divided among causes as its members' own moves were, and sums to the whole."""

from dataclasses import replace

import pytest

from forecast.estimate import Estimate, Move, log_hazard
from forecast.evidence import CrowdForecast, Event
from models.pool import Pool
from models.pool.why import Numbers, moved
from models.priors.beliefs import Beliefs, Pooled
from models.priors.elicit import Normal
from tests.models.pool.pooled_world import beliefs, day, many_ended, question, said, snapshot, task

OPEN = question("open", 1000, 60)


def move_of(
    first: tuple[CrowdForecast, ...],
    second: tuple[CrowdForecast, ...],
    *,
    days: float = 1.0,
    events: tuple[Event, ...] = (),
    after: Beliefs | None = None,
) -> tuple[Move, Estimate]:
    """The move of the open question from one day to another."""
    model = Pool()
    before = model.update(task(snapshot(1010, OPEN, crowd=first), OPEN), None)
    seen = snapshot(1010 + days, OPEN, crowd=second, events=events)
    later = replace(task(seen, OPEN, of=after), previous={"open": before.estimates[0]})
    now = model.update(later, before.state).estimates[0]
    assert now.moved is not None
    whole = log_hazard(now.probability) - log_hazard(before.estimates[0].probability)
    assert sum(now.moved.parts().values()) == pytest.approx(whole, abs=1e-9)
    return now.moved, now


def parts(move: Move) -> dict[str, float]:
    """Those that are there."""
    return {cause: part for cause, part in move.parts().items() if abs(part) > 1e-6}


def test_a_quiet_day_is_time_and_learning_as_it_is_to_the_family() -> None:
    move, _ = move_of((), ())
    assert set(parts(move)) == {"time", "learning"}
    assert move.time < 0.0
    assert move.learning < 0.0


def test_what_others_say_anew_is_evidence() -> None:
    one = said("open", 1005, 0.5)
    move, _ = move_of((one,), (one, said("open", 1010.5, 0.9)))
    assert move.evidence > 0.3
    assert abs(move.time) < 0.1
    first, _ = move_of((), (said("open", 1010.5, 0.9),))
    assert first.evidence > 0.3


def test_what_others_said_too_long_ago_is_time() -> None:
    old = said("open", 985, 0.95)
    move, now = move_of((old,), (old,), days=10)
    assert "p of crowd: market" not in now.diagnostics
    assert move.time < -0.3
    assert move.evidence == 0.0


def test_an_event_elsewhere_in_the_unit_is_learning() -> None:
    happened = Event("e", "plant", "strike", day(900), day(1010.2))
    move, _ = move_of((), (), events=(happened,))
    assert move.learning > 0.1
    assert move.learning == max(move.parts().values())


def test_a_belief_that_was_changed_is_prior_and_another_model_is_model() -> None:
    move, _ = move_of((), (), after=beliefs(log_rate=Normal(-4.5, 0.5)))
    assert move.prior > 0.2
    other, _ = move_of((), (), after=beliefs(Pooled(families=("base-rate",), stale_after=9.0)))
    assert set(parts(other)) == {"model"}


def test_weights_that_were_learnt_anew_are_learning() -> None:
    questions, ends, crowd, events = many_ended(25, 0.95)
    crowd.append(said("open", 1005, 0.9))
    facts = {"crowd": tuple(crowd), "events": tuple(events)}
    model = Pool()
    first = model.update(task(snapshot(1010, *questions, OPEN, **facts), OPEN), None)
    ended = snapshot(1010, *questions, OPEN, **facts, resolutions=tuple(ends))
    later = replace(task(ended, OPEN), previous={"open": first.estimates[0]})
    move = model.update(later, first.state).estimates[0].moved
    assert move is not None
    assert set(parts(move)) == {"learning"}
    assert move.learning > 0.1


def estimate_of(p: float, moved: Move | None = None) -> Estimate:
    """A family's."""
    [plain] = Pool().update(task(snapshot(1010, OPEN), OPEN), None).estimates
    return replace(plain, probability=p, moved=moved)


def test_causes_that_cancel_in_a_member_are_still_told() -> None:
    before = Numbers({"a": 0.2, "b": 0.3}, {"a": 0.5, "b": 0.5}, 1.0, 0.0)
    last = replace(estimate_of(0.245), diagnostics=before.diagnostics())
    own = Move(0.2, 0.2, time=-0.3, evidence=0.3)
    families = {"a": estimate_of(0.2, own), "b": estimate_of(0.3, Move(0.3, 0.3))}
    found = moved(last, 0.245, before, families, last.model_hash)
    assert found.time == pytest.approx(-found.evidence)
    assert found.evidence == pytest.approx(0.15, rel=0.1)


def test_an_estimate_that_kept_no_numbers_is_moved_by_the_model() -> None:
    now = Numbers({"a": 0.2}, {"a": 1.0}, 1.0, 0.0)
    last = replace(estimate_of(0.3), diagnostics={})
    found = moved(last, 0.2, now, {"a": estimate_of(0.2)}, last.model_hash)
    assert found.model == pytest.approx(log_hazard(0.2) - log_hazard(0.3))
