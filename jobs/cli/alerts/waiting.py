"""`tocsin alerts waiting`: what is still to be told, and why not yet."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from forecast.clock import format_instant, utc_now
from jobs.app import open_app
from jobs.cli.options import common, print_json, say

if TYPE_CHECKING:
    from forecast.alert import Notice


@click.command("waiting")
@common
def command(folder: Path, as_json: bool) -> None:
    """What is still to be told, since when, and what it waits for."""
    with open_app(folder) as app:
        from jobs.notify import look

        found = look(app, utc_now())
        unsent = sum(len(app.store.deliveries(status)) for status in ("due", "sending"))
    if as_json:
        waiting = [_as_json(*one) for one in found]
        print_json({"schema_version": 1, "waiting": waiting, "in_the_outbox": unsent})
        return
    for one in found:
        _say(*one)
    if unsent:
        some = "1 message waits" if unsent == 1 else f"{unsent} messages wait"
        say(f"{some} in the outbox: `tocsin alerts deliveries --status due`")
    elif not found:
        say("Nothing waits to be told.")


def _say(notice: "Notice", reason: str) -> None:
    from alerts.phrases import minute

    since = minute(notice.created_at)
    what = f"{notice.kind.value}  {notice.rule_id} on {notice.subject}, episode {notice.episode}"
    say(f"{since}  {notice.channel}  {what}")
    say(f"    {reason}")


def _as_json(notice: "Notice", reason: str) -> dict[str, str | int]:
    return {
        "id": notice.notice_id,
        "since": format_instant(notice.created_at),
        "channel": notice.channel,
        "kind": notice.kind.value,
        "rule": notice.rule_id,
        "subject": notice.subject,
        "episode": notice.episode,
        "severity": notice.severity,
        "route": notice.route.value,
        "reason": reason,
    }
