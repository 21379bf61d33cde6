"""Parts of runs, and the fencing tokens of those who hold them."""

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, Integer, Text

from forecast.store.types import UtcInstant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A run that is under way has no parts; whoever takes it over makes them."""
    op.create_table(
        "run_part",
        Column("schedule_id", Text, primary_key=True),
        Column("slot", UtcInstant, primary_key=True),
        Column("part", Integer, primary_key=True, autoincrement=False),
        Column("queue", Text, nullable=False),
        Column("questions", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("fence", Integer, nullable=False),
        Column("lease_until", UtcInstant),
        Column("detail", Text, nullable=False),
        Column("estimates", Integer, nullable=False),
        Column("notices", Integer, nullable=False),
        ForeignKeyConstraint(
            ["schedule_id", "slot"],
            ["run.schedule_id", "run.slot"],
            name="part_of_run",
            ondelete="CASCADE",
        ),
    )
    op.create_index("run_part_unfinished", "run_part", ["status", "lease_until"])
