"""Sessions of the dashboard."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

from forecast.store.types import UtcInstant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is signed in yet."""
    op.create_table(
        "session",
        Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("digest", Text, nullable=False, unique=True),
        Column("token_id", Text, nullable=False),
        Column("begun_at", UtcInstant, nullable=False),
        Column("expires_at", UtcInstant, nullable=False),
    )
    op.create_index("session_expires", "session", ["expires_at"])
