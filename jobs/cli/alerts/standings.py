"""`tocsin alerts list`: where rules stand, which channels there are, what was sent lately."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.alert import Delivery, RuleKind, State
from forecast.clock import format_instant, utc_now
from forecast.config import Config
from jobs.app import open_app
from jobs.cli.options import cell, common, print_json, say, stdout_console

if TYPE_CHECKING:
    from jobs.standings import Standing

RECENT = 20  # deliveries that `list` shows


@click.command("list")
@common
def command(folder: Path, as_json: bool) -> None:
    """Where every rule stands, firing first; the channels; the latest deliveries."""
    with open_app(folder) as app:
        from jobs.standings import standings

        found = standings(app, utc_now())
        at_work = {standing.rule.rule_id for standing in found}
        idle = [table.id for table in app.config.rules if table.id not in at_work]
        deliveries = app.store.deliveries(limit=RECENT)[::-1]
        config = app.config
    if as_json:
        print_json(
            {
                "schema_version": 1,
                "rules": [_standing_as_json(s) for s in found],
                "idle_rules": idle,
                "channels": _channels(config),
                "deliveries": [_delivery_as_json(d) for d in deliveries],
            }
        )
    else:
        _print_list(found, idle, config, deliveries)


def _print_list(
    found: "list[Standing]", idle: list[str], config: Config, deliveries: list[Delivery]
) -> None:
    from rich.table import Table

    console = stdout_console()

    def show(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(cell, row))
        console.print(table if rows else f"{title}: none")

    rules = ("state", "rule", "on", "p", "fires at", "since", "rings on")
    if found or not idle:
        show("Rules", rules, [_standing_row(s) for s in found])
    if idle:
        say(f"Rules that watch nothing which is open: {', '.join(idle)}")
    show(
        "Channels",
        ("channel", "kind", "subscriptions"),
        [(c["id"], c["kind"], str(c["subscriptions"])) for c in _channels(config)],
    )
    columns = ("made", "channel", "kind", "status", "tries", "last error")
    show("Latest deliveries", columns, [_delivery_row(d) for d in deliveries])


def _standing_row(standing: "Standing") -> tuple[str, ...]:
    from forecast.likelihood import percent
    from jobs.standings import fires_at

    probability = "-" if standing.probability is None else percent(standing.probability)
    return (
        _state(standing),
        standing.rule.rule_id,
        standing.subject,
        probability,
        fires_at(standing.rule),
        _minute(standing.since),
        ", ".join(standing.channels) or "no channel",
    )


def _state(standing: "Standing") -> str:
    if not standing.is_evaluated:
        return "not evaluated"
    if standing.state is State.PENDING and standing.rule.kind is RuleKind.RESOLVED:
        return "waits"
    return f"{'▲ ' if standing.state is State.FIRING else ''}{standing.state.value}"


def _delivery_row(delivery: Delivery) -> tuple[str, ...]:
    return (
        _minute(delivery.created_at),
        delivery.channel,
        delivery.kind,
        delivery.status,
        str(delivery.attempts),
        delivery.last_error or "-",
    )


def _minute(instant: datetime | None) -> str:
    """As short as a table of 80 columns wants it: 22 Nov 23:39."""
    return f"{instant.day} {instant:%b %H:%M}" if instant else "-"


def _standing_as_json(standing: "Standing") -> dict[str, Any]:
    return {
        "rule": standing.rule.rule_id,
        "subject": standing.subject,
        "question": standing.subject if standing.is_on_question else None,
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
    delivered, question = delivery.delivered_at, delivery.facts.get("question")
    return {
        "id": delivery.delivery_id,
        "channel": delivery.channel,
        "kind": delivery.kind,
        "subject": (delivery.facts.get("subject") or question or {}).get("id"),
        "question": (question or {}).get("id"),
        "created_at": format_instant(delivery.created_at),
        "due_at": format_instant(delivery.due_at),
        "delivered_at": format_instant(delivered) if delivered else None,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "last_error": delivery.last_error,
    }
