"""What surrounds an estimate and does not stand in it: its audit, its schedule, what it hears."""

from dataclasses import dataclass
from datetime import datetime

from forecast.audit import Audit


@dataclass(frozen=True, slots=True)
class Heard:
    """A unit or a source that a rule listens to, as (`kind`, `name`); `trouble` is why it rings."""

    kind: str
    name: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """As of the moment of a report.

    `audit` is the newest that could be judged. `due` is the first slot after the newest estimate
    of the schedules that update the question, if any does. `heard` is all that a rule listens to
    on the question's behalf.
    """

    audit: Audit | None = None
    due: datetime | None = None
    heard: tuple[Heard, ...] = ()


NOTHING_AROUND = Surroundings()
