"""What is odd about the facts of a track, in sentences: said beside the number, never fatal."""

import math
from datetime import datetime

from forecast.clock import days_between
from forecast.evidence import Event
from models.api import Task
from models.rows import contradictions
from models.track import events_of, observation_start

FAR = 3.0  # standard deviations between the believed rate and the seen one


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
    found += _over(task, events) + _conflict(task, len(events) - len(early), start)
    return (*found, *contradictions(events, task.snapshot.coverage))


def _over(task: Task, events: list[Event]) -> list[str]:
    """That what can happen only once has happened before a question opens."""
    first = min((event.occurred_at for event in events), default=None)
    late = [q for q in task.questions if first and first < q.opens_at]
    if task.beliefs.recurrent or first is None or not late:
        return []
    return [
        f"{task.beliefs.definition} can happen only once, and happened on {first:%Y-%m-%d}, before "
        f"{late[0].question_id} opens: its probability means nothing; recurrent = true would do"
    ]


def _conflict(task: Task, events: int, start: datetime) -> list[str]:
    """Whether the rate that was seen is far from the believed one, or from the ceiling above it."""
    beliefs, days = task.beliefs, days_between(start, task.snapshot.as_of)
    if days < 1 or (events and not beliefs.recurrent):
        return []
    apart = math.log((events + 0.5) / days) - beliefs.log_rate.mean
    if apart > 0 and beliefs.log_ceiling and beliefs.effects:
        apart = max(apart + beliefs.log_rate.mean - beliefs.log_ceiling.mean, 0.0)
    sd = math.hypot(
        beliefs.log_rate.sd, math.exp(-beliefs.log_shape.mean / 2), (events + 0.5) ** -0.5
    )
    if abs(apart) <= FAR * sd:
        return []
    return [
        f"{_counted(events)} in {days:.0f} days is {math.exp(apart):.2g} times as often as was "
        "believed: check the base rate"
    ]


def _counted(events: int) -> str:
    return f"{events} event{'' if events == 1 else 's'}"
