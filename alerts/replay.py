"""What a rule would have done on a history: the functions that ring, run over it again. Pure."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.decide import close_question, decide
from alerts.readings import Baseline, baseline_of, read_estimate
from forecast.alert import ALARMED, NoticeKind, Route, Rule, RuleKind, RuleState, Transition
from forecast.alert_tables import READ_TWICE
from forecast.estimate import Estimate
from forecast.evidence import Resolution

REPLAYED = frozenset(READ_TWICE)  # the kinds of rules that estimates decide


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of firing: when it rang and at which P, when it was over and why.

    `ended_at` is None, and `reason` empty, while it lasts. `route` says whether it rang or,
    being caused by a retune, only waited for the digest.
    """

    number: int
    rang_at: datetime
    probability: float | None
    route: Route
    ended_at: datetime | None = None
    reason: str = ""


def replay(
    rule: Rule,
    estimates: Sequence[Estimate],
    end: Resolution | None = None,
    stale_at: Collection[datetime] = (),
) -> list[Transition]:
    """The transitions of a rule on one question's estimates, which are ordered by `as_of`.

    Each is decided as of its own moment. The watch ends when `end` was known; `stale_at` are
    the moments at which the unit's reports had stopped coming. ValueError for a rule of a kind
    that estimates do not decide.
    """
    if rule.kind not in REPLAYED:
        raise ValueError(f"a rule of kind {rule.kind} is not decided by estimates")
    counted = [e for e in estimates if end is None or e.as_of <= end.known_at]
    state: RuleState | None = None
    found = []
    for place, estimate in enumerate(counted):
        reading = read_estimate(
            rule,
            estimate,
            counted[place - 1].probability if place else None,
            _baseline(rule, state, estimate, counted),
            is_stale=estimate.as_of in stale_at,
        )
        if reading is not None:
            state, transition = decide(rule, state, reading, estimate.as_of)
            found += [transition] if transition else []
    if end is not None and state is not None:
        _, transition = close_question(state, end.outcome, counted[-1].probability, end.known_at)
        found += [transition] if transition else []
    return found


def episodes(transitions: Sequence[Transition]) -> list[Episode]:
    """The stretches of firing among one rule's transitions on one subject, oldest first."""
    ends: dict[int, Transition] = {}
    for t in transitions:
        if t.before in ALARMED and t.notify == NoticeKind.FIRING:  # it rings on, as the next one
            ends[t.episode - 1] = t
        elif t.before in ALARMED and t.after not in ALARMED:
            ends[t.episode] = t
    found = []
    for ring in (t for t in transitions if t.notify == NoticeKind.FIRING):
        end = ends.get(ring.episode)
        over = (end.at, end.reason) if end else (None, "")
        found.append(Episode(ring.episode, ring.at, ring.probability, ring.route, *over))
    return found


def _baseline(
    rule: Rule, state: RuleState | None, estimate: Estimate, history: Sequence[Estimate]
) -> Baseline | None:
    """With what a rule of kind change compares: what stood then, at the moment itself too."""
    if rule.kind is not RuleKind.CHANGE:
        return None
    if rule.over is None:
        return baseline_of(rule, state, None)
    place = bisect_right(history, estimate.as_of - rule.over, key=lambda e: e.as_of)
    return baseline_of(rule, state, history[place - 1] if place else None)
