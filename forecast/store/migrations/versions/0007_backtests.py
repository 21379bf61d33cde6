"""Backtests: their results, and the blocks of those that are still on their way."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text, UniqueConstraint

from forecast.store.types import UtcInstant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was backtested before."""
    row_id = BigInteger().with_variant(Integer, "sqlite")
    op.create_table(
        "backtest",
        Column("row_id", row_id, primary_key=True),
        Column("run_id", Text, nullable=False),
        Column("made_at", UtcInstant, nullable=False),
        Column("task", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("result", Text, nullable=False),
        Column("forecasts", LargeBinary, nullable=False),
        UniqueConstraint("run_id", name="backtest_once"),
    )
    op.create_index("backtest_of_task", "backtest", ["task", "made_at"])
    op.create_table(
        "backtest_part",
        Column("row_id", row_id, primary_key=True),
        Column("digest", Text, nullable=False),
        Column("block", Integer, nullable=False),
        Column("blob", LargeBinary, nullable=False),
        Column("recorded_at", UtcInstant, nullable=False),
        UniqueConstraint("digest", "block", name="backtest_part_once"),
    )
