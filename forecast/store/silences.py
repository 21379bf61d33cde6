"""What people say of alerts, silences and acknowledgements, and how channels fare."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from itertools import batched

from sqlalchemy import Connection, exists, select, tuple_

from forecast.alert import Acknowledgement, ChannelState, Selector, Silence
from forecast.store.alert_schema import acknowledgement, channel_state, silence
from forecast.store.answers import insert_once
from forecast.store.notices import MOST_IDS, Episode
from forecast.store.types import columns_of

_SILENCE = [silence.c[field.name] for field in fields(Silence)]
_ACKNOWLEDGEMENT = [acknowledgement.c[field.name] for field in fields(Acknowledgement)]
_CHANNEL = [channel_state.c[field.name] for field in fields(ChannelState)]


def add_silence(connection: Connection, one: Silence, recorded_at: datetime) -> None:
    """Add a silence, or another version of one."""
    row = columns_of(one) | {"selector": columns_of(one.selector), "recorded_at": recorded_at}
    connection.execute(silence.insert(), row)


def silences(connection: Connection, until: datetime | None) -> list[Silence]:
    """The newest version of each silence, by (starts_at, id); with `until`, of those that end
    later.
    """
    later = silence.alias("later")
    is_superseded = exists().where(
        later.c.silence_id == silence.c.silence_id, later.c.row_id > silence.c.row_id
    )
    query = select(*_SILENCE).where(~is_superseded)
    if until is not None:
        query = query.where(silence.c.ends_at > until)
    query = query.order_by(silence.c.starts_at, silence.c.silence_id)
    return [read_silence(*row) for row in connection.execute(query)]


def acknowledge(connection: Connection, one: Acknowledgement) -> bool:
    """Whether it is the first of its episode; a later one changes nothing."""
    row = columns_of(one)
    added = insert_once(connection, acknowledgement).returning(acknowledgement.c.row_id)
    return connection.execute(added, row).first() is not None


def acknowledgements(
    connection: Connection, episodes: Sequence[Episode] | None = None
) -> list[Acknowledgement]:
    """All of them, or those of some episodes, oldest first."""
    table = acknowledgement.c
    query = select(*_ACKNOWLEDGEMENT).order_by(table.row_id)
    if episodes is None:
        return [Acknowledgement(*row) for row in connection.execute(query)]
    key = tuple_(table.rule_id, table.subject, table.episode)
    return [
        Acknowledgement(*row)
        for some in batched(episodes, MOST_IDS)
        for row in connection.execute(query.where(key.in_(some)))
    ]


def add_channel_state(connection: Connection, state: ChannelState, recorded_at: datetime) -> None:
    """Add how a channel fares from now on."""
    connection.execute(channel_state.insert(), columns_of(state) | {"recorded_at": recorded_at})


def channel_states(connection: Connection) -> dict[str, ChannelState]:
    """How each channel fares of which anything is known."""
    later = channel_state.alias("later")
    is_superseded = exists().where(
        later.c.channel == channel_state.c.channel, later.c.row_id > channel_state.c.row_id
    )
    query = select(*_CHANNEL).where(~is_superseded)
    return {row.channel: ChannelState(*row) for row in connection.execute(query)}


def read_silence(silence_id: str, selector: dict[str, list[str]], *rest: object) -> Silence:
    """The silence that a row holds."""
    patterns = {name: tuple(found) for name, found in selector.items()}
    return Silence(silence_id, Selector(**patterns), *rest)  # type: ignore[arg-type]
