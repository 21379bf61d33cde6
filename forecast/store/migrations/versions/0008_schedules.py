"""Schedules as rows, and the units that new facts made due."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, Text, UniqueConstraint

from forecast.store.types import UtcInstant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before; what the facts of an old store change, its slots have seen."""
    op.create_table(
        "schedule",
        Column("schedule_id", Text, primary_key=True),
        Column("digest", Text, nullable=False),
        Column("definition", Text, nullable=False),
        Column("first_seen", UtcInstant, nullable=False),
        Column("since", UtcInstant, nullable=False),
        Column("next_slot", UtcInstant),
        Column("paused", Boolean, nullable=False),
        Column("paused_at", UtcInstant),
        Column("resumed_at", UtcInstant),
        Column("author", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("removed_at", UtcInstant),
    )
    op.create_table(
        "due_unit",
        Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("unit", Text, nullable=False),
        Column("since", UtcInstant, nullable=False),
        Column("stirred_at", UtcInstant, nullable=False),
        Column("stirs", Integer, nullable=False),
        Column("not_before", UtcInstant),
        Column("owner", Text, nullable=False),
        Column("fence", Integer, nullable=False),
        Column("lease_until", UtcInstant),
        Column("attempts", Integer, nullable=False),
        Column("retry_at", UtcInstant),
        Column("last_error", Text, nullable=False),
        UniqueConstraint("unit"),
    )
    op.create_index("due_unit_by_age", "due_unit", ["not_before", "since"])
    op.create_index("run_unfinished", "run", ["status", "lease_until"])
