"""Candidates that the tagger found, and what people said of them."""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before."""
