"""Rules, estimates and runs of them, for the tests of the decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.decide import decide
from alerts.readings import Baseline, baseline_of, read_estimate
from forecast.alert import Rule, RuleState, Transition
from forecast.estimate import QUANTILE_LEVELS, Estimate, Health, Interval, Move, log_hazard

START = datetime(2025, 11, 17, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULE = Rule("strike-40", fire_at=0.40, clear_at=0.35)
BRISK = replace(RULE, dwell_up=1, dwell_down=1)


def moved(came: float, p: float, cause: str) -> Move:
    """A move that has one cause."""
    return replace(Move(came, p), **{cause: log_hazard(p) - log_hazard(came)})


def estimate(
    p: float,
    hour: float = 0,
    mcse: float = 0.0,
    health: Health = Health.HEALTHY,
    cause: str = "",
    came: float | None = None,
) -> Estimate:
    """An estimate of the question "us-strike", `hour` hours after START."""
    return Estimate(
        "us-strike",
        START + hour * HOUR,
        p,
        Interval(0, 1),
        mcse,
        health,
        "hazard",
        "h",
        "T0",
        "d",
        moved=moved(came if came is not None else p, p, cause) if cause else None,
    )


def spread(p: float, width: float = 0.1, hour: float = 0, ess: float = 1000.0) -> Estimate:
    """An estimate with quantiles, evenly from `p` - `width` to `p` + `width`."""
    quantiles = tuple(min(max(p + (2 * q - 1) * width, 0.0), 1.0) for q in QUANTILE_LEVELS)
    return replace(estimate(p, hour), quantiles=quantiles, diagnostics={"ess": ess})


def look(
    rule: Rule,
    state: RuleState | None,
    estimate: Estimate,
    previous: float | None = None,
    baseline: Baseline | None = None,
    now: datetime | None = None,
) -> tuple[RuleState, Transition | None]:
    """One evaluation, at the time of its estimate; `baseline` is of a rule of kind change."""
    reading = read_estimate(rule, estimate, previous, baseline or baseline_of(rule, state, None))
    assert reading is not None
    return decide(rule, state, reading, now or estimate.as_of)


def run(
    rule: Rule,
    numbers: list[float],
    state: RuleState | None = None,
    first: int = 0,
    came: float | None = None,
) -> tuple[RuleState, list[Transition]]:
    """The state and the transitions after one evaluation an hour."""
    return run_causes(rule, [(p, "") for p in numbers], state, first, came)


def run_causes(
    rule: Rule,
    numbers: list[tuple[float, str]],
    state: RuleState | None = None,
    first: int = 0,
    came: float | None = None,
) -> tuple[RuleState, list[Transition]]:
    """The same of probabilities with the cause of each move; `came` is the one before them."""
    state = state or RuleState(rule.rule_id, "us-strike")
    transitions = []
    for hour, (p, cause) in enumerate(numbers, first):
        state, made = look(rule, state, estimate(p, hour, cause=cause, came=came), came)
        transitions += [made] if made else []
        came = p
    return state, transitions


def sure(made: Transition | None) -> Transition:
    """The transition that must have been made."""
    assert made is not None
    return made


def told(transitions: list[Transition]) -> list[str]:
    """The kinds of messages that were asked for."""
    return [t.notify for t in transitions if t.notify]
