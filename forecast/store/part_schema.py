"""The table of parts of runs, which is a queue and changes."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Table, Text

from forecast.store.columns import count, instant, metadata, text
from forecast.store.types import Names, UtcInstant

run_part = Table(
    "run_part",
    metadata,
    Column("schedule_id", Text, primary_key=True),
    Column("slot", UtcInstant, primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    text("queue"),
    Column("questions", Names, nullable=False),
    text("status"),
    text("owner"),
    count("fence"),
    instant("lease_until", optional=True),
    text("detail"),
    count("estimates"),
    count("notices"),
    ForeignKeyConstraint(
        ["schedule_id", "slot"],
        ["run.schedule_id", "run.slot"],
        name="part_of_run",
        ondelete="CASCADE",
    ),
    Index("run_part_unfinished", "status", "lease_until"),
)
