"""Whose word a resolution is, what is taken back of it, and which outcome was told."""

from alembic import op
from sqlalchemy import Boolean, Column, Text, column, false, or_, table, update

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What followed from events or from the clock is known by its events, or by its words."""
    op.add_column("resolution", Column("author", Text, nullable=False, server_default=""))
    op.add_column(
        "resolution", Column("retracted", Boolean, nullable=False, server_default=false())
    )
    op.add_column("rule_state", Column("outcome", Text, nullable=False, server_default=""))
    names = ("author", "events", "reason")
    old = table("resolution", *(column(name, Text) for name in names))
    derived = or_(
        old.c.events != "[]",
        old.c.reason.like("no event was known after the deadline%"),
        old.c.reason.like("% events were known after the deadline%"),
    )
    op.execute(update(old).where(derived).values(author="rule"))
