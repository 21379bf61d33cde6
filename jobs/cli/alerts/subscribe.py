"""`tocsin alerts subscribe`: who is rung, by which rules, about which questions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.config import Config
from forecast.errors import UsageError
from forecast.names import did_you_mean, matches
from jobs.app import open_app
from jobs.cli.options import common, note, print_json, say

if TYPE_CHECKING:
    from jobs.subscribe import NewChannel, Ring

RECENT = 20  # deliveries that `list` shows


@click.command("subscribe")
@click.argument("channel")
@click.option("--rules", multiple=True, metavar="PATTERN", help="Which rules ring; all if none.")
@click.option("--questions", multiple=True, metavar="PATTERN", help="About which questions.")
@click.option("--kind", help="Make the channel: slack, webhook, or one that a package brings.")
@click.option("--url", metavar="env:NAME", help="Where the new channel's URL is kept.")
@click.option("--secret", metavar="env:NAME", help="Where the new channel's secret is kept.")
@click.option("--allow", multiple=True, metavar="NETWORK", help="A private network it may dial.")
@click.option("--fire-at", default="", metavar="40%", help="Make a rule for these questions.")
@click.option("--clear-at", default="", metavar="30%", help="Where the new rule clears.")
@common
def command(
    channel: str,
    rules: tuple[str, ...],
    questions: tuple[str, ...],
    kind: str | None,
    url: str | None,
    secret: str | None,
    allow: tuple[str, ...],
    fire_at: str,
    clear_at: str,
    folder: Path,
    as_json: bool,
) -> None:
    """Let alerts ring on CHANNEL, which --kind and --url make where there is none.

    watch.toml is edited in place. Patterns are as in a shell; give an option again for more.
    URLs and secrets are never written down: they are named, as env:NAME or file:PATH.
    """
    from jobs.subscribe import Wish, edit_for, rings_on

    made = _new_channel(kind, url, secret, allow)
    wish = Wish(channel, rules, questions, made, fire_at, clear_at)
    with open_app(folder) as app:
        known = app.store.questions()
        edit = edit_for(folder, app.config, wish)
        if edit is not None:
            edit.save()
        _warn_of_nothing(app.config, rules, questions, [q.question_id for q in known])
        rings = rings_on(edit.config if edit else app.config, channel, known)
    if as_json:
        body = {"schema_version": 1, "channel": channel, "edited": edit is not None}
        print_json(body | {"rings": [_ring_as_json(ring) for ring in rings]})
    else:
        say(f"{channel}: {'subscribed' if edit else 'was subscribed to that already'}")
        _say_rings(rings)


def _new_channel(
    kind: str | None, url: str | None, secret: str | None, allow: tuple[str, ...]
) -> "NewChannel | None":
    from jobs.subscribe import NewChannel

    if kind and url:
        return NewChannel(kind, url, secret, allow)
    if kind or url or secret or allow:
        raise UsageError("a new channel takes both --kind and --url")
    return None


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
        say(
            f"{rule.rule_id} rings at {100 * rule.fire_at:g} % and clears at "
            f"{100 * rule.clear_at:g} %: {', '.join(names[:5])}{more}"
        )


def _ring_as_json(ring: "Ring") -> dict[str, Any]:
    rule = ring.rule
    return {
        "rule": rule.rule_id,
        "fire_at": rule.fire_at,
        "clear_at": rule.clear_at,
        "questions": list(ring.questions),
    }
