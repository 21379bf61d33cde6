"""The explanation: what an estimate rests on, and what would change it.

Nothing here is a cause: a part is what the model assumes of a tag, a scenario is what the same
model would say of other facts, on the same draws.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the log of the present hazard: its posterior mean, median and central 90 %.

    Means add up exactly, over incidents to their tag and over tags to the whole; exp of the
    others is a multiplier of the hazard.
    """

    mean: float
    median: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class IncidentPart:
    """One incident's part of its tag's part: as much as its `share` of the tag's stock.

    `faded_to` (0 to 1) is how much of its weight age has left; `credibility` the probability
    that it happened; `newsrooms` those that report it, each once.
    """

    incident_id: str
    tag: str
    occurred_at: datetime
    known_at: datetime
    age_days: float
    faded_to: float
    strength: float
    credibility: float
    share: float
    part: Part
    reports: int
    newsrooms: tuple[str, ...]
    urls: tuple[str, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class TagPart:
    """What one tag does now: at its `covariate` x, the largest before being `highest`.

    `kind` is incident, level or scheduled; a level has no incidents.
    """

    tag: str
    kind: str
    covariate: float
    highest: float
    part: Part
    incidents: tuple[IncidentPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """P under other facts, all else the same.

    `kind` and `subject`: "without" an incident, as if it had never been reported; "retracted",
    one taken back now; "report", one more well-graded ordinary report of a tag now; "silence",
    so many days on with nothing new and the same deadline. `change` is in probability with the
    Monte Carlo error `mcse` of the difference; `crosses` are the alert levels that it crosses;
    `reason` says why the number is not to be relied upon, "" where it is. Of a report,
    `arrival` is the probability that one comes within 7 days, and `value` = arrival |change|.
    """

    kind: str
    subject: str
    probability: float
    change: float
    mcse: float
    crosses: tuple[float, ...] = ()
    reason: str = ""
    arrival: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Scaling:
    """P with the density of one component of the model to the power `alpha`.

    `component` is "base rate", "unit spread", "ceiling", "effects", "prior" (all of these) or
    "likelihood"; alpha 2 is a belief twice as strong, of half the variance. `khat` is that of
    the weights; `moved` says that the draws were moved, because plain weights failed.
    """

    component: str
    alpha: float
    probability: float
    change: float
    mcse: float
    khat: float
    moved: bool = False
    crosses: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Swing:
    """P with one elicited belief moved so that its middle lies where its 5 % or 95 % end was.

    `key` is as in `tocsin priors show`; `ends` are the two (a rate per day, a ratio or a
    share), `at` the probabilities there, with the larger Monte Carlo error of the two
    differences.
    """

    key: str
    ends: tuple[float, float]
    at: tuple[float, float]
    mcse: float
    crosses: tuple[float, ...] = ()
    reason: str = ""

    @property
    def width(self) -> float:
        """How far apart the two ends bring P."""
        return abs(self.at[1] - self.at[0])


@dataclass(frozen=True, slots=True)
class Conflict:
    """Whether the data contradict the prior.

    `prior` and `likelihood` are the power-scaling sensitivities of P; `tail` the smaller
    prior-predictive probability of as few, or as many, events as the `events` that there were.
    `verdict` is "none", "strong prior" (the data say little yet: normal for rare events),
    "possible" or "conflict".
    """

    prior: float
    likelihood: float
    events: int
    tail: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader should know before acting on the number.

    `kind` is "concentration", "extrapolation", "conflict" or "input"; `blocks` where it speaks
    against acting without a second look; `subject` is the incident, tag, source or belief.
    """

    kind: str
    blocks: bool
    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why P is what it is, and what would change it.

    `probability` is what the stored draws say of the facts at hand, with its Monte Carlo error;
    `whole` is the log of the hazard's present multiplier, of which `tags` are the parts, the
    strongest first (None and empty for a family without evidence). `untested` incidents are
    too small to be left out one by one.
    """

    question_id: str
    as_of: datetime
    probability: float
    mcse: float
    draws: int
    whole: Part | None
    tags: tuple[TagPart, ...]
    scenarios: tuple[Scenario, ...]
    untested: int
    scalings: tuple[Scaling, ...]
    swings: tuple[Swing, ...]
    conflict: Conflict
    notes: tuple[Note, ...]

    def of_kind(self, kind: str) -> tuple[Scenario, ...]:
        """The scenarios of one kind, in their order."""
        return tuple(s for s in self.scenarios if s.kind == kind)
