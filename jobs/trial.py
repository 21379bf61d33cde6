"""A trial message on one channel, sent now and past the outbox: does it arrive?"""

import secrets
import time
from datetime import datetime
from pathlib import Path

from alerts.address import parse_networks
from alerts.api import Channel, Outcome, Verdict
from alerts.channels import transports
from alerts.facts import test_facts
from alerts.registry import open_channel
from forecast.alert import ChannelHealth
from forecast.alert_tables import ChannelTable
from forecast.errors import OutsideError, StoreError, TocsinError
from forecast.store import open_store
from forecast.watch import Watch

DEADLINE_SECONDS = 10.0


def send_trial(
    table: ChannelTable,
    now: datetime,
    link: str = "",
    deadline: float = DEADLINE_SECONDS,
    folder: Path = Path(),
) -> None:
    """Send it within `deadline` seconds in all, on a channel of the watch in `folder`.

    ConfigError where the channel cannot be used as it stands, OutsideError where the message
    was not taken; neither shows the URL or the secret.
    """
    end = time.monotonic() + deadline
    try:
        channel = open_channel(table, folder=folder)
        outcome = _exchange(channel, table, now, link, end, plain=False)
        if outcome.verdict is Verdict.SIMPLIFY:
            outcome = _exchange(channel, table, now, link, end, plain=True)
    except TocsinError as error:
        place = error.at or f"channels.{table.id}"
        raise type(error)(error.message, at=place) from None
    if outcome.verdict is not Verdict.DELIVERED:
        raise OutsideError(outcome.reason or "it was not taken", at=f"channels.{table.id}")


def is_switched_off(watch: Watch, channel: str) -> bool:
    """Whether a channel, though it may work by now, is not sent to; False where nobody can say."""
    try:
        with open_store(watch.store_url, create=False) as store:
            state = store.alerts.channel_states().get(channel)
    except StoreError:  # a trial works without a store too
        return False
    return state is not None and state.health is ChannelHealth.DISABLED


def _exchange(
    channel: Channel, table: ChannelTable, now: datetime, link: str, end: float, *, plain: bool
) -> Outcome:
    facts = test_facts(table.id, now, link)
    request = channel.request(facts, f"msg_test_{secrets.token_hex(8)}", now, plain=plain)
    left = max(round(end - time.monotonic(), 1), 0.1)
    networks = parse_networks(table.allow)
    reply = transports.post(request.url, request.body, request.headers, networks, left)
    return channel.judge(reply, now)
