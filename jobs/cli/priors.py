"""`tocsin priors`: show and retune what is believed before the evidence."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from forecast.errors import UsageError
from forecast.estimate import Estimate, Health
from forecast.likelihood import percent
from jobs.app import open_app
from jobs.cli.options import Instant, cell, common, note, print_json, say, stdout_console

if TYPE_CHECKING:
    from rich.table import Table

    from jobs.priors import Belief, PriorView
    from jobs.retune import Shift


@click.group("priors")
def command() -> None:
    """Show and retune what is believed before the evidence, in plain words."""


@command.command("show")
@click.argument("name", metavar="QUESTION|DEFINITION")
@common
def show(name: str, folder: Path, as_json: bool) -> None:
    """Every belief in words and numbers, what they imply, and who stated them when and why."""
    with open_app(folder) as app:
        from jobs.priors import definition_named, view_prior

        view = view_prior(app, definition_named(app, name))
    if as_json:
        print_json(_view_as_json(view))
    else:
        _print_view(view)


@command.command("set")
@click.argument("name", metavar="QUESTION|DEFINITION")
@click.argument("key")
@click.argument("words")
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--as-of", type=Instant(), help="Preview as of this moment instead of now.")
@common
def set_(
    name: str,
    key: str,
    words: str,
    reason: str,
    yes: bool,
    dry_run: bool,
    as_of: datetime | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Change one belief, after a look at what it does to every question it bears on.

    KEY is one that `priors show` prints: base_rate, ceiling, unit_spread, share, effects.TAG or
    just TAG. WORDS are as in watch.toml: "5%..20% per quarter, 90% sure", "1.2x..3x",
    "30%..75%". The file is edited in place, and the change becomes a version with its author
    (TOCSIN_AUTHOR) and reason.
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError("nobody is there to confirm: add --yes, or --dry-run to only look")
    with open_app(folder) as app:
        from jobs.priors import definition_named
        from jobs.retune import adopt, belief_at, edit_for, plan_change, preview

        change = plan_change(app.config, definition_named(app, name), key, words)
        edit = edit_for(folder, change)
        pair = [belief_at(config, change) for config in (app.config, edit.config)]
        with _said_if_long("compiling the model ..."):
            shifts = preview(app, edit.config, change.root, as_of or utc_now())
        if not as_json:
            _print_change(change.root, pair, shifts)
        version = None
        if yes or (not dry_run and click.confirm("Write it?", err=True)):
            version = adopt(app, edit, change.root, utc_now(), reason).version
    if as_json:
        print_json(_change_as_json(change.root, pair, shifts) | {"version": version})
    elif version is None:
        note("nothing was written")
    else:
        say(f"version {version} of the prior of '{change.root}' is written and recorded")


@contextmanager
def _said_if_long(words: str, seconds: float = 1.0) -> Iterator[None]:
    timer = Timer(seconds, note, (words,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _print_view(view: "PriorView") -> None:
    console = stdout_console()
    inside = f" (asked for: '{view.definition}')" if view.definition != view.root else ""
    say(f"Prior of '{view.root}'{inside}, model {view.model}")
    say(_version_words(view))
    if view.why:
        say(f"Why: {' '.join(view.why.split())}")
    click.echo()
    table = _table("key", "in words", "median [90 %]", "group")
    for belief in view.beliefs:
        group = view.groups.get(belief.key.removeprefix("effects."), "")
        table.add_row(*map(cell, (belief.key, belief.words, _numbers(belief), group)))
    console.print(table)
    click.echo()
    say(
        f"In 100 such quarters with none of the signs you expect {view.implied.lower} to "
        f"{view.implied.upper} events of '{view.implied.definition}' (90 %)."
    )


def _version_words(view: "PriorView") -> str:
    if view.version is None:
        return "Not on record yet: the next update does that"
    v = view.version
    edited = "" if view.is_current else "; watch.toml was edited since"
    at = format_instant(v.at.replace(microsecond=0))
    return f"Version {v.version} by {v.author}, {at}: {v.reason}{edited}"


def _print_change(root: str, pair: list["Belief | None"], shifts: list["Shift"]) -> None:
    console = stdout_console()
    table = _table(f"prior of {root}", "in words", "median [90 %]")
    for name, belief in zip(("before", "after"), pair, strict=True):
        row = (belief.words, _numbers(belief)) if belief else ("-", "-")
        table.add_row(name, *map(cell, row))
    console.print(table)
    if not shifts:
        say("No open question depends on it.")
        return
    click.echo()
    table = _table("open question", "before", "after")
    for shift in shifts:
        estimates = (_estimate(shift.before), _estimate(shift.after))
        table.add_row(*map(cell, (shift.question.question_id, *estimates)))
    console.print(table)
    click.echo()
    flips = [(shift.question.question_id, flip) for shift in shifts for flip in shift.flips]
    for question, flip in flips:
        say(f"rule {flip.rule_id} on {question}: {flip.before.value} -> {flip.after.value}")
    if not flips:
        say("No rule changes its mind.")


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(cell(column), overflow="fold")
    return table


def _numbers(belief: "Belief") -> str:
    return str(belief.numbers) if belief.numbers else "what it leaves"


def _estimate(estimate: Estimate) -> str:
    lower = percent(estimate.interval.lower, 1).removesuffix(" %")
    is_good = estimate.health is Health.HEALTHY
    held = "" if is_good else f" {estimate.health.value}: {estimate.reason}"
    return (
        f"{percent(estimate.probability, 1)} [{lower}–{percent(estimate.interval.upper, 1)}]{held}"
    )


def _view_as_json(view: "PriorView") -> dict[str, Any]:
    version = view.version
    return {
        "schema_version": 1,
        "definition": view.definition,
        "root": view.root,
        "model": view.model,
        "why": view.why,
        "beliefs": [_belief_as_json(b) | _group(view, b) for b in view.beliefs],
        "implied": {
            "definition": view.implied.definition,
            "quarters": 100,
            "events": {"lower": view.implied.lower, "upper": view.implied.upper, "mass": 0.9},
        },
        "version": version
        and {
            "version": version.version,
            "at": format_instant(version.at),
            "author": version.author,
            "reason": version.reason,
            "is_current": view.is_current,
        },
    }


def _group(view: "PriorView", belief: "Belief") -> dict[str, str]:
    group = view.groups.get(belief.key.removeprefix("effects."))
    return {"group": group} if group else {}


def _belief_as_json(belief: "Belief") -> dict[str, Any]:
    return {
        "key": belief.key,
        "words": belief.words,
        "numbers": asdict(belief.numbers) if belief.numbers else None,
    }


def _change_as_json(
    root: str, pair: list["Belief | None"], shifts: list["Shift"]
) -> dict[str, Any]:
    before, after = (belief and _belief_as_json(belief) for belief in pair)
    return {
        "schema_version": 1,
        "root": root,
        "before": before,
        "after": after,
        "questions": [
            {
                "question": shift.question.question_id,
                "before": _estimate_as_json(shift.before),
                "after": _estimate_as_json(shift.after),
                "rules": [
                    {"rule": f.rule_id, "before": f.before.value, "after": f.after.value}
                    for f in shift.flips
                ],
            }
            for shift in shifts
        ],
    }


def _estimate_as_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "probability": estimate.probability,
        "interval": asdict(estimate.interval),
        "mcse": estimate.mcse,
        "health": estimate.health.value,
        "reason": estimate.reason,
        "method": estimate.method,
    }
