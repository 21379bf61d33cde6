"""A thousand updates in one process: what a long-lived updater grows by."""

import resource
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.timing import alone, say
from forecast.estimate import Estimate
from models.hazard import Hazard
from models.testing import sample_task

UPDATES, WARM = 1000, 100
MOST_GROWTH = 20.0  # MB: allocators do not give everything back


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Peak memory after WARM updates, and how much more after UPDATES."""
    say(f"{UPDATES} updates of one track in one process")
    warm, end = alone(cache / "memory", grow)
    yield Row("updater, peak memory", warm, "MB")
    yield Row(f"updater, growth over {UPDATES} updates", end - warm, "MB", at_most=MOST_GROWTH)


def grow() -> tuple[float, float]:
    """Peak MB after the first updates and after all; the clock moves by an hour each."""
    model, state, warm = Hazard(), None, 0.0
    previous: dict[str, Estimate] = {}
    for n in range(UPDATES):
        answer = model.update(sample_task(model, days=n / 24, previous=previous), state)
        state = answer.state
        previous = {estimate.question_id: estimate for estimate in answer.estimates}
        if n == WARM:
            warm = _peak()
    return warm, _peak()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
