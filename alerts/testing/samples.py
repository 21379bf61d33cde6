"""Facts of every kind of message, nasty ones too."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.facts import Facts, again, build_facts, subject_facts, test_facts
from alerts.groups import DIGEST, GROUP, group_facts
from alerts.readings import Baseline
from forecast.alert import Notice, NoticeKind, Route, Rule, RuleKind, State, Transition
from forecast.estimate import QUANTILE_LEVELS, Contribution, Estimate, Health, Interval, Move
from forecast.evidence import CrowdForecast
from forecast.question import Question

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
DAY = timedelta(days=1)
NASTY = "<!channel> & \u202eevil\x00\n\ud800\u2028*_~`<http://x|y> &amp; 🏴‍☠️" + "界&<𝄞" * 25_000
_LINK = "https://tocsin.example/questions/us-strike?a=1&b=2"
_RULE = Rule("strike-40", 0.40, 0.35)
_TITLE = "Any US strike on Venezuelan territory by Christmas (2025-12-25)?"
_QUESTION = Question(
    "us-strike", _TITLE, "usa-ven", "strike", NOW, datetime(2025, 12, 25, 23, 59, 59, tzinfo=UTC)
)


def sample_facts() -> dict[str, Facts]:
    """Facts of every kind, by what is special about them."""
    return {
        "firing": _sample("firing", 0.43),
        "resolved": _sample("resolved", 0.31),
        "closed": _sample("resolved", 0.31, reason="question_resolved"),
        "remote": _sample("firing", 0.0004),
        "certain": _sample("firing", 1.0),
        "nasty": _sample("firing", 0.43, title=NASTY, meaning=NASTY, source=NASTY),
        "bare": _sample("firing", 0.43, bare=True),
        "test": test_facts("desk", NOW - timedelta(hours=1)),
        **_by_rule(),
        **_by_rule_of_the_clock(),
        **_told_later(),
        **_on_others(),
        **_together(),
    }


def _firing(kind: RuleKind, detail: str, rule: Rule, **more: Any) -> Facts:
    more = {"reason": "condition_met", **more}
    return _sample("firing", 0.52, detail=detail, rule=replace(rule, kind=kind), **more)


def _by_rule() -> dict[str, Facts]:
    """One of each kind of rule on questions with lines, beside threshold."""
    return {
        "certainty": _firing(
            RuleKind.CERTAINTY,
            "It is 93 % certain that P is above 40 %, at or above the alert line of 90 % in 2 "
            "evaluations in a row.",
            Rule("sure-of-40", 0.9, 0.6, level=0.4),
        ),
        "change": _firing(
            RuleKind.CHANGE,
            "The odds moved up by 2.41x, from 31 % 24 hours before to 52 %, at or above the alert "
            "line of 2x in 2 evaluations in a row.",
            Rule("doubled", 0.6931471805599453, 0.34657359027997264, over=DAY),
            baseline=Baseline(0.31, 0.002, "24 hours before"),
        ),
        "loss": _firing(
            RuleKind.LOSS,
            "The expected loss is 5.2 (52 % of 10), at or above the cost of acting (2) in 2 "
            "evaluations in a row.",
            Rule("insure", 0.2, 0.15, cost=2.0, loss=10.0),
            reason="threshold_crossed",
        ),
    }


def _by_rule_of_the_clock() -> dict[str, Facts]:
    """One of each kind of rule on questions that says yes or no."""
    return {
        "deadline": _firing(
            RuleKind.DEADLINE,
            "The deadline is 39 days away, and P is 52 %.",
            Rule("near", within=timedelta(days=40)),
        ),
        "unhealthy": _firing(
            RuleKind.UNHEALTHY,
            "The estimate is held: the sampler diverged; 2 evaluations in a row.",
            Rule("model-unhealthy"),
            health=Health.HELD,
        ),
        "outcome": _sample(
            "outcome",
            0.31,
            reason="question_resolved",
            detail="The question was resolved: yes. The last estimate was 31 %.",
            rule=Rule("how-it-ended", kind=RuleKind.RESOLVED, severity="info"),
            outcome="yes",
        ),
        "expired": _sample(
            "resolved",
            0.31,
            reason="question_expired",
            detail="The deadline has passed; no outcome is recorded yet. "
            "The last estimate was 31 %.",
        ),
    }


def _told_later() -> dict[str, Facts]:
    """What is told of an episode that goes on, and what an earlier version left to be sent."""
    firing = _sample("firing", 0.43)
    note = {"author": "ada", "note": "on it", "at": NOW + timedelta(minutes=9)}
    new = ("subject", "baseline", "certainty", "cause", "health", "outcome")
    old = {name: value for name, value in firing.items() if name not in new}
    old_rule = ("id", "fire_at", "clear_at", "dwell_up", "dwell_down", "z")
    return {
        "reminder": again(firing, "reminder", NOW + 2 * DAY, number=3),
        "acknowledged": again(
            firing, "acknowledged", NOW + timedelta(minutes=9), acknowledged=note
        ),
        "old": {**old, "rule": {name: old["rule"][name] for name in old_rule}},
    }


def _on_others() -> dict[str, Facts]:
    """Alerts on a unit, a channel and a source, which have no question."""
    silent = Rule("silent", kind=RuleKind.STALE, after=timedelta(days=7))
    broken = Rule("channel-unhealthy", kind=RuleKind.CHANNEL, after=timedelta(minutes=15))
    bare = Rule("source-unhealthy", kind=RuleKind.SOURCE, after=timedelta(hours=1))
    report = "The newest report on usa-ven came 9 days ago."
    failed = "The channel siem has failed since 2025-11-17 09:40 UTC: the receiver answered 503."

    def facts(rule: Rule, on: str, what: str, title: str, detail: str, kind: str) -> Facts:
        states = (State.OK, State.FIRING) if kind == "firing" else (State.FIRING, State.OK)
        reason = "condition_met" if kind == "firing" else "cleared"
        told = Transition(rule.rule_id, on, NOW, *states, reason, detail, 2, None, notify=kind)
        return subject_facts(rule, told, what, title)

    unit = (silent, "usa-ven", "unit", "USA and Venezuela")
    channel = (broken, "siem", "channel", "siem")
    source = (bare, "acled", "source", "acled")
    gone = "there is nothing at the URL (404)"
    asked = f"The source acled has failed since 2025-11-17 08:40 UTC: {gone}."
    return {
        "stale": facts(*unit, report, "firing"),
        "fresh": facts(*unit, "The newest report on usa-ven came 3 hours ago.", "resolved"),
        "channel": facts(*channel, failed, "firing"),
        "working": facts(*channel, "The channel siem works.", "resolved"),
        "source": facts(*source, asked, "firing"),
        "bringing": facts(*source, "The source acled works.", "resolved"),
    }


def _together() -> dict[str, Facts]:
    """Messages that tell several things."""
    loud = replace(_RULE, severity="page")
    one = _sample("firing", 0.43, title=NASTY, detail=NASTY)
    nasty = [one | {"subject": one["subject"] | {"id": f"question-{n}"}} for n in range(100)]
    several = [
        _sample("firing", 0.43),
        _sample("resolved", 0.31, title="Any ceasefire by June?", on="ceasefire"),
        _sample("firing", 0.71, title="Any embargo by March?", on="embargo", rule=loud),
    ]
    later = _told_later()
    others = [
        *_on_others().values(),
        _by_rule_of_the_clock()["outcome"],
        *(later["reminder"], later["acknowledged"]),
    ]
    return {
        "group": several_facts(GROUP, several),
        "digest": several_facts(DIGEST, [*several, *others]),
        "crowded": several_facts(GROUP, nasty),
    }


def several_facts(kind: str, members: list[Facts]) -> Facts:
    """The message that tells all of these at once."""
    notices = [
        Notice(
            f"msg_{number:032x}",
            "desk",
            facts["rule"]["id"],
            facts["subject"]["id"],
            facts["episode"],
            NoticeKind(facts["kind"]),
            facts["severity"],
            Route.DIGEST if kind == DIGEST else Route.NOW,
            NOW,
            facts,
        )
        for number, facts in enumerate(members)
    ]
    return group_facts(kind, notices, NOW)


def _sample(
    kind: str,
    p: float,
    *,
    title: str = _TITLE,
    on: str = "us-strike",
    meaning: str = "carrier group in the region",
    source: str = "Metaculus",
    reason: str = "threshold_crossed",
    detail: str = "",
    rule: Rule = _RULE,
    health: Health = Health.HEALTHY,
    bare: bool = False,
    **more: Any,
) -> Facts:
    states = (State.PENDING, State.FIRING) if kind == "firing" else (State.RECOVERING, State.OK)
    detail = detail or f"The probability is {100 * p:g} %. {title[:50]}."
    previous = None if bare else 0.38
    told = Transition(rule.rule_id, on, NOW, *states, reason, detail, 7, p, previous, kind)
    return build_facts(
        replace(_QUESTION, question_id=on, title=title),
        rule,
        told,
        replace(_sample_estimate(p, NOW - timedelta(minutes=1), bare=bare), health=health),
        "" if bare else _LINK,
        previous_at=NOW - DAY,
        meanings={"carrier": meaning},
        crowd=() if bare else (CrowdForecast("us-strike", NOW, 0.52, source),),
        **more,
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
        quantiles=tuple(0.38 + 0.3 * level for level in QUANTILE_LEVELS),
    )
