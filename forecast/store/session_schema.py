"""The table of sessions: who is signed in to the dashboard, until when."""

from sqlalchemy import Column, Index, Table, Text

from forecast.store.columns import instant, metadata, row_id, text

session = Table(
    "session",
    metadata,
    row_id(),
    Column("digest", Text, nullable=False, unique=True),
    text("token_id"),
    instant("begun_at"),
    instant("expires_at"),
    Index("session_expires", "expires_at"),
)
