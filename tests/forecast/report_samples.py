"""Realistic facts for the reports: half a year of one question that rises, rings and falls.

Everything is computed from fixed tables, so that two runs give the same bytes.
"""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from forecast.alert import Rule, State, Transition
from forecast.belief import Belief, Learnt, Numbers
from forecast.clock import parse_instant
from forecast.estimate import Contribution, CurvePoint, Estimate, Health, Interval, Move, log_hazard
from forecast.evidence import CrowdForecast, Outcome, Report, Resolution
from forecast.prior import PriorVersion
from forecast.question import Question
from forecast.reports.view import QuestionReport, Related, build_view

START = datetime(2025, 6, 2, 6, 0, tzinfo=UTC)
DAYS = 180
DEADLINE = parse_instant("2025-12-31", end_of_day=True)
NOW = START + timedelta(days=DAYS - 1, hours=3)
QUESTION = Question(
    question_id="strike-by-new-year",
    title="Will the United States strike Venezuelan territory by 31 December 2025?",
    unit="usa-ven",
    definition="strike-on-territory",
    opens_at=START,
    deadline=DEADLINE,
    resolution_criteria="A kinetic strike on land, confirmed by two independent newsrooms.",
)
RULE = Rule("strike-warning", fire_at=0.40, clear_at=0.30)
# day of the history, tag, what it did to the log hazard, what happened
INCIDENTS = (
    (31, "statement.threat", 0.25, "A senior official says that all options are open"),
    (70, "military.carrier-deployment", 0.65, "A carrier group leaves port for the Caribbean"),
    (84, "legal.designation", 0.45, "A cartel is designated as a terrorist organisation"),
    (92, "kinetic.boat-strike", 0.80, "A boat is struck in international waters"),
    (120, "kinetic.boat-strike", 0.30, "A fourth boat is struck"),
    (140, "statement.threat", 0.45, "The president confirms covert operations on land"),
    (146, "military.carrier-deployment", 0.40, "A second carrier group is ordered south"),
    (163, "diplomacy.talks", -0.55, "Both sides confirm a telephone call between leaders"),
    (174, "airspace.closure", 0.50, "Airlines are warned off the airspace"),
    (176, "kinetic.boat-strike", 0.25, "Two more boats are struck in one night"),
)


def at(day: float) -> datetime:
    """The moment `day` days into the history."""
    return START + timedelta(days=day)


def estimate(day: float, p: float, **changes: Any) -> Estimate:
    """One estimate with a plausible band and curve around `p`."""
    low, high = (1 - (1 - p) ** factor for factor in (0.68, 1.42))
    made = Estimate(
        question_id=QUESTION.question_id,
        as_of=at(day),
        probability=p,
        interval=Interval(low, high),
        mcse=0.0021,
        health=Health.HEALTHY,
        model="hazard",
        model_hash="3f9c" * 16,
        method="T0",
        inputs_digest="a71e" * 16,
        prior_version=2,
        diagnostics={"khat": 0.21, "ess": 1391.0, "draws": 2000.0, "mcse": 0.0021},
        curve=curve(at(day), p),
        contributions=CONTRIBUTIONS,
    )
    return replace(made, **changes)


def held(day: float, p: float) -> Estimate:
    """An estimate that stands in for one that did not pass."""
    return estimate(day, p, health=Health.HELD, method="held", reason="k-hat 0.83 is above 0.70")


def curve(start: datetime, p: float) -> tuple[CurvePoint, ...]:
    """P by six dates up to the deadline, at a constant hazard."""
    points = []
    for step in range(1, 7):
        hazard = -math.log1p(-min(p, 0.999999)) * step / 6
        low, mid, high = (1 - math.exp(-hazard * factor) for factor in (0.68, 1.0, 1.42))
        points.append(CurvePoint(start + (DEADLINE - start) * step / 6, mid, low, high))
    return tuple(points)


CONTRIBUTIONS = (
    Contribution("kinetic.boat-strike", 1.92, 1.21, 2.93, ("i92", "i120", "i176")),
    Contribution("military.carrier-deployment", 1.61, 1.08, 2.42, ("i70", "i146")),
    Contribution("airspace.closure", 1.44, 0.97, 2.31, ("i174",)),
    Contribution("statement.threat", 1.18, 0.96, 1.51, ("i31", "i140")),
    Contribution("legal.designation", 1.12, 0.91, 1.43, ("i84",)),
    Contribution("diplomacy.talks", 0.74, 0.51, 0.98, ("i163",)),
    Contribution("market.oil-price", 1.02, 0.93, 1.12, ()),
)


def history(days: int = DAYS) -> list[Estimate]:
    """A daily estimate, each with the move that led to it; days 100 to 104 are held."""
    jumps = {day: size for day, _, size, _ in INCIDENTS}
    eta, past = log_hazard(0.06), [estimate(0, 0.06)]
    for day in range(1, days):
        before = past[-1].probability
        if 100 <= day <= 104:
            past.append(held(day, before))
            continue
        noise = 0.012 * math.sin(day * 2.3)
        fade = -0.0055 if day < 150 else -0.026
        parts = {"time": fade, "evidence": jumps.get(day, 0.0), "learning": -0.0008}
        eta = log_hazard(before) + sum(parts.values()) + noise
        p = -math.expm1(-math.exp(eta))
        past.append(estimate(day, p, moved=Move(before, p, **parts, montecarlo=noise)))
    return past


def reports() -> list[Report]:
    """Two newsrooms tell of every incident, each a few hours before the update that saw it."""
    return [
        Report(
            report_id=f"r{day}{source[0]}",
            unit=QUESTION.unit,
            tag=tag,
            occurred_at=at(day) - timedelta(hours=20),
            known_at=at(day) - timedelta(hours=hours),
            incident_id=f"i{day}",
            source=source,
            reliability="B",
            credibility=2,
            url=f"https://news.example/{source[0].lower()}/{day}",
            summary=summary,
        )
        for day, tag, _, summary in INCIDENTS
        for source, hours in (("Harbour Wire", 14), ("Coast Daily", 9))
    ]


def transition(day: float, before: State, after: State, p: float, episode: int = 1) -> Transition:
    """A change of mind of the rule."""
    notify = {State.FIRING: "firing", State.OK: "resolved"}.get(after, "")
    return Transition(
        rule_id=RULE.rule_id,
        subject=QUESTION.question_id,
        at=at(day),
        before=before,
        after=after,
        reason="crossed_fire_at" if after is State.FIRING else "crossed_clear_at",
        detail=f"P was {p:.0%} at two evaluations in a row",
        episode=episode,
        probability=p,
        notify=notify,
    )


def transitions() -> list[Transition]:
    """The alert fires at the end of October and clears in the middle of November."""
    return [
        transition(146, State.OK, State.PENDING, 0.50),
        transition(147, State.PENDING, State.FIRING, 0.50),
        transition(163, State.FIRING, State.RECOVERING, 0.24),
        transition(164, State.RECOVERING, State.OK, 0.23),
    ]


def crowd() -> list[CrowdForecast]:
    """What others said: a market once a fortnight, one group twice."""
    market = [
        CrowdForecast(
            QUESTION.question_id, at(day), p, "Example Market", "https://market.example/1"
        )
        for day, p in ((90, 0.22), (104, 0.31), (118, 0.35), (132, 0.41), (147, 0.61), (161, 0.50))
    ]
    return [*market, CrowdForecast(QUESTION.question_id, at(172), 0.38, "Forecast Club")]


def related() -> list[Related]:
    """One wider and one narrower definition with the same deadline."""
    wider = replace(QUESTION, question_id="any-kinetic", definition="any-kinetic-act")
    narrower = replace(QUESTION, question_id="announced", definition="announced-strike")
    day = DAYS - 1
    return [
        Related(wider, True, estimate(day, 0.62)),
        Related(narrower, False, estimate(day, 0.19)),
    ]


PRIOR = PriorVersion(
    definition="strike-on-territory",
    version=2,
    at=at(60),
    author="mika",
    reason="The carrier group changes what can be done at short notice",
    words={
        "base_rate": "one in 8..30 years",
        "ceiling": "one in 1..3 months",
        "effects.military.carrier-deployment": "1.2x..3x, 90% sure",
    },
)
LEARNT = Learnt(
    definition="strike-on-territory",
    unit="usa-ven",
    model="hazard",
    as_of=at(176),
    beliefs=(
        Belief(
            "effects.military.carrier-deployment",
            Numbers("ratio", 1.897, 1.2, 3.0),
            Numbers("ratio", 2.412, 1.631, 3.311),
            0.86,
            0.227,
            words="1.2x..3x, 90% sure",
            fading="21 days",
        ),
        Belief(
            "announced-strike.share",
            Numbers("share", 0.39, 0.2, 0.6),
            Numbers("share", 0.298, 0.141, 0.478),
            -0.71,
            0.118,
            words="20%..60%",
        ),
        Belief(
            "base_rate",
            Numbers("per quarter", 0.0161, 0.0083, 0.0307),
            Numbers("per quarter", 0.0174, 0.0093, 0.0326),
            0.21,
            0.04,
            words="one in 8..30 years",
        ),
        Belief(
            "ceiling",
            Numbers("per quarter", 0.822, 0.632, 0.95),
            Numbers("per quarter", 0.82, 0.63, 0.949),
            -0.02,
            0.01,
            words="one in 1..3 months",
        ),
    ),
)
CAVEAT = "The timeline was compiled with hindsight: its early rows may know too much."


def full(**changes: Any) -> QuestionReport:
    """The report with everything in it; `changes` replace arguments of `build_view`."""
    facts: dict[str, Any] = {
        "history": history(),
        "now": NOW,
        "rules": [RULE],
        "transitions": transitions(),
        "crowd": crowd(),
        "reports": reports(),
        "related": related(),
        "prior": PRIOR,
        "learnt": LEARNT,
        "caveats": [CAVEAT],
    }
    return build_view(changes.pop("question", QUESTION), **(facts | changes))


def bare(p: float | None = 0.31, **changes: Any) -> QuestionReport:
    """A question with one estimate (or none), no rules, no crowd, no evidence."""
    past = [] if p is None else [estimate(10, p, contributions=(), curve=())]
    facts: dict[str, Any] = {"history": past, "now": at(10.5)}
    return build_view(changes.pop("question", QUESTION), **(facts | changes))


def resolved(outcome: Outcome = Outcome.YES) -> QuestionReport:
    """The full report, three days after the outcome was known."""
    known = at(DAYS + 2)
    reason = "Explosions at two ports, confirmed by both newsrooms"
    resolution = Resolution(QUESTION.question_id, outcome, known, reason)
    return full(resolution=resolution, now=known + timedelta(days=3))
