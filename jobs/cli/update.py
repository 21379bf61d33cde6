"""`tocsin update`: estimate the open questions, decide the rules, send what rang."""

import os
import socket
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.errors import HeldError, UsageError
from forecast.estimate import Estimate, Health
from jobs.cli.options import Instant, common, note, print_json, say

if TYPE_CHECKING:
    from forecast.alert import Delivery
    from jobs.app import App

type Told = dict[tuple[str, str, str], str]


@click.command("update")
@click.argument("patterns", nargs=-1, metavar="[QUESTION]...")
@click.option("--as-of", type=Instant(), help="See only what was known before this moment.")
@click.option("--no-send", is_flag=True, help="Leave alerts in the outbox for `serve`.")
@common
def command(
    patterns: tuple[str, ...],
    as_of: datetime | None,
    no_send: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """Estimate the open questions (all, or those that fit a pattern) now or as of a moment.

    The same question on the same inputs is not computed again. Exit code 3 where a gate holds
    an estimate: the last good number stands, and the reason is said.
    """
    from jobs.app import open_app

    now = utc_now()
    if as_of is not None and as_of > now:
        raise UsageError(f"--as-of {format_instant(as_of)} has not come yet")
    with open_app(folder) as app:
        questions = app.store.questions(patterns or ("*",))
        if patterns and not questions:
            raise UsageError(f"no question fits {' or '.join(patterns)}")
        from jobs.decisions import Occasion
        from jobs.ringing import ring
        from jobs.update import update_questions

        occasion = Occasion(now, rings=as_of is None)  # an estimate of the past rings nobody
        updated = update_questions(app, questions, as_of or now, occasion)
        told = _told_of(updated)
        if occasion.rings:
            told |= _told_in(ring(app, now))
            if not no_send:
                _send(app)
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "as_of": format_instant(as_of or now),
                "estimates": [_as_json(e) for e in updated.estimates],
                "resolved": {r.question_id: r.outcome.value for r in updated.resolutions},
                "reopened": [r.question_id for r in updated.reopened],
                "alerts": [
                    {"rule": rule, "question": subject, "now": kind} for rule, subject, kind in told
                ],
            }
        )
    else:
        _say(updated, told)
    _raise_trouble(updated)


def _raise_trouble(updated: Any) -> None:
    """HeldError, or what stopped a track; the exit code is that of the first."""
    if updated.failures:
        for failure in updated.failures[1:]:
            note(f"tocsin: {failure}")
        raise updated.failures[0]
    doubtful = [e for e in updated.estimates if e.health is not Health.HEALTHY]
    if doubtful:
        names = ", ".join(f"{e.question_id} ({e.health.value})" for e in doubtful)
        raise HeldError(f"did not pass: {names}: {doubtful[0].reason}")


def _told_of(updated: Any) -> Told:
    """What the estimates' rules have to tell, by rule, subject and kind of message."""
    return {(t.rule_id, t.subject, t.notify): t.detail for t in updated.transitions if t.notify}


def _told_in(formed: "list[Delivery]") -> Told:
    """What messages tell: also by the clock, of units and of channels, and again."""
    said = [facts for one in formed for facts in one.facts.get("members", [one.facts])]
    return {
        (facts["rule"]["id"], facts["subject"]["id"], facts["kind"]): facts.get("detail", "")
        for facts in said
        if facts.get("rule") and facts.get("subject")
    }


def _say(updated: Any, told: Told) -> None:
    from forecast.likelihood import percent

    for estimate in updated.estimates:
        band = f"{percent(estimate.interval.lower)} to {percent(estimate.interval.upper)}"
        is_good = estimate.health is Health.HEALTHY
        held = "" if is_good else f"   {estimate.health.value}: {estimate.reason}"
        say(
            f"{percent(estimate.probability):>6}  {band:>15}  {estimate.method:<9}  "
            f"{estimate.question_id}{held}"
        )
    for resolution in updated.resolutions:
        say(f"{resolution.outcome.value:>6}  {resolution.question_id}: {resolution.reason}")
    for row in updated.reopened:
        say(f"  open  {row.question_id}: {row.reason}")
    for (rule, subject, kind), detail in told.items():
        again = f"{kind}: " if kind in ("reminder", "acknowledged") else ""
        say(f"{rule}: {subject}: {again}{detail}")
    if not (updated.estimates or updated.resolutions or updated.reopened):
        note("tocsin: no open questions")


def _send(app: "App") -> None:
    from alerts.outbox import drain

    owner = f"{socket.gethostname()}:{os.getpid()}"
    drained = drain(app.store, app.config.channels, utc_now, owner, folder=app.watch.folder)
    trouble = [
        *([f"{drained.retried} to be tried again by `tocsin serve`"] if drained.retried else []),
        *([f"{drained.dead} failed for good"] if drained.dead else []),
    ]
    if trouble:
        note(f"tocsin: messages: {', '.join(trouble)}; `tocsin alerts deliveries` says why")


def _as_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "question": estimate.question_id,
        "probability": estimate.probability,
        "interval": {
            "lower": estimate.interval.lower,
            "upper": estimate.interval.upper,
            "mass": estimate.interval.mass,
        },
        "mcse": estimate.mcse,
        "health": estimate.health.value,
        "reason": estimate.reason,
        "method": estimate.method,
        "inputs_digest": estimate.inputs_digest,
    }
