"""`tocsin alerts subscribe`: who is rung, by which rules, about which questions."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.alert import Rule, RuleKind
from forecast.clock import DAY
from forecast.config import Config
from forecast.errors import UsageError
from forecast.names import did_you_mean, matches
from jobs.app import open_app
from jobs.cli.options import common, note, print_json, say

if TYPE_CHECKING:
    from jobs.subscribe import NewChannel, Ring


@click.command("subscribe")
@click.argument("channel")
@click.option("--rules", multiple=True, metavar="PATTERN", help="Which rules ring; all if none.")
@click.option("--questions", multiple=True, metavar="PATTERN", help="About which questions.")
@click.option("--units", multiple=True, metavar="PATTERN", help="About which units.")
@click.option("--tags", multiple=True, metavar="PATTERN", help="About questions with such tags.")
@click.option("--severities", multiple=True, metavar="PATTERN", help="Of which severities.")
@click.option("--kind", help="Make the channel: slack, webhook, mail, or any other that there is.")
@click.option("--url", metavar="env:NAME", help="Where the new channel's URL is kept.")
@click.option("--secret", metavar="env:NAME", help="Where the new channel's secret is kept.")
@click.option("--allow", multiple=True, metavar="NETWORK", help="A private network it may dial.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Of its kind.")
@click.option("--fire-at", default="", metavar="40%", help="Make a rule for these questions.")
@click.option("--clear-at", default="", metavar="30%", help="Where the new rule clears.")
@common
def command(
    channel: str,
    rules: tuple[str, ...],
    questions: tuple[str, ...],
    units: tuple[str, ...],
    tags: tuple[str, ...],
    severities: tuple[str, ...],
    kind: str | None,
    url: str | None,
    secret: str | None,
    allow: tuple[str, ...],
    options: tuple[str, ...],
    fire_at: str,
    clear_at: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Let alerts ring on CHANNEL, which --kind and --url make where there is none.

    watch.toml is edited in place. Patterns are as in a shell; give an option again for more.
    URLs and secrets are never written down: they are named, as env:NAME or file:PATH.
    """
    from jobs.subscribe import Wish, edit_for, guards_on, rings_on

    made = _new_channel(kind, url, secret, allow, options)
    wish = Wish(channel, rules, questions, units, tags, severities, made, fire_at, clear_at)
    with open_app(folder) as app:
        known = app.store.questions()
        edit = edit_for(folder, app.config, wish)
        if edit is not None:
            edit.save()
        _warn_of_nothing(app.config, rules, questions, [q.question_id for q in known])
        config = edit.config if edit else app.config
        rings, guards = rings_on(config, channel, known), guards_on(config, channel)
    if as_json:
        body = {"schema_version": 1, "channel": channel, "edited": edit is not None}
        print_json(body | {"rings": [_ring_as_json(ring) for ring in rings], "guards": guards})
    else:
        say(f"{channel}: {'subscribed' if edit else 'was subscribed to that already'}")
        _say_rings(rings)
        own = {ring.rule.rule_id for ring in rings}
        if new := [guard for guard in guards if guard not in own]:
            say(f"When a number or a channel cannot be relied on: {', '.join(new)}")


def _new_channel(
    kind: str | None,
    url: str | None,
    secret: str | None,
    allow: tuple[str, ...],
    options: tuple[str, ...],
) -> "NewChannel | None":
    from jobs.subscribe import NewChannel

    if kind:
        return NewChannel(kind, url, secret, allow, dict(map(_pair, options)))
    if url or secret or allow or options:
        raise UsageError("a new channel takes --kind as well")
    return None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"'{text}' is not of the form NAME=VALUE", at="--option")
    return name, value


def _warn_of_nothing(
    config: Config, rules: tuple[str, ...], questions: tuple[str, ...], known: list[str]
) -> None:
    ids = [table.id for table in config.rules]
    for noun, patterns, names in (("rule", rules, ids), ("question", questions, known)):
        for pattern in patterns:
            if not any(matches(name, [pattern]) for name in names):
                hint = did_you_mean(pattern, names)
                note(f"tocsin: no {noun} fits '{pattern}' today{hint}")


def _say_rings(rings: "list[Ring]") -> None:
    if not rings:
        say("Nothing rings there today: no rule watches a question that is known.")
    for ring in rings:
        rule, names = ring.rule, ring.questions
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        say(f"{rule.rule_id} {_when(rule)}: {', '.join(names[:5])}{more}")


def _when(rule: Rule) -> str:
    """When a rule rings, in a few words."""
    from jobs.standings import fires_at

    fire, clear = f"{100 * rule.fire_at:g} %", f"{100 * rule.clear_at:g} %"
    return {
        RuleKind.THRESHOLD: f"rings at {fire} and clears at {clear}",
        RuleKind.CERTAINTY: f"rings when it is {fire} sure that P is above {100 * rule.level:g} %",
        RuleKind.CHANGE: f"rings when the odds change by {math.exp(rule.fire_at):.3g}x",
        RuleKind.LOSS: f"rings when acting pays, from {fire}, and clears at {clear}",
        RuleKind.DEADLINE: f"rings {rule.within / DAY:g} days before the deadline",
        RuleKind.STALE: f"rings after {fires_at(rule)}",
        RuleKind.UNHEALTHY: "rings when the estimate cannot be relied on",
        RuleKind.CHANNEL: f"rings for channels {fires_at(rule)}",
        RuleKind.SOURCE: f"rings for sources {fires_at(rule)}",
        RuleKind.RESOLVED: "rings when the question ends",
    }[rule.kind]


def _ring_as_json(ring: "Ring") -> dict[str, Any]:
    rule = ring.rule
    return {
        "rule": rule.rule_id,
        "fire_at": rule.fire_at,
        "clear_at": rule.clear_at,
        "questions": list(ring.questions),
    }
