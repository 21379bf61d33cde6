"""The tables of sources: `source_state` is a queue and changes, `source_item` only grows."""

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from forecast.store.columns import count, flag, instant, metadata, row_id, text
from forecast.store.types import Json

source_state = Table(
    "source_state",
    metadata,
    row_id(),
    Column("source_id", Text, nullable=False, unique=True),
    instant("since"),
    instant("due_at"),
    Column("cursor", Json, nullable=False),
    text("etag"),
    text("modified"),
    text("definition"),
    instant("succeeded_at", optional=True),
    instant("brought_at", optional=True),
    instant("failed_at", optional=True),
    count("failures"),
    text("reason"),
    count("new"),
    count("same"),
    count("corrected"),
    count("bad"),
    count("total"),
    flag("is_off"),
    text("author"),
    text("why_off"),
    count("token"),
    text("owner"),
    instant("lease_until", optional=True),
)

source_item = Table(
    "source_item",
    metadata,
    row_id(),
    text("source_id"),
    text("item"),
    instant("seen_at"),
    UniqueConstraint("source_id", "item", name="source_item_once"),
    Index("source_item_seen", "seen_at"),
)
