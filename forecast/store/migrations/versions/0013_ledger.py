"""Seals: a chain of hashes over what was believed and said."""

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, Text

from forecast.store.types import UtcInstant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there already is sealed as it stands, with the first seal."""
    op.create_table(
        "seal",
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("kind", Text, nullable=False),
        Column("sealed_at", UtcInstant, nullable=False),
        Column("previous", Text, nullable=False),
        Column("content", Text, nullable=False),
        Column("leaves", LargeBinary, nullable=False),
        Column("hash", Text, nullable=False),
    )
