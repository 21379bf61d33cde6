"""Facts of every kind of message, nasty ones too."""

from datetime import UTC, datetime, timedelta

from alerts.facts import Facts, build_facts, test_facts
from forecast.alert import Rule, State, Transition
from forecast.estimate import Contribution, Estimate, Health, Interval, Move
from forecast.evidence import CrowdForecast
from forecast.question import Question


def sample_facts() -> dict[str, Facts]:
    """Facts of every kind, by what is special about them."""
    nasty = "<!channel> & \u202eevil\x00\n\ud800\u2028*_~`<http://x|y> &amp; 🏴‍☠️" + "界&<𝄞" * 25_000
    return {
        "firing": _sample("firing", 0.43),
        "resolved": _sample("resolved", 0.31),
        "closed": _sample("resolved", 0.31, reason="question_resolved"),
        "remote": _sample("firing", 0.0004),
        "certain": _sample("firing", 1.0),
        "nasty": _sample("firing", 0.43, title=nasty, meaning=nasty, source=nasty),
        "bare": _sample("firing", 0.43, bare=True),
        "test": test_facts("desk", datetime(2025, 11, 17, 9, tzinfo=UTC)),
    }


def _sample(
    kind: str,
    p: float,
    *,
    title: str = "Any US strike on Venezuelan territory by Christmas (2025-12-25)?",
    meaning: str = "carrier group in the region",
    source: str = "Metaculus",
    reason: str = "threshold_crossed",
    bare: bool = False,
) -> Facts:
    now = datetime(2025, 11, 17, 10, tzinfo=UTC)
    question = Question(
        "us-strike", title, "usa-ven", "strike", now, datetime(2025, 12, 25, 23, 59, 59, tzinfo=UTC)
    )
    estimate = _sample_estimate(p, now - timedelta(minutes=1), bare=bare)
    states = (State.PENDING, State.FIRING) if kind == "firing" else (State.RECOVERING, State.OK)
    detail = f"The probability is {100 * p:g} %. {title[:50]}."
    previous = None if bare else 0.38
    transition = Transition(
        "strike-40", "us-strike", now, *states, reason, detail, 7, p, previous, kind
    )
    return build_facts(
        question,
        Rule("strike-40", 0.40, 0.35),
        transition,
        estimate,
        "" if bare else "https://tocsin.example/questions/us-strike?a=1&b=2",
        previous_at=now - timedelta(days=1),
        meanings={"carrier": meaning},
        crowd=() if bare else (CrowdForecast("us-strike", now, 0.52, source),),
    )


def _sample_estimate(p: float, as_of: datetime, *, bare: bool) -> Estimate:
    move = Move(0.38, p, evidence=0.2 if p > 0.38 else -0.2)
    return Estimate(
        "us-strike",
        as_of,
        p,
        Interval(p * 0.7, min(p * 1.3, 1.0)),
        0.002,
        Health.HEALTHY,
        "hazard",
        "0123456789abcdef",
        "T1",
        "ab" * 32,
        contributions=() if bare else (Contribution("carrier", 1.9, 1.2, 3.0, ("i1", "i2")),),
        moved=None if bare else move,
    )
