"""Two streams: found together where one follows the other, apart where each has its own pace."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from forecast.clock import parse_instant
from forecast.errors import UsageError
from forecast.evidence import Report
from forecast.question import Snapshot
from models.coupling import Belief, Following, Stream, following

START = parse_instant("2025-01-01")
DAYS = 240
TALKS, MOVES = Stream("eu", ("talks",)), Stream("sea", ("moves.*",))


def day(n: float) -> datetime:
    return START + timedelta(days=float(n))


def snapshot(unit: str, tag: str, days: np.ndarray) -> Snapshot:
    reports = tuple(
        Report(
            f"{unit}{i}", unit, tag, day(d), day(d), f"{unit}{i}", reliability="A", credibility=1
        )
        for i, d in enumerate(days)
    )
    return Snapshot(unit, day(DAYS), (), reports, ())


def streams(seed: int, follow: float) -> tuple[Snapshot, Snapshot]:
    """Talks in bursts; moves at their own pace, and `follow` more of them after each talk."""
    rng = np.random.default_rng(seed)
    bursts = rng.uniform(0, DAYS - 20, 8)
    talks = np.sort(np.concatenate([b + rng.uniform(0, 5, 2) for b in bursts]))
    own = rng.uniform(0, DAYS, rng.poisson(0.12 * DAYS))
    after = [t + rng.exponential(6.0, rng.poisson(follow)) for t in talks]
    moves = np.sort(np.concatenate([own, *after]))
    return snapshot("eu", "talks", talks), snapshot("sea", "moves.ships", moves[moves < DAYS])


def judged(seed: int, follow: float) -> Following:
    talks, moves = streams(seed, follow)
    return following((TALKS, talks), (MOVES, moves), Belief(), seed=1)


def test_a_stream_that_follows_is_found_and_one_that_does_not_is_mostly_not() -> None:
    together = [judged(seed, 4.0).coupling for seed in range(4)]
    apart = [judged(seed, 0.0).coupling.posterior for seed in range(8)]
    assert min(c.posterior for c in together) > 0.9
    assert min(c.lower for c in together) > 1.0
    assert np.mean(apart) < 0.5
    assert max(apart) < 0.9


def test_what_is_known_later_changes_nothing() -> None:
    talks, moves = streams(3, 2.0)
    late = Report("late", "eu", "talks", day(100), day(DAYS + 1), "late")
    planted = Snapshot("eu", talks.as_of, (), (*talks.reports, late), ())
    one = following((TALKS, talks), (MOVES, moves), Belief(), 1).coupling
    other = following((TALKS, planted), (MOVES, moves), Belief(), 1).coupling
    assert one == other


def test_a_surer_belief_stays_surer() -> None:
    talks, moves = streams(5, 0.7)
    low, high = (
        following((TALKS, talks), (MOVES, moves), Belief(p), 1).coupling.posterior
        for p in (0.1, 0.9)
    )
    odds = [p / (1 - p) for p in (low, high)]
    assert odds[1] / odds[0] == pytest.approx(81.0, rel=0.25)  # one Bayes factor for both


def test_too_few_incidents_say_nothing() -> None:
    talks, _ = streams(1, 0.0)
    few = snapshot("sea", "moves.ships", np.array([10.0, 50.0]))
    with pytest.raises(UsageError, match=r"'sea:moves\.\*' has 2 incidents"):
        following((TALKS, talks), (MOVES, few), Belief(), 1)


@pytest.mark.parametrize("text", ["", "eu", "eu:", ":talks", "eu: , "])
def test_what_is_no_stream_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="is not a stream"):
        Stream.parse(text)
