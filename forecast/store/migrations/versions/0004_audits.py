"""What audits of the fast answers found."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, Text

from forecast.store.types import UtcInstant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was audited before."""
    op.create_table(
        "audit",
        Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("track", Text, nullable=False),
        Column("question_id", Text, nullable=False),
        Column("as_of", UtcInstant, nullable=False),
        Column("p_fast", Float(53), nullable=False),
        Column("method", Text, nullable=False),
        Column("p_nuts", Float(53)),
        Column("mcse", Float(53)),
        Column("z", Float(53)),
        Column("verdict", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("diagnostics", Text, nullable=False),
        Column("recorded_at", UtcInstant, nullable=False),
    )
    op.create_index("audit_of_track", "audit", ["track", "as_of"])
    op.create_index("audit_of_question", "audit", ["question_id", "as_of"])
