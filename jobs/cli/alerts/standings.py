"""`tocsin alerts list`: where rules stand, which channels there are, what was sent lately."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.alert import Delivery, State
from forecast.clock import format_instant, utc_now
from forecast.config import Config
from jobs.app import open_app
from jobs.cli.options import cell, common, print_json, stdout_console

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
