"""Parts of runs, and the fencing tokens of those who hold them."""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing of it was kept before."""
