"""Why a probability moved: the last move, and the moves of a week added up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from forecast.estimate import Estimate, Move, log_hazard

WEEK = timedelta(days=7)
UNRECORDED = "unrecorded"
CAUSES = {
    "time": "the passing of time",
    "evidence": "new evidence",
    "credibility": "confirmed or corrected reports",
    "learning": "what was learnt",
    "prior": "a changed prior",
    "model": "a changed model",
    "montecarlo": "simulation noise",
    UNRECORDED: "causes that were not recorded",
}


@dataclass(frozen=True, slots=True)
class Shift:
    """A move of P between two moments, and its parts on the log-hazard scale.

    The parts sum to log_hazard(end) - log_hazard(start). `unrecorded` is what the moves
    between leave unsaid, where one of them was not stored.
    """

    since: datetime
    until: datetime
    start: float
    end: float
    parts: dict[str, float]

    def in_points(self) -> list[tuple[str, int]]:
        """What each cause did in whole points, one after the other in the order of the parts.

        They sum to the whole as it is shown: each is rounded down, and what is then missing goes,
        a point each, to those that lost most. So none is a point off, or of the other sign.
        """
        size, before = log_hazard(self.start), self.start
        exact = {}
        for cause, part in self.parts.items():
            size += part
            after = -math.expm1(-math.exp(min(size, 50.0)))
            exact[cause], before = round(100 * (after - before), 9), after
        whole = {cause: math.floor(points) for cause, points in exact.items()}
        missing = round(100 * self.end) - round(100 * self.start) - sum(whole.values())
        lost = sorted(exact, key=lambda cause: whole[cause] - exact[cause])
        for cause in lost[: max(missing, 0)]:
            whole[cause] += 1
        return [(cause, points) for cause, points in whole.items() if points]

    def main_cause(self) -> str:
        """The largest part that pulls the way P went."""
        way = math.copysign(1.0, self.end - self.start)
        return max(self.parts, key=lambda cause: way * self.parts[cause])


def last_shift(history: Sequence[Estimate]) -> Shift | None:
    """The move that the newest estimate explains."""
    if len(history) < 2 or history[-1].moved is None:
        return None
    move = history[-1].moved
    return Shift(
        history[-2].as_of,
        history[-1].as_of,
        move.from_probability,
        move.to_probability,
        move.parts(),
    )


def week_shift(history: Sequence[Estimate], since: datetime | None = None) -> Shift | None:
    """The moves since a moment, a week ago unless it is said, added up.

    From the newest estimate that stood then; where the history is younger, from its first one.
    """
    if len(history) < 2:
        return None
    last = history[-1]
    since = since or last.as_of - WEEK
    start = max((n for n, e in enumerate(history) if e.as_of <= since), default=0)
    if start == len(history) - 1:
        return None
    parts = dict.fromkeys(CAUSES, 0.0)
    for before, after in pairwise(history[start:]):
        for cause, size in _parts_between(before, after).items():
            parts[cause] += size
    if abs(parts[UNRECORDED]) < 1e-6:
        del parts[UNRECORDED]
    first = history[start]
    return Shift(first.as_of, last.as_of, first.probability, last.probability, parts)


def _parts_between(before: Estimate, after: Estimate) -> dict[str, float]:
    parts = (after.moved or Move(before.probability, before.probability)).parts()
    whole = log_hazard(after.probability) - log_hazard(before.probability)
    return parts | {UNRECORDED: whole - math.fsum(parts.values())}
