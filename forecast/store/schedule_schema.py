"""The tables of the service: schedules and units with news. Both are queues and change."""

from sqlalchemy import Column, Index, Table, Text

from forecast.store.columns import count, flag, instant, metadata, row_id, text
from forecast.store.types import Json

schedule = Table(
    "schedule",
    metadata,
    Column("schedule_id", Text, primary_key=True),
    text("digest"),
    Column("definition", Json, nullable=False),
    instant("first_seen"),
    instant("since"),
    instant("next_slot", optional=True),
    flag("paused"),
    instant("paused_at", optional=True),
    instant("resumed_at", optional=True),
    text("author"),
    text("reason"),
    instant("removed_at", optional=True),
)

due_unit = Table(
    "due_unit",
    metadata,
    row_id(),
    Column("unit", Text, nullable=False, unique=True),
    instant("since"),
    instant("stirred_at"),
    count("stirs"),
    instant("not_before", optional=True),
    text("owner"),
    count("fence"),
    instant("lease_until", optional=True),
    count("attempts"),
    instant("retry_at", optional=True),
    text("last_error"),
    Index("due_unit_by_age", "not_before", "since"),
)
