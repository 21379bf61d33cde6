"""A question, its estimate, and a rule that fired: what the tests of messages begin with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.facts import Facts, build_facts
from forecast.alert import Rule, State, Transition
from forecast.estimate import Contribution, Estimate, Health, Interval, Move
from forecast.question import Question

AT = datetime(2025, 11, 17, 10, tzinfo=UTC)
QUESTION = Question(
    "us-strike",
    "Any US strike on Venezuelan territory by Christmas (2025-12-25)?",
    "usa-ven",
    "strike",
    AT,
    datetime(2025, 12, 25, 23, 59, 59, tzinfo=UTC),
)
ESTIMATE = Estimate(
    "us-strike",
    AT,
    0.43,
    Interval(0.31, 0.56),
    0.002,
    Health.HEALTHY,
    "hazard",
    "abcdef0123456789",
    "T1",
    "d" * 64,
    contributions=(
        Contribution("fleet", 1.1, 1.0, 1.2, ("a",)),
        Contribution("carrier", 1.9, 1.2, 3.0, ("b", "c", "d")),
        Contribution("talks", 0.4, 0.3, 0.6, ("e",)),
    ),
    moved=Move(0.38, 0.43, time=-0.02, evidence=0.17),
)
FIRED = Transition(
    "strike-40",
    "us-strike",
    AT,
    State.PENDING,
    State.FIRING,
    "threshold_crossed",
    "The probability is 43 %.",
    3,
    0.43,
    0.38,
    "firing",
)
RULE = Rule("strike-40", 0.40, 0.35, severity="page")
MEANINGS = {"carrier": "a carrier group in the region", "talks": "talks are announced"}


def facts(transition: Transition = FIRED, rule: Rule = RULE, **more: Any) -> Facts:
    more = dict[str, Any](**{"previous_at": AT - timedelta(days=1), "meanings": MEANINGS} | more)
    estimate = more.pop("estimate", ESTIMATE)
    return build_facts(QUESTION, rule, transition, estimate, "https://t.example/q", **more)
