"""How often a token may ask: a bucket for each that fills again while nobody takes from it."""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Pace:
    """Whether a request may pass, what is left in the bucket, and seconds until one more may."""

    is_open: bool
    left: int
    wait: int


class Buckets:
    """One bucket for each name: `burst` requests at once, `per_second` in the long run."""

    def __init__(self) -> None:
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now: float, burst: int, per_second: float) -> Pace:
        """Take one; `now` are seconds on any clock that never goes back.

        >>> buckets = Buckets()
        >>> [buckets.take("a", 0.0, 2, 0.5).is_open for _ in range(3)]
        [True, True, False]
        >>> buckets.take("a", 2.0, 2, 0.5)
        Pace(is_open=True, left=0, wait=2)
        """
        level, at = self._levels.pop(name, (float(burst), now))
        level = min(float(burst), level + max(0.0, now - at) * per_second)
        is_open = level >= 1.0
        level -= 1.0 if is_open else 0.0
        self._levels[name] = (level, now)
        if len(self._levels) > MOST_BUCKETS:
            self._levels.popitem(last=False)
        wait = 0 if level >= 1.0 else max(1, ceil((1.0 - level) / per_second))
        return Pace(is_open, int(level), wait)
