"""Tokens, requests and idempotency keys of the API."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before."""
