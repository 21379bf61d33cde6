"""A trial message on one channel, sent now and past the outbox: does it arrive?"""

import secrets
import time
from datetime import datetime

from alerts.address import parse_networks
from alerts.api import Outcome, Verdict
from alerts.channels import http
from alerts.facts import test_facts
from alerts.registry import open_channel
from forecast.alert_tables import ChannelTable
from forecast.errors import OutsideError, TocsinError

DEADLINE_SECONDS = 10.0


def send_trial(
    table: ChannelTable, now: datetime, link: str = "", deadline: float = DEADLINE_SECONDS
) -> None:
    """Send it within `deadline` seconds in all.

    ConfigError where the channel cannot be used as it stands, OutsideError where the message
    was not taken; neither shows the URL or the secret.
    """
    end = time.monotonic() + deadline
    try:
        outcome = _exchange(table, now, link, end, plain=False)
        if outcome.verdict is Verdict.SIMPLIFY:
            outcome = _exchange(table, now, link, end, plain=True)
    except TocsinError as error:
        place = error.at or f"channels.{table.id}"
        raise type(error)(error.message, at=place) from None
    if outcome.verdict is not Verdict.DELIVERED:
        raise OutsideError(outcome.reason or "it was not taken", at=f"channels.{table.id}")


def _exchange(table: ChannelTable, now: datetime, link: str, end: float, *, plain: bool) -> Outcome:
    channel = open_channel(table)
    facts = test_facts(table.id, now, link)
    request = channel.request(facts, f"msg_test_{secrets.token_hex(8)}", now, plain=plain)
    left = max(round(end - time.monotonic(), 1), 0.1)
    networks = parse_networks(table.allow)
    reply = http.post(request.url, request.body, request.headers, networks, left)
    return channel.judge(reply, now)
