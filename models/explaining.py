"""What the explanations of all families share: changed tasks, differences, verdicts.

Every scenario is a changed task, answered by the family's own machinery on the same draws and
the same random futures, so that a difference is not noise:

    error of a difference   sqrt( sum over draws of ( w'(g' - p') - w (g - p) )^2 / efficiency )

w and g are the weights and chances of the draws before, w' and g' those after.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from forecast.clock import days_between, format_instant
from forecast.estimate import log_hazard
from forecast.evidence import Report, Superseded, incident_key
from forecast.explanation import Conflict, IncidentPart, Note, Scaling, Scenario, Swing, TagPart
from forecast.likelihood import percent
from forecast.question import Question
from models.api import BAND, Task
from models.covariates import Array
from models.engine.gates import khat_limit
from models.engine.psis import Weights, smooth
from models.futures import TEMPO_SHAPE
from models.priors.beliefs import Beliefs, Effect, Narrower
from models.priors.elicit import Beta

ALPHAS = (0.5, 0.8, 1.25, 2.0)
MILD = (0.8, 1.25)  # what a conflict must survive
NUDGE = (0.99, 1.01)  # of the sensitivities
SILENCES = (30, 7, 1)  # days; the longest that ends before the deadline
SOON = 7.0  # days in which an observation may arrive
WELL_GRADED = ("B", 2)
SENSITIVE = 0.05  # a power-scaling sensitivity that matters
SURPRISING = 0.01  # a prior-predictive tail that is a conflict by itself
LEAST_LEFT = 0.1  # of the draws, as effective sample size, for a scenario
UNVERIFIED = 0.5  # credibility
ONE_SOURCE = 0.5  # of the rise
FAR = 1.5  # times the highest covariate so far
A_MOMENT = timedelta(microseconds=1)
WHAT_IF = "what-if"


@dataclass(frozen=True, slots=True)
class Reading:
    """P of each draw (draw,) and the weights of the draws, under some facts."""

    chance: Array
    weights: Weights

    @property
    def probability(self) -> float:
        """The weighted mean."""
        return min(max(float(self.weights.mean(self.chance)), 0.0), 1.0)

    def influence(self) -> Array:
        """What each draw does to the error of the mean (draw,)."""
        return np.asarray(self.weights.w * (self.chance - self.weights.mean(self.chance)))

    def trouble(self) -> str:
        """Why the weights are not to be relied upon, or nothing."""
        n = len(self.chance)
        if self.weights.khat >= khat_limit(n) or math.isnan(self.weights.khat):
            return f"Pareto k-hat {self.weights.khat:.2f}"
        if not self.weights.ess >= LEAST_LEFT * n:
            return f"effective sample size {self.weights.ess:.0f} of {n}"
        return ""


def difference_error(before: Reading, after: Reading) -> float:
    """The Monte Carlo error of the difference of two probabilities on the same draws."""
    off = after.influence() - before.influence()
    return float(np.sqrt((off**2).sum() / before.weights.efficiency))


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What scenarios are measured against: P on all draws, on a few, and the alert levels.

    A scenario is computed on the few; its P is their move on the log-hazard scale from `whole`.
    """

    whole: float
    few: Reading
    levels: tuple[float, ...]

    def probability(self, p: float) -> float:
        """P on all draws, where the few say `p`."""
        level = log_hazard(self.whole) + log_hazard(p) - log_hazard(self.few.probability)
        return self.whole if p == self.few.probability else -math.expm1(-math.exp(level))

    def crossed(self, p: float) -> tuple[float, ...]:
        """The levels that lie between the whole's P and another."""
        return tuple(c for c in self.levels if (self.whole >= c) != (p >= c))

    def scenario(self, kind: str, subject: str, reading: Reading) -> Scenario:
        """What another reading comes to."""
        p = self.probability(reading.probability)
        return Scenario(
            kind,
            subject,
            p,
            p - self.whole,
            difference_error(self.few, reading),
            self.crossed(p),
            reading.trouble(),
        )

    def scaling(
        self, component: str, alpha: float, before: Reading, after: Reading, moved: bool
    ) -> Scaling:
        """What a power of one component comes to; `before` is on the draws of `after`."""
        base = replace(self, few=before)
        p = base.probability(after.probability)
        error, khat = difference_error(before, after), after.weights.khat
        crosses, trouble = self.crossed(p), after.trouble()
        return Scaling(component, alpha, p, p - self.whole, error, khat, moved, crosses, trouble)


# Changed tasks


def watched_from(task: Task, origin: datetime) -> Task:
    """The task with its start of observation spelt out, so that leaving a report out keeps it."""
    return replace(task, beliefs=replace(task.beliefs, observed_since=format_instant(origin)))


def without(task: Task, incident_id: str, tag: str) -> Task:
    """The task as if an incident had never been reported."""
    snapshot = task.snapshot

    def is_other(report: Report) -> bool:
        return incident_key(report) != incident_id or report.tag != tag

    left = replace(
        snapshot,
        reports=tuple(r for r in snapshot.reports if is_other(r)),
        earlier_reports=tuple(v for v in snapshot.earlier_reports if is_other(v.fact)),
    )
    return replace(task, snapshot=left)


def retracted(task: Task, incident_id: str, tag: str) -> Task:
    """The task with all reports of an incident taken back just now: the past still saw them."""
    snapshot, now = task.snapshot, task.snapshot.as_of - A_MOMENT
    gone = [r for r in snapshot.reports if incident_key(r) == incident_id and r.tag == tag]
    ended = [Superseded(report, now) for report in gone if report.known_at < now]
    kept = tuple(report for report in snapshot.reports if report not in gone)
    earlier = sorted(
        [*snapshot.earlier_reports, *ended], key=lambda v: (v.fact.known_at, v.fact.report_id)
    )
    return replace(task, snapshot=replace(snapshot, reports=kept, earlier_reports=tuple(earlier)))


def with_reports(task: Task, effects: Iterable[Effect]) -> Task:
    """The task with one more report of each tag just now, of an incident of its own.

    It is ordinary and well graded (B2); of a level, one step above its last reading.
    """
    snapshot, now = task.snapshot, task.snapshot.as_of - A_MOMENT
    reliability, credibility = WELL_GRADED
    more = [
        Report(
            report_id=f"{WHAT_IF}:{effect.tag}",
            unit=snapshot.unit,
            tag=effect.tag,
            occurred_at=now,
            known_at=now,
            incident_id=f"{WHAT_IF}:{effect.tag}",
            value=_next_value(task, effect),
            source=WHAT_IF,
            reliability=reliability,
            credibility=credibility,
        )
        for effect in effects
    ]
    reports = sorted([*snapshot.reports, *more], key=lambda r: (r.known_at, r.report_id))
    return replace(task, snapshot=replace(snapshot, reports=tuple(reports)))


def _next_value(task: Task, effect: Effect) -> float:
    if effect.kind != "level":
        return task.beliefs.ordinary_value
    read = [r for r in task.snapshot.reports if r.tag == effect.tag]
    last = max(read, key=lambda r: (r.occurred_at, r.known_at), default=None)
    return (effect.reference if last is None else last.value) + effect.per


def silent(task: Task, days: float) -> Task:
    """The task so many days on, with no new report and no event."""
    later = task.snapshot.as_of + timedelta(days=days)
    others = tuple(replace(other, as_of=later) for other in task.others)
    return replace(task, snapshot=replace(task.snapshot, as_of=later), others=others)


def silence_of(task: Task, question: Question) -> int | None:
    """For how many days nothing may be heard before the deadline; None where it is too near."""
    left = days_between(task.snapshot.as_of, question.deadline)
    return next((days for days in SILENCES if days < left), None)


def arrival_within(days: float, shape: Array, rate: Array | float) -> Array:
    """P (tag,) of at least one incident within `days`: see `models.futures`.

    1 - E over the tempo of ( rate / (rate + tempo days) )^shape, the tempo Gamma(4, 4), on 64
    equally likely points.
    """
    from scipy.special import gammaincinv

    tempo = gammaincinv(TEMPO_SHAPE, (np.arange(64) + 0.5) / 64) / TEMPO_SHAPE
    return np.asarray(-np.expm1(-np.log1p(tempo[:, None] * days / rate) * shape).mean(axis=0))


def share_ends(share: Beta) -> tuple[float, float]:
    """The two ends of a share's band."""
    from scipy.special import betaincinv

    low, high = (float(betaincinv(share.a, share.b, p)) for p in BAND)
    return low, high


def with_share(beliefs: Beliefs, definition: str, mean: float) -> Beliefs:
    """The beliefs with another mean of a definition's share, as sure as it was."""

    def moved(part: Narrower) -> Narrower:
        if part.definition != definition or part.share is None:
            return part
        total = part.share.a + part.share.b
        return replace(part, share=Beta(mean * total, (1 - mean) * total))

    return replace(beliefs, narrower=tuple(moved(part) for part in beliefs.narrower))


# Power scaling


def scaled(log_weights: Array, log_density: Array, alpha: float, efficiency: float) -> Weights:
    """Weights of draws whose raw `log_weights` gain density^(alpha - 1), smoothed once."""
    return smooth(log_weights + (alpha - 1) * log_density, efficiency)


def sensitivity(now: Reading, nudged: tuple[Reading, Reading]) -> float:
    """How fast the distribution of P changes with the power of a component, at alpha = 1.

    The mean slope, in log2 alpha, of the cumulative Jensen-Shannon distance between P as it is
    and as it is at the powers NUDGE; above 0.05 it matters.
    Source: Kallioinen, Paananen, Buerkner, Vehtari (2023), Statistics and Computing 34:57.
    """
    slopes = [
        max(distance(now, reading), distance(_mirrored(now), _mirrored(reading)))
        / abs(math.log2(alpha))
        for reading, alpha in zip(nudged, NUDGE, strict=True)
    ]
    return float(np.mean(slopes))


def distance(one: Reading, other: Reading) -> float:
    """The cumulative Jensen-Shannon distance, 0 to 1, of two distributions of P."""
    values = np.concatenate([one.chance, other.chance])
    order = np.argsort(values)
    nothing = np.zeros_like(one.weights.w)
    p = np.cumsum(np.concatenate([one.weights.w, nothing])[order])[:-1]
    q = np.cumsum(np.concatenate([nothing, other.weights.w])[order])[:-1]
    steps, middle = np.diff(values[order]), (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(p > 0, p * np.log2(p / middle), 0.0)
        gain += np.where(q > 0, q * np.log2(q / middle), 0.0)
    whole = float(steps @ (p + q))
    return math.sqrt(max(float(steps @ gain), 0.0) / whole) if whole > 0 else 0.0


def _mirrored(reading: Reading) -> Reading:
    return Reading(-reading.chance, reading.weights)


def judge(
    prior: float, likelihood: float, events: int, tail: float, mild: Iterable[Scaling]
) -> Conflict:
    """The verdict; `mild` are the scalings of the whole prior by MILD.

    A tail of the event count below 1 % is a conflict by itself. Sensitivity to both prior and
    likelihood is one where an alert hangs on it, and else possible; a strong prior beside data
    that say little is what rare events look like, and no fault.
    """
    verdict = "none"
    if tail < SURPRISING:
        verdict = "conflict"
    elif prior >= SENSITIVE and likelihood >= SENSITIVE:
        verdict = "conflict" if any(s.crosses for s in mild) else "possible"
    elif prior >= SENSITIVE:
        verdict = "strong prior"
    return Conflict(prior, likelihood, events, tail, verdict)


# Notes


def concentration_notes(tags: Iterable[TagPart], left_out: Iterable[Scenario]) -> list[Note]:
    """One doubtful incident that carries an alert, and one source that carries the rise."""
    incidents = {(i.tag, i.incident_id): i for tag in tags for i in tag.incidents}
    by_name = {i.incident_id: i for i in incidents.values()}
    notes = [
        Note(
            "concentration",
            True,
            s.subject,
            f"{s.subject} alone carries P across {percent(level)}, and is credible to "
            f"{percent(by_name[s.subject].credibility)} only",
        )
        for s in left_out
        for level in s.crosses
        if by_name[s.subject].credibility < UNVERIFIED
    ]
    shares = source_shares(incidents.values())
    return notes + [
        Note("concentration", False, source, f"{percent(share)} of the rise rests on {source}")
        for source, share in shares.items()
        if share > ONE_SOURCE
    ]


def source_shares(incidents: Iterable[IncidentPart]) -> dict[str, float]:
    """What each newsroom carries of the parts that raise the hazard; an incident's is shared."""
    carried: dict[str, float] = defaultdict(float)
    for incident in incidents:
        for newsroom in incident.newsrooms:
            carried[newsroom] += max(incident.part.mean, 0.0) / len(incident.newsrooms)
    whole = sum(carried.values())
    return {name: part / whole for name, part in carried.items() if whole > 0}


def extrapolation_notes(tags: Iterable[TagPart]) -> list[Note]:
    """Tags that stand higher than ever in the time at risk, as the model has never seen them."""
    return [
        Note(
            "extrapolation",
            abs(t.covariate) > FAR * t.highest > 0,
            t.tag,
            _height_words(t),
        )
        for t in tags
        if abs(t.covariate) > t.highest
    ]


def _height_words(tag: TagPart) -> str:
    if tag.highest == 0:
        return f"{tag.tag} was never heard of before in the time at risk"
    times = abs(tag.covariate) / tag.highest
    return f"{tag.tag} stands at {times:.1f} times what it ever was in the time at risk"


def leverage_notes(conflict: Conflict, swings: Iterable[Swing]) -> list[Note]:
    """Beliefs on each of which an alert hangs, and data that contradict them."""
    notes = [
        Note(
            "input",
            False,
            swing.key,
            f"{swing.key} alone, moved to one end of its range, carries P across {percent(level)}",
        )
        for swing in swings
        for level in swing.crosses
    ]
    if conflict.verdict == "conflict":
        seen = f"{conflict.events} event{'' if conflict.events == 1 else 's'}"
        words = f"the beliefs and the data contradict each other: {seen} in the time at risk"
        notes.insert(0, Note("conflict", True, "prior", words))
    return notes
