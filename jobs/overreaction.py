"""What calibrated forecasts would have rung, beside what these did: do they move too much?

The bounds are those of `forecast.martingale`; they hold for rules on probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forecast.alert import Rule
from forecast.alert_tables import ON_PROBABILITY
from forecast.martingale import (
    Movement,
    chance_of_at_least,
    chance_whatever_the_dependence,
    false_alarm_bound,
    movement,
    ring_bound,
)
from jobs.preview import Past, Preview


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many of the questions rang at all, against the most that would.

    `expected_at_most` is the sum of p/c over them, p the first forecast of each. `tail` bounds
    the chance that calibrated forecasts of independent questions ring on so many or more, and
    `tail_if_dependent` that of questions which depend on each other in any way.
    """

    questions: int
    rang: int
    expected_at_most: float
    tail: float
    tail_if_dependent: float


@dataclass(frozen=True, slots=True)
class Precision:
    """How many first rings came true, against the sum of P as it stood at each of them.

    `tail` is the chance that so few or fewer of them come true, of independent questions.
    """

    rings: int
    came_true: int
    expected: float
    tail: float

    @property
    def mean_chance(self) -> float:
        """The mean of P at the first rings."""
        return self.expected / self.rings


@dataclass(frozen=True, slots=True)
class Outlook:
    """An open question: P now, and the most that a ring, or a false alarm, can be likely."""

    question_id: str
    as_of: datetime
    probability: float
    is_firing: bool
    ring_at_most: float
    false_alarm_at_most: float


@dataclass(frozen=True, slots=True)
class Calibrated:
    """All that being calibrated implies for a rule on these questions."""

    frequency: Frequency | None
    precision: Precision | None
    movement: Movement
    open: tuple[Outlook, ...]


def calibrated(seen: Preview) -> Calibrated | None:
    """The bounds beside what happened; None for a rule that is not on a probability."""
    if seen.rule.kind not in ON_PROBABILITY:
        return None
    told = [past for past in seen.pasts if past.forecasts]
    ended = [past for past in told if past.outcome is not None]
    return Calibrated(
        _frequency(seen.rule, told),
        _precision([past for past in ended if past.question.deadline <= seen.now]),
        movement([_path(past) for past in told]),
        tuple(
            _outlook(seen.rule, past)
            for past in told
            if past.resolution is None and past.question.deadline > seen.now
        ),
    )


def _path(past: Past) -> tuple[float, ...]:
    """Its forecasts, and the answer: leaving that out would leave out what events teach."""
    return past.forecasts if past.outcome is None else (*past.forecasts, float(past.outcome))


def _frequency(rule: Rule, told: Sequence[Past]) -> Frequency | None:
    """Of all, open ones too: an event ends a question early, so the ended are not a fair pick."""
    if not told:
        return None
    chances = [ring_bound(past.forecasts[0], rule.fire_at) for past in told]
    rang = sum(bool(past.rings) for past in told)
    return Frequency(
        len(told),
        rang,
        sum(chances),
        chance_of_at_least(rang, chances),
        chance_whatever_the_dependence(rang, chances),
    )


def _precision(ended: Sequence[Past]) -> Precision | None:
    firsts = [past for past in ended if past.rings]
    if not firsts:
        return None
    chances = [past.rings[0].episode.probability or 0.0 for past in firsts]
    came_true = sum(past.outcome or 0 for past in firsts)
    tail = 1.0 - chance_of_at_least(came_true + 1, chances)
    return Precision(len(firsts), came_true, sum(chances), max(tail, 0.0))


def _outlook(rule: Rule, past: Past) -> Outlook:
    last, p = past.estimates[-1], past.forecasts[-1]
    is_firing = bool(past.rings) and past.rings[-1].episode.ended_at is None
    return Outlook(
        past.question.question_id,
        last.as_of,
        p,
        is_firing,
        1.0 if is_firing else ring_bound(p, rule.fire_at),
        1.0 - p if is_firing else false_alarm_bound(p, rule.fire_at),
    )
