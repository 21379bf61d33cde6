"""The outbox as a desk sees it: what was sent, what is tried again, what was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.message import headline
from forecast.alert import ChannelHealth, ChannelState, Delivery
from forecast.errors import UsageError
from forecast.names import did_you_mean
from forecast.store import Attempt, Told
from jobs.app import App


@dataclass(frozen=True, slots=True)
class Letter:
    """One delivery, what it says in a line, and how its channel fares where that is known.

    `next_attempt` is None where none is to come: it is over, or its channel is switched off.
    """

    delivery: Delivery
    says: str
    channel: ChannelState | None
    next_attempt: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """A delivery with every attempt to send it, and the notices that it tells."""

    letter: Letter
    attempts: tuple[Attempt, ...]
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Enabled:
    """A channel that was switched on: who by, what waited for it, what had been given up."""

    state: ChannelState
    waiting: int
    dead: int


def letters(
    app: App, status: str | None = None, channel: str | None = None, limit: int | None = None
) -> list[Letter]:
    """Deliveries, newest first; those of one status, of one channel, or the newest so many."""
    found = app.store.deliveries(status=status, channel=channel, limit=limit)
    states = app.store.alerts.channel_states()
    return [_letter(delivery, states.get(delivery.channel)) for delivery in reversed(found)]


def history(app: App, beginning: str) -> History:
    """All about the delivery whose id begins so; UsageError where there is not just one."""
    delivery = _only(app, beginning)
    ident = delivery.delivery_id
    state = app.store.alerts.channel_states().get(delivery.channel)
    attempts, told = app.store.attempts(ident), app.store.alerts.notices_in(ident)
    return History(_letter(delivery, state), tuple(attempts), tuple(told))


def replay(app: App, beginnings: Sequence[str], now: datetime) -> list[Delivery]:
    """Have deliveries that were given up sent again, all or none; returns them as they were.

    UsageError where a beginning of an id fits none or several, or one that is not dead.
    """
    found = {d.delivery_id: d for d in (_only(app, beginning) for beginning in beginnings)}
    app.store.replay(list(found), now)
    return list(found.values())


def replay_dead(
    app: App, now: datetime, *, channel: str | None = None, since: datetime | None = None
) -> list[Delivery]:
    """Have all that were given up sent again: of one channel, or made at or after `since`."""
    if channel is not None:
        _require_channel(app, channel)
    dead = app.store.deliveries(status="dead", channel=channel)
    dead = [d for d in dead if since is None or d.created_at >= since]
    app.store.replay([d.delivery_id for d in dead], now)
    return dead


def enable(app: App, channel: str, author: str, now: datetime) -> Enabled:
    """Let a channel that was switched off try again; UsageError where it is not."""
    _require_channel(app, channel)
    state = app.store.alerts.channel_states().get(channel)
    if state is None or state.health is not ChannelHealth.DISABLED:
        raise UsageError(f"the channel '{channel}' is not switched off")
    enabled = ChannelState(channel, ChannelHealth.WORKS, now, "switched on again", author)
    app.store.alerts.add_channel_state(enabled, now)
    count = {status: len(app.store.deliveries(status, channel)) for status in ("due", "dead")}
    return Enabled(enabled, count["due"], count["dead"])


def is_off(app: App, channel: str) -> bool:
    """Whether a channel is switched off."""
    state = app.store.alerts.channel_states().get(channel)
    return state is not None and state.health is ChannelHealth.DISABLED


def _letter(delivery: Delivery, state: ChannelState | None) -> Letter:
    is_open = state is None or state.health is not ChannelHealth.DISABLED
    following = delivery.due_at if delivery.status == "due" and is_open else None
    return Letter(delivery, _says(delivery.facts) or delivery.kind, state, following)


def _says(facts: dict[str, Any]) -> str:
    """The headline; "" of facts that some other version wrote."""
    try:
        return headline(facts)
    except (KeyError, TypeError, ValueError):
        return ""


def _only(app: App, beginning: str) -> Delivery:
    found = app.store.deliveries_named(beginning) if beginning else []
    if not found:
        raise UsageError(f"there is no delivery '{beginning}'")
    if len(found) > 1 and found[0].delivery_id != beginning:
        raise UsageError(f"several deliveries begin with '{beginning}': write more of the id")
    return found[0]


def _require_channel(app: App, channel: str) -> None:
    known = [table.id for table in app.config.channels]
    if channel not in known:
        raise UsageError(f"there is no channel '{channel}'{did_you_mean(channel, known)}")
