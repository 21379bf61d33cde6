"""Sources: where each stands, and what was fetched."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before."""
