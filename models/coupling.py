"""Do two streams of reports move together, or by coincidence?

The incidents of one stream are taken for events of a hazard, which the other stream raises or
lowers with some prior probability, and else leaves alone: `models.hazard` with a coupled unit.
So that what merely happened in the same busy weeks does not count, the stream's own recent
incidents and everything else that was reported of the two units are covariates as well.

It finds that one stream follows the other in days; it does not find causes. Two streams that
both answer to a third, which nobody reports, move together too.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log

from forecast.clock import format_instant
from forecast.errors import UsageError
from forecast.estimate import Coupling, Estimate
from forecast.evidence import Event, Report
from forecast.names import matches
from forecast.question import Question, Snapshot
from models.api import Task
from models.incidents import gather
from models.priors.beliefs import Beliefs, CoupledUnit, Effect
from models.priors.elicit import Normal

FEWEST = 3  # incidents of a stream: fewer say nothing
OWN, OTHER = Normal(0.3, 0.5), Normal(0.0, 0.3)  # log ratios of own and of other incidents
EFFECT = Normal(0.0, 0.7)  # of one fresh incident of the other stream, if coupled: x0.3 to x3.2
RATE_SD = 1.0  # of the log of the stream's rate, about its own mean
SPREAD = Normal(1.8, 0.5)  # of the log of kappa, as for any unit


@dataclass(frozen=True, slots=True)
class Stream:
    """Reports of some tags at one unit."""

    unit: str
    tags: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Stream":
        """Read "UNIT:TAG,TAG", tags as in a shell; UsageError for anything else."""
        unit, colon, tags = text.partition(":")
        patterns = tuple(tag.strip() for tag in tags.split(",") if tag.strip())
        if not (unit.strip() and colon and patterns):
            raise UsageError(f"'{text}' is not a stream; write it like 'rus-ukr:negotiation.*'")
        return cls(unit.strip(), patterns)

    def __str__(self) -> str:
        return f"{self.unit}:{','.join(self.tags)}"

    def reports(self, snapshot: Snapshot) -> list[Report]:
        """Its reports, of those known of its unit."""
        return [
            r for r in snapshot.reports if r.known_at < snapshot.as_of and matches(r.tag, self.tags)
        ]


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed beforehand: that they are coupled, and how long an incident is felt."""

    probability: float = 0.5
    half_life: float = 14.0  # days


@dataclass(frozen=True, slots=True)
class Following:
    """Whether `follower` follows `leader`, from how many incidents of each, and its estimate."""

    leader: Stream
    follower: Stream
    coupling: Coupling
    incidents: tuple[int, int]
    days: int
    estimate: Estimate


def following(
    leader: tuple[Stream, Snapshot],
    follower: tuple[Stream, Snapshot],
    belief: Belief,
    seed: int,
) -> Following:
    """Judge one direction; UsageError where a stream has too few incidents."""
    from models.hazard import Hazard

    counts = tuple(len(gather(stream.reports(at))) for stream, at in (leader, follower))
    for (stream, _), count in zip((leader, follower), counts, strict=True):
        if count < FEWEST:
            raise UsageError(f"'{stream}' has {count} incidents; fewer than {FEWEST} say nothing")
    task = stream_task(leader, follower, belief, seed)
    [estimate] = Hazard().update(task, None).estimates
    start = datetime.fromisoformat(task.beliefs.observed_since)
    return Following(
        leader[0],
        follower[0],
        estimate.couplings[0],
        (counts[0], counts[1]),
        (follower[1].as_of - start).days,
        estimate,
    )


def stream_task(
    leader: tuple[Stream, Snapshot], follower: tuple[Stream, Snapshot], belief: Belief, seed: int
) -> Task:
    """The task whose events are the incidents of the follower, as they became known."""
    (first, there), (second, here) = leader, follower
    mine, theirs = second.reports(here), first.reports(there)
    start = max(min(r.known_at for r in mine), min(r.known_at for r in theirs))
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    events = tuple(
        Event(f"{number}", here.unit, "stream", incident.known_at, incident.known_at)
        for number, incident in enumerate(gather(mine))
        if incident.known_at >= start
    )
    days = max((here.as_of - start).days, 1)
    question = Question(
        "next", "next", here.unit, "stream", here.as_of, here.as_of + timedelta(days=7)
    )
    rate = Normal(log((len(events) + 0.5) / days), RATE_SD)
    other = CoupledUnit(there.unit, first.tags, EFFECT, belief.half_life, belief.probability)
    beliefs = Beliefs(
        definition="stream",
        model="hazard",
        log_rate=rate,
        log_ceiling=None,
        log_shape=SPREAD,
        effects=(
            Effect("own", OWN, belief.half_life, ""),
            Effect("other", OTHER, belief.half_life, ""),
        ),
        narrower=(),
        recurrent=True,
        observed_since=format_instant(start),
        ordinary_value=1.0,
        couplings=(other,),
    )
    rest = _rest(first, there) + (_rest(second, here) if there.unit != here.unit else [])
    said = [*_tagged(mine, "own"), *_tagged([r for r in rest if r not in mine], "other")]
    snapshot = Snapshot(here.unit, here.as_of, (question,), tuple(said), events)
    return Task(snapshot, beliefs, (question,), seed, others=(replace(there, as_of=here.as_of),))


def _rest(stream: Stream, snapshot: Snapshot) -> list[Report]:
    mine = set(stream.reports(snapshot))
    return [r for r in snapshot.reports if r.known_at < snapshot.as_of and r not in mine]


def _tagged(reports: list[Report], tag: str) -> list[Report]:
    """The reports under another tag; each incident stays one."""
    return [
        replace(r, tag=tag, incident_id=f"{r.unit} {r.tag} {r.incident_id or r.occurred_at.date()}")
        for r in reports
    ]
