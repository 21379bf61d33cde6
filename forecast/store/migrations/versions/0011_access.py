"""Tokens, requests and idempotency keys of the API."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text, UniqueConstraint

from forecast.store.types import UtcInstant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before; whoever polls for reports since a moment finds them."""
    _tokens()
    _requests()
    _idempotency()
    op.create_index("report_known", "report", ["known_at"])


def _row_id() -> "Column[int]":
    return Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _tokens() -> None:
    op.create_table(
        "token",
        _row_id(),
        Column("token_id", Text, nullable=False, unique=True),
        Column("name", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("digest", Text, nullable=False, unique=True),
        Column("author", Text, nullable=False),
        Column("created_at", UtcInstant, nullable=False),
        Column("expires_at", UtcInstant),
        Column("last_used_at", UtcInstant),
        Column("revoked_at", UtcInstant),
    )
    op.create_index("token_of_name", "token", ["name"])


def _requests() -> None:
    op.create_table(
        "request",
        _row_id(),
        Column("request_id", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("arguments", Text, nullable=False),
        Column("author", Text, nullable=False),
        Column("asked_at", UtcInstant, nullable=False),
        Column("status", Text, nullable=False),
        Column("fence", Integer, nullable=False),
        Column("begun_at", UtcInstant),
        Column("finished_at", UtcInstant),
        Column("result", Text),
        Column("error", Text),
        Column("owner", Text, nullable=False),
        Column("lease_until", UtcInstant),
    )
    op.create_index("request_waiting", "request", ["status", "row_id"])


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        _row_id(),
        Column("token_id", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("begun_at", UtcInstant, nullable=False),
        Column("taken_at", UtcInstant, nullable=False),
        Column("status", Integer, nullable=False),
        Column("answer", Text),
        UniqueConstraint("token_id", "key", name="idempotency_once"),
    )
    op.create_index("idempotency_begun", "idempotency", ["begun_at"])
