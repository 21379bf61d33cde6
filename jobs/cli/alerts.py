"""`tocsin alerts`: subscribe to alerts, see where they stand, test a channel."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.alert import Delivery, State
from forecast.clock import format_instant, utc_now
from forecast.config import Config
from forecast.errors import UsageError
from forecast.names import did_you_mean, matches
from forecast.watch import load_watch
from jobs.app import open_app
from jobs.cli.options import cell, common, note, print_json, say, stdout_console

if TYPE_CHECKING:
    from jobs.standings import Standing
    from jobs.subscribe import NewChannel, Ring

RECENT = 20  # deliveries that `list` shows


@click.group("alerts")
def command() -> None:
    """Subscribe to alerts, see where they stand, test a channel."""


@command.command("subscribe")
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
def subscribe(
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


@command.command("list")
@common
def list_(folder: Path, as_json: bool) -> None:
    """Where every rule stands, firing first; the channels; the latest deliveries."""
    with open_app(folder) as app:
        from jobs.standings import standings

        found = standings(app, utc_now())
        deliveries = app.store.deliveries(limit=RECENT)[::-1]
        config = app.config
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "rules": [_standing_as_json(s) for s in found],
                "channels": _channels(config),
                "deliveries": [_delivery_as_json(d) for d in deliveries],
            }
        )
    else:
        _print_list(found, config, deliveries)


@command.command("test")
@click.argument("channel")
@common
def test(channel: str, folder: Path, as_json: bool) -> None:
    """Send a trial message on CHANNEL now; exit code 4 where it is not taken."""
    watch = load_watch(folder)
    tables = {table.id: table for table in watch.config.channels}
    if channel not in tables:
        raise UsageError(f"there is no channel '{channel}'{did_you_mean(channel, tables)}")
    from jobs.trial import send_trial

    send_trial(tables[channel], utc_now(), watch.config.watch.link)
    if as_json:
        print_json({"schema_version": 1, "channel": channel, "delivered": True})
    else:
        say(f"{channel}: ok, the message was taken")


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


def _print_list(found: "list[Standing]", config: Config, deliveries: list[Delivery]) -> None:
    from rich.table import Table

    console = stdout_console()

    def show(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*map(cell, row))
        console.print(table if rows else f"{title}: none")

    rules = ("state", "rule", "question", "p", "fires at", "since", "episode")
    show("Rules", rules, [_standing_row(s) for s in found])
    show(
        "Channels",
        ("channel", "kind", "subscriptions"),
        [(c["id"], c["kind"], str(c["subscriptions"])) for c in _channels(config)],
    )
    columns = ("made", "channel", "kind", "status", "attempts", "last error")
    show("Latest deliveries", columns, [_delivery_row(d) for d in deliveries])


def _standing_row(standing: "Standing") -> tuple[str, ...]:
    from forecast.likelihood import percent

    mark = "▲ " if standing.state is State.FIRING else ""
    probability = "-" if standing.probability is None else percent(standing.probability)
    return (
        f"{mark}{standing.state.value}" if standing.is_evaluated else "not evaluated",
        standing.rule.rule_id,
        standing.question_id,
        probability,
        f"{100 * standing.rule.fire_at:g} %",
        _second(standing.since),
        str(standing.episode or "-"),
    )


def _delivery_row(delivery: Delivery) -> tuple[str, ...]:
    return (
        _second(delivery.created_at),
        delivery.channel,
        delivery.kind,
        delivery.status,
        str(delivery.attempts),
        delivery.last_error or "-",
    )


def _second(instant: Any) -> str:
    return format_instant(instant.replace(microsecond=0)) if instant else "-"


def _ring_as_json(ring: "Ring") -> dict[str, Any]:
    rule = ring.rule
    return {
        "rule": rule.rule_id,
        "fire_at": rule.fire_at,
        "clear_at": rule.clear_at,
        "questions": list(ring.questions),
    }


def _standing_as_json(standing: "Standing") -> dict[str, Any]:
    return {
        "rule": standing.rule.rule_id,
        "question": standing.question_id,
        "state": standing.state.value if standing.is_evaluated else None,
        "since": format_instant(standing.since) if standing.since else None,
        "episode": standing.episode,
        "probability": standing.probability,
        "fire_at": standing.rule.fire_at,
        "clear_at": standing.rule.clear_at,
        "severity": standing.rule.severity,
        "channels": list(standing.channels),
    }


def _channels(config: Config) -> list[dict[str, Any]]:
    """The channels without their addresses."""
    subscribed = [subscription.channel for subscription in config.subscriptions]
    return [
        {"id": table.id, "kind": table.kind, "subscriptions": subscribed.count(table.id)}
        for table in config.channels
    ]


def _delivery_as_json(delivery: Delivery) -> dict[str, Any]:
    delivered = delivery.delivered_at
    return {
        "id": delivery.delivery_id,
        "channel": delivery.channel,
        "kind": delivery.kind,
        "question": delivery.facts.get("question", {}).get("id"),
        "created_at": format_instant(delivery.created_at),
        "due_at": format_instant(delivery.due_at),
        "delivered_at": format_instant(delivered) if delivered else None,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "last_error": delivery.last_error,
    }
