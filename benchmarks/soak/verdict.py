"""Whether a soak left anything behind: slots, units, notices, messages, and the store itself."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from forecast.store import Store
from forecast.store.runs import Run


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything is to be 0.

    `slots_missed` were neither run nor made up for by the next run of their schedule, and
    `slots_overlapping` began before the one before had ended; `units_left` have news that nobody
    saw; `questions_without` have no estimate; `notices_left` and `messages_left` still wait;
    `messages_lost` are marked delivered and never came; `damage` counts failed checks of the
    store; `unclean_ends` are exits that were no 0, and `errors` lines of the log.
    """

    slots_missed: int = 0
    slots_overlapping: int = 0
    runs_failed: int = 0
    units_left: int = 0
    units_failing: int = 0
    questions_without: int = 0
    reports_unseen: int = 0
    notices_left: int = 0
    messages_left: int = 0
    messages_dead: int = 0
    messages_lost: int = 0
    damage: int = 0
    unclean_ends: int = 0
    errors: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not any(getattr(self, field.name) for field in fields(self))


def slots_missed(
    runs: Iterable[Run], step: timedelta, since: datetime, until: datetime
) -> tuple[int, int]:
    """Slots every `step` from `since` to `until` that nobody ran: (lost, made up for).

    A run makes up for those before it that could not be run in time, and says how many.
    """
    runs = list(runs)
    ran = {run.slot for run in runs}
    excused = sum(run.missed for run in runs)
    slot = since - (since - since.replace(hour=0, minute=0, second=0, microsecond=0)) % step + step
    lost = 0
    while slot <= until:
        lost += slot not in ran
        slot += step
    return max(lost - excused, 0), min(lost, excused)


def overlapping(runs: Iterable[Run]) -> int:
    """Runs of one schedule that began while the one before was still at work."""
    found, last = 0, None
    for run in sorted(runs, key=lambda run: run.started_at):
        if last is not None and run.started_at < last:
            found += 1
        last = run.finished_at or last
    return found


def left_behind(store: Store, now: datetime, received: Counter[str]) -> dict[str, int]:
    """What the store says of itself, once all is calm."""
    counts = store.due_units.counts(now)
    delivered = {d.delivery_id for d in store.deliveries(status="delivered")}
    return {
        "units_left": counts.due,
        "units_failing": counts.failing,
        "notices_left": len(store.alerts.waiting(light=True)),
        "messages_left": sum(len(store.deliveries(status=s)) for s in ("due", "sending")),
        "messages_dead": len(store.deliveries(status="dead")),
        "messages_lost": len(delivered - received.keys()),
        "damage": sum(not c.ok for c in store.check() if c.name != "sqlite"),  # its version
    }
