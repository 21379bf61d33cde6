"""Sources: where each stands, and when each of its items was first seen."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, Text, UniqueConstraint

from forecast.store.types import UtcInstant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No source was asked before."""
    row_id = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "source_state",
        Column("row_id", row_id, primary_key=True),
        Column("source_id", Text, nullable=False, unique=True),
        Column("since", UtcInstant, nullable=False),
        Column("due_at", UtcInstant, nullable=False),
        *(Column(n, Text, nullable=False) for n in ("cursor", "etag", "modified", "definition")),
        *(Column(n, UtcInstant) for n in ("succeeded_at", "brought_at", "failed_at")),
        Column("failures", Integer, nullable=False),
        Column("reason", Text, nullable=False),
        *(
            Column(name, Integer, nullable=False)
            for name in ("new", "same", "corrected", "bad", "total")
        ),
        Column("is_off", Boolean, nullable=False),
        Column("author", Text, nullable=False),
        Column("why_off", Text, nullable=False),
        Column("token", Integer, nullable=False),
        Column("owner", Text, nullable=False),
        Column("lease_until", UtcInstant),
    )
    op.create_table(
        "source_item",
        Column("row_id", row_id, primary_key=True),
        Column("source_id", Text, nullable=False),
        Column("item", Text, nullable=False),
        Column("seen_at", UtcInstant, nullable=False),
        UniqueConstraint("source_id", "item", name="source_item_once"),
    )
    op.create_index("source_item_seen", "source_item", ["seen_at"])
