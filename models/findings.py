"""What is odd about the facts of a track, in sentences: said beside the number, never fatal."""

from models.api import Task
from models.rows import contradictions
from models.track import events_of, observation_start


def findings(task: Task) -> tuple[str, ...]:
    """Facts that contradict each other, or that no model can use."""
    events = events_of(task, task.beliefs.definition)
    start = observation_start(task)
    early = [event for event in events if event.occurred_at < start]
    found = []
    if early:
        found.append(
            f"{_counted(len(early))} before {start:%Y-%m-%d}, where observation begins, "
            "cannot be counted; an earlier observed_since would"
        )
    if len(events) - len(early) > 1 and not task.beliefs.recurrent:
        found.append(
            f"{_counted(len(events))} of what can happen only once: those after the first "
            "cannot be counted; recurrent = true would"
        )
    return (*found, *contradictions(events, task.snapshot.coverage))


def _counted(events: int) -> str:
    return f"{events} event{'' if events == 1 else 's'}"
