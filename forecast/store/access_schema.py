"""The tables of the API: tokens, what was asked for, and answers kept for whoever asks twice."""

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint

from forecast.access import RequestStatus, Scope
from forecast.store.columns import count, instant, metadata, row_id, text
from forecast.store.types import Json, Word

token = Table(
    "token",
    metadata,
    row_id(),
    Column("token_id", Text, nullable=False, unique=True),
    text("name"),
    Column("scope", Word(Scope), nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    text("author"),
    instant("created_at"),
    instant("expires_at", optional=True),
    instant("last_used_at", optional=True),
    instant("revoked_at", optional=True),
    Index("token_of_name", "name"),
)

request = Table(
    "request",
    metadata,
    row_id(),
    Column("request_id", Text, nullable=False, unique=True),
    text("kind"),
    Column("arguments", Json, nullable=False),
    text("author"),
    instant("asked_at"),
    Column("status", Word(RequestStatus), nullable=False),
    count("fence"),
    instant("begun_at", optional=True),
    instant("finished_at", optional=True),
    Column("result", Json),
    Column("error", Json),
    text("owner"),
    instant("lease_until", optional=True),
    Index("request_waiting", "status", "row_id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    row_id(),
    text("token_id"),
    text("key"),
    text("digest"),
    instant("begun_at"),
    instant("taken_at"),
    count("status"),
    Column("answer", Json),
    UniqueConstraint("token_id", "key", name="idempotency_once"),
    Index("idempotency_begun", "begun_at"),
)
