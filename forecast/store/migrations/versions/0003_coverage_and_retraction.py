"""What is taken back, what was watched, and which incident a person put a report into."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, Text, UniqueConstraint, false

from forecast.store.types import UtcInstant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing old was retracted; old resolutions count as stated by a person."""
    for name in ("report", "event"):
        op.add_column(name, Column("retracted", Boolean, nullable=False, server_default=false()))
    op.add_column("resolution", Column("events", Text, nullable=False, server_default="[]"))
    _assignments()
    _coverage()


def _assignments() -> None:
    op.create_table(
        "assignment",
        _row_id(),
        Column("report_id", Text, nullable=False),
        Column("incident_id", Text, nullable=False),
        Column("known_at", UtcInstant, nullable=False),
        Column("author", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("recorded_at", UtcInstant, nullable=False),
    )
    op.create_index("assignment_of_report", "assignment", ["report_id"])


def _coverage() -> None:
    op.create_table(
        "coverage",
        _row_id(),
        Column("coverage_id", Text, nullable=False),
        Column("unit", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("since", UtcInstant, nullable=False),
        Column("until", UtcInstant),
        Column("known_at", UtcInstant, nullable=False),
        Column("tags", Text, nullable=False),
        Column("note", Text, nullable=False),
        Column("until_known_at", UtcInstant),
        Column("retracted", Boolean, nullable=False),
        Column("digest", Text, nullable=False),
        Column("recorded_at", UtcInstant, nullable=False),
        UniqueConstraint("coverage_id", "digest", name="coverage_once"),
    )
    op.create_index("coverage_at_unit", "coverage", ["unit", "known_at"])


def _row_id() -> Column[int]:
    return Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
