"""Questions that ask for several events; what an estimate went through and is worth."""

from alembic import op
from sqlalchemy import Column, Float, Integer, Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Old questions ask for one event; old estimates know nothing of the rest."""
    op.add_column("question", Column("at_least", Integer, nullable=False, server_default="1"))
    op.add_column("estimate", Column("expected_count", Float(53)))
    for name in ("at_least", "couplings", "escalation", "findings"):
        op.add_column("estimate", Column(name, Text, nullable=False, server_default="[]"))
    op.add_column("estimate", Column("certificate", Text, nullable=False, server_default=""))
