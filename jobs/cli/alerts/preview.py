"""`tocsin alerts preview`: what a rule, or an edit of it, would have rung on the past."""

import math
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.alert import RuleKind
from forecast.clock import format_instant, utc_now
from forecast.errors import UsageError
from forecast.likelihood import percent
from jobs.app import open_app
from jobs.cli.options import Instant, cell, common, print_json, say, stdout_console

if TYPE_CHECKING:
    from forecast.alert import Rule
    from forecast.martingale import Movement
    from jobs.overreaction import Calibrated, Frequency, Precision
    from jobs.preview import Past, Preview, Ring

ENOUGH = 10  # distinct events, below which a share of hits says next to nothing
SURPRISING = 0.05
LEAST_WEEKS = 1 / 7


@click.command("preview")
@click.argument("rule")
@click.option("--questions", multiple=True, metavar="PATTERN", help="On these questions instead.")
@click.option("--fire-at", metavar="40%", help="As if it fired there.")
@click.option("--clear-at", metavar="30%", help="As if it cleared there.")
@click.option("--dwell", metavar="N", help="As if it took N evaluations, or '6 hours'.")
@click.option("--as-of", type=Instant(), help="With what was known before this moment.")
@common
def command(
    rule: str,
    questions: tuple[str, ...],
    fire_at: str | None,
    clear_at: str | None,
    dwell: str | None,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Replay RULE on the stored estimates: how often it would have rung, and how often rightly.

    Nothing is changed and nobody is told. Beside it stands what calibrated forecasts would do.
    """
    from jobs.overreaction import calibrated
    from jobs.preview import edited, preview, rule_table

    edits = {
        "questions": list(questions),
        "fire_at": fire_at,
        "clear_at": clear_at,
        "dwell": int(dwell) if dwell and dwell.isdecimal() else dwell,
    }
    with open_app(folder) as app:
        table = rule_table(app.config, rule)
        if given := {key: value for key, value in edits.items() if value}:
            table = edited(table, given)
        seen = preview(app, table, as_of or utc_now())
    _require_history(seen)
    bounds = calibrated(seen)
    if as_json:
        print_json(_as_json(seen, bounds))
        return
    if seen.weeks_passed < LEAST_WEEKS:
        _say_no_past(seen)
        return
    _say_summary(seen)
    _print_rings(seen)
    if bounds is not None:
        _say_bounds(seen, bounds)


def _require_history(seen: "Preview") -> None:
    if seen.pasts:
        return
    name = seen.rule.rule_id
    if not seen.unseen:
        raise UsageError(f"{name} watches no question that is known")
    raise UsageError(
        f"none of the {len(seen.unseen)} questions that {name} watches has an estimate yet: "
        "`tocsin update --as-of DATE` makes one of the past, `tocsin demo` a store full of them"
    )


def _say_no_past(seen: "Preview") -> None:
    """What can be said where a share or a rate would be of nothing."""
    rule, count = seen.rule, _count(len(seen.pasts), "question")
    say(f"{rule.rule_id} ({_lines(rule)}) has no past to be replayed on yet:")
    say(f"the estimates of {count} that it watches span less than a day.")
    rang = [past.question.question_id for past in seen.pasts if past.rings]
    say(f"It would have rung on {', '.join(rang)}." if rang else "It would not have rung.")
    say("`tocsin update --as-of DATE` makes an estimate of the past.")


def _say_summary(seen: "Preview") -> None:
    from jobs.preview import Verdict

    rule, rang = seen.rule, len(seen.rings)
    on = sum(bool(past.rings) for past in seen.pasts)
    say(f"{rule.rule_id} ({_lines(rule)}), replayed on {_count(len(seen.pasts), 'question')}:")
    say("")
    verdicts = [
        _count(seen.count(Verdict.HIT), "hit"),
        _count(seen.count(Verdict.FALSE_ALARM), "false alarm"),
        *(f"{n} {v.value}" for v in (Verdict.LATE, Verdict.UNDECIDED) if (n := seen.count(v))),
    ]
    say(
        f"It would have rung {_count(rang, 'time')} on {_count(on, 'question')} "
        f"over {seen.weeks:.0f} question-weeks: {', '.join(verdicts)}."
    )
    if seen.leads:
        shortest, longest = seen.leads[0], seen.leads[-1]
        spread = f" ({shortest:.0f} to {longest:.0f})" if len(seen.leads) > 1 else ""
        say(f"Median lead {seen.median_lead:.0f} days{spread}.")
    if rang and seen.weeks_passed:
        rate = seen.false_alarms_per_100_weeks or 0.0
        say(
            f"About one ring every {seen.weeks_passed / rang:.1f} weeks; "
            f"{rate:.1f} false alarms in 100 question-weeks."
        )
    digests = sum(len(past.digests) for past in seen.pasts)
    if digests:
        say(f"{_count(digests, 'episode')} began by a retune, and waited for the digest.")
    if seen.missed:
        say(f"Without a ring: the event of {', '.join(seen.missed)}.")
    if seen.unseen:
        say(f"Without any estimate yet: {', '.join(seen.unseen)}.")
    if seen.events_hit < ENOUGH:
        say(
            f"Too few to judge the rule by: its hits are of {_count(seen.events_hit, 'event')}, "
            "and questions that share an event count for little more than one."
        )


def _lines(rule: "Rule") -> str:
    """Where it fires and clears, on its own scale."""
    fire, clear = (
        f"{math.exp(line):.3g}x" if rule.kind is RuleKind.CHANGE else f"{100 * line:.3g} %"
        for line in (rule.fire_at, rule.clear_at)
    )
    return f"fires at {fire}, clears at {clear}, dwell {_dwell(rule)}"


def _dwell(rule: "Rule") -> str:
    ways = (rule.dwell_up, rule.for_up), (rule.dwell_down, rule.for_down)
    said = [f"{count} and {span}" if span else str(count) for count, span in ways]
    return said[0] if said[0] == said[1] else f"{said[0]} up, {said[1]} down"


def _print_rings(seen: "Preview") -> None:
    from rich.table import Table

    if not seen.rings:
        return
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("question", overflow="fold")
    for column in ("rang", "at", "over", "came to", "lead", "quiet"):
        table.add_column(column, no_wrap=True)
    for past in seen.pasts:
        for ring in past.rings:
            table.add_row(*map(cell, _row(past, ring)))
    say("")
    stdout_console().print(table)


def _row(past: "Past", ring: "Ring") -> tuple[str, ...]:
    from alerts.decide import Reason

    episode = ring.episode
    over = "still on"
    if episode.ended_at is not None:
        at_its_end = episode.reason == Reason.QUESTION_RESOLVED
        over = "at its end" if at_its_end else f"{episode.ended_at:%Y-%m-%d}"
    quiet = "" if ring.quiet_days is None else f"{ring.quiet_days:.0f} days"
    return (
        past.question.question_id,
        f"{episode.rang_at:%Y-%m-%d}",
        percent(episode.probability or 0.0),
        over,
        ring.verdict.value,
        _lead(ring),
        quiet,
    )


def _lead(ring: "Ring") -> str:
    if ring.lead_days is None:
        return "-"
    if ring.lead_days < 0:
        return f"{-ring.lead_days:.0f} days late"
    return f"{ring.lead_days:.0f} days"


def _say_bounds(seen: "Preview", bounds: "Calibrated") -> None:
    line = percent(seen.rule.fire_at)
    say("")
    say(f"If the forecasts are calibrated, P(ever {line} or more) is at most P now / {line}:")
    if (past := bounds.frequency) is not None:
        say(f"  {_frequency(past)}")
    if (came := bounds.precision) is not None:
        say(f"  {_precision(came, line)}")
    say(f"  {_moved(bounds.movement)}")
    for outlook in bounds.open:
        rings = f"rings: at most {percent(outlook.ring_at_most)}"
        now = "rings now" if outlook.is_firing else rings
        say(
            f"  {outlook.question_id}: P is {percent(outlook.probability)}; {now}; "
            f"a false alarm: at most {percent(outlook.false_alarm_at_most)}."
        )


def _frequency(past: "Frequency") -> str:
    words = (
        f"Of {_count(past.questions, 'question')} {past.rang} rang, where at most "
        f"{past.expected_at_most:.1f} are to be expected."
    )
    if not past.rang:
        return words
    return (
        f"{words} The chance that so many ring is at most {percent(past.tail)} if the questions "
        f"are independent, and {percent(past.tail_if_dependent)} however they hang together. "
        f"{_verdict(past)}"
    )


def _verdict(past: "Frequency") -> str:
    if past.tail_if_dependent < SURPRISING:
        return "The forecasts move too much."
    if past.tail < SURPRISING:
        return "The forecasts may move too much, or the questions share their events."
    return "That is no sign that they move too much, nor proof that they do not."


def _precision(came: "Precision", line: str) -> str:
    words = (
        f"Of {_count(came.rings, 'first ring')} {came.came_true} came true, where "
        f"{came.expected:.1f} are to be expected: P was {percent(came.mean_chance)} on average, "
        f"and never is below {line}."
    )
    if came.came_true >= came.expected:
        return words
    return f"{words} So few or fewer: {percent(came.tail)} if the questions are independent."


def _moved(found: "Movement") -> str:
    words = (
        f"Beliefs moved by {found.moved:.2f} (squares summed) over "
        f"{_count(found.questions, 'question')}, and took away {found.resolved:.2f} of "
        "uncertainty; calibrated, both are the same on average"
    )
    if found.z is None:
        return f"{words}. Too few questions to tell chance from overreaction."
    return f"{words}; they differ by {found.z:+.1f} standard errors."


def _as_json(seen: "Preview", bounds: "Calibrated | None") -> dict[str, Any]:
    from jobs.preview import Verdict

    rule = seen.rule
    return {
        "schema_version": 1,
        "rule": {
            "id": rule.rule_id,
            "kind": rule.kind.value,
            "fire_at": rule.fire_at,
            "clear_at": rule.clear_at,
            "dwell_up": rule.dwell_up,
            "dwell_down": rule.dwell_down,
        },
        "as_of": format_instant(seen.now),
        "question_weeks": seen.weeks,
        "weeks_passed": seen.weeks_passed,
        "rings": len(seen.rings),
        "hits": seen.count(Verdict.HIT),
        "false_alarms": seen.count(Verdict.FALSE_ALARM),
        "late": seen.count(Verdict.LATE),
        "undecided": seen.count(Verdict.UNDECIDED),
        "missed": seen.missed,
        "events_hit": seen.events_hit,
        "lead_days": {"median": seen.median_lead, "all": seen.leads},
        "false_alarms_per_100_question_weeks": seen.false_alarms_per_100_weeks,
        "without_estimates": list(seen.unseen),
        "questions": [_past_as_json(past) for past in seen.pasts],
        "calibrated": None if bounds is None else _plain(asdict(bounds)),
    }


def _past_as_json(past: "Past") -> dict[str, Any]:
    event = past.event
    return {
        "id": past.question.question_id,
        "estimates": len(past.estimates),
        "weeks": past.weeks,
        "first_probability": past.estimates[0].probability,
        "last_probability": past.estimates[-1].probability,
        "outcome": past.resolution.outcome.value if past.resolution else None,
        "event_at": format_instant(event.occurred_at) if event else None,
        "digests": len(past.digests),
        "rings": [_ring_as_json(ring) for ring in past.rings],
    }


def _ring_as_json(ring: "Ring") -> dict[str, Any]:
    found = _plain(asdict(ring.episode))
    told = {name: found[name] for name in ("rang_at", "probability", "ended_at", "reason")}
    more = {"lead_days": ring.lead_days, "quiet_days": ring.quiet_days}
    return told | {"verdict": ring.verdict.value} | more


def _plain(value: Any) -> Any:
    """JSON values of what a fact holds."""
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
