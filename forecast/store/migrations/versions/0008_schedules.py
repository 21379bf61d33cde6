"""Schedules as rows, and the units that new facts made due."""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before."""
