"""`tocsin alerts deliveries`: what was sent, what is tried again, and what was given up."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.clock import format_instant, utc_now
from jobs.app import open_app
from jobs.cli.options import cell, common, print_json, say, stdout_console

if TYPE_CHECKING:
    from forecast.store import Attempt, Told
    from jobs.deliveries import History, Letter

SHOWN_OF_ID = 12  # letters; `replay` and --attempts take any beginning that fits one only


@click.command("deliveries")
@click.option(
    "--status",
    type=click.Choice(["due", "sending", "delivered", "dead"]),
    help="Only those: to be sent, being sent, taken, or given up.",
)
@click.option("--channel", help="Only those to this channel.")
@click.option("--limit", type=click.IntRange(min=1), default=50, help="How many, newest first.")
@click.option("--attempts", "ident", metavar="ID", help="Every attempt to send this one.")
@common
def command(
    status: str | None,
    channel: str | None,
    limit: int,
    ident: str | None,
    folder: Path,
    as_json: bool,
) -> None:
    """What was sent, what is tried again, and what was given up; newest first.

    An ID may be the beginning of one, as the table shows it.
    """
    with open_app(folder) as app:
        from jobs.deliveries import history, letters

        now = utc_now()
        if ident is not None:
            _show_history(history(app, ident), now, as_json=as_json)
            return
        found = letters(app, status, channel, limit)
    if as_json:
        print_json({"schema_version": 1, "deliveries": [_as_json(one) for one in found]})
    else:
        _print_table(found, now)


def _print_table(found: "list[Letter]", now: datetime) -> None:
    from rich.table import Table

    if not found:
        say("No such deliveries.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("id", no_wrap=True)
    for column in ("made (UTC)", "channel", "status", "tells, and what went wrong last"):
        table.add_column(column)
    for letter in found:
        table.add_row(*map(cell, _row(letter, now)))
    stdout_console().print(table)


def _row(letter: "Letter", now: datetime) -> tuple[str, ...]:
    one = letter.delivery
    status = f"{one.status}, {one.attempts} tried" if one.attempts else one.status
    if one.status == "due":
        status = f"{status}, next {_next(letter, now)}"
    says = f"{letter.says} ({one.last_error})" if one.last_error else letter.says
    return one.delivery_id[:SHOWN_OF_ID], _minute(one.created_at), one.channel, status, says


def _show_history(found: "History", now: datetime, *, as_json: bool) -> None:
    one = found.letter.delivery
    if as_json:
        attempts = [_attempt_as_json(attempt) for attempt in found.attempts]
        notices = [_notice_as_json(told) for told in found.told]
        body = _as_json(found.letter) | {"attempts_made": attempts, "notices": notices}
        print_json({"schema_version": 1, "delivery": body})
        return
    say(f"{one.delivery_id} to {one.channel}: {one.status}")
    say(f"  {found.letter.says}")
    for told in found.told:
        notice = told.notice
        say(f"  tells {notice.kind} of {notice.rule_id} on {notice.subject}, {notice.notice_id}")
    for attempt in found.attempts:
        became = "to be tried again" if attempt.outcome == "due" else attempt.outcome
        why = f": {attempt.error}" if attempt.error else ""
        say(f"  {_second(attempt.at)} attempt {attempt.attempt}, {became}{why}")
    if one.status == "due":
        say(f"  next attempt: {_next(found.letter, now)}")


def _next(letter: "Letter", now: datetime) -> str:
    if letter.next_attempt is None:
        return "when its channel is switched on"
    return "at once" if letter.next_attempt <= now else _minute(letter.next_attempt)


def _minute(instant: datetime) -> str:
    """To the minute, in UTC; it may be broken in two."""
    return f"{instant:%Y-%m-%d %H:%M}"


def _second(instant: datetime) -> str:
    return format_instant(instant.replace(microsecond=0))


def _instant(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None


def _as_json(letter: "Letter") -> dict[str, Any]:
    one = letter.delivery
    return {
        "id": one.delivery_id,
        "channel": one.channel,
        "channel_health": letter.channel.health.value if letter.channel else "works",
        "kind": one.kind,
        "says": letter.says,
        "status": one.status,
        "attempts": one.attempts,
        "created_at": format_instant(one.created_at),
        "queued_at": _instant(one.queued_at),
        "next_attempt": _instant(letter.next_attempt),
        "delivered_at": _instant(one.delivered_at),
        "last_error": one.last_error,
        "notice_ids": _notice_ids(one.delivery_id, one.facts),
    }


def _notice_ids(ident: str, facts: dict[str, Any]) -> list[str]:
    """Those that a group's message tells; a message of one notice has that one's id."""
    members = facts.get("members")
    return [m["notice_id"] for m in members] if members else [ident]


def _attempt_as_json(attempt: "Attempt") -> dict[str, Any]:
    return {
        "attempt": attempt.attempt,
        "at": format_instant(attempt.at),
        "outcome": attempt.outcome,
        "error": attempt.error,
    }


def _notice_as_json(told: "Told") -> dict[str, Any]:
    notice = told.notice
    return {
        "id": notice.notice_id,
        "rule": notice.rule_id,
        "subject": notice.subject,
        "episode": notice.episode,
        "kind": notice.kind.value,
        "created_at": format_instant(notice.created_at),
    }
