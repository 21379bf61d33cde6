"""What the data made of each track's prior, so that a report can say so without its model."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

from forecast.store.types import Json, UtcInstant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of the past; the next update of each track begins."""
    op.create_table(
        "learnt",
        Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("track", Text, nullable=False),
        Column("definition", Text, nullable=False),
        Column("unit", Text, nullable=False),
        Column("model", Text, nullable=False),
        Column("as_of", UtcInstant, nullable=False),
        Column("beliefs", Json, nullable=False),
        Column("recorded_at", UtcInstant, nullable=False),
    )
    op.create_index("learnt_of_track", "learnt", ["track", "as_of"])
    op.create_index("learnt_of_prior", "learnt", ["definition", "unit", "as_of"])
