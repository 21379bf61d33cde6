"""What is to be told to whom, silences, acknowledgements, the health of channels."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, Text, UniqueConstraint

from forecast.store.types import UtcInstant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every old rule was on a question and rang at once; what waits is sent as it stands."""
    op.add_column("estimate", Column("quantiles", Text, nullable=False, server_default="[]"))
    _rules()
    _deliveries()
    _notices()
    _people()


def _rules() -> None:
    op.drop_index("rule_state_version", "rule_state")
    op.drop_index("transition_of_question", "transition")
    with op.batch_alter_table("rule_state") as table:
        table.alter_column("question_id", new_column_name="subject")
        table.add_column(Column("streak_since", UtcInstant))
        table.add_column(Column("health", Text, nullable=False, server_default="healthy"))
        table.add_column(Column("baseline", Float(53)))
        table.add_column(Column("route", Text, nullable=False, server_default="now"))
    with op.batch_alter_table("transition") as table:
        table.alter_column("question_id", new_column_name="subject")
        table.alter_column("probability", existing_type=Float(53), nullable=True)
        table.add_column(Column("cause", Text, nullable=False, server_default=""))
        table.add_column(Column("route", Text, nullable=False, server_default="now"))
    op.create_index("rule_state_version", "rule_state", ["rule_id", "subject", "row_id"])
    op.create_index("transition_of_subject", "transition", ["subject", "at"])


def _deliveries() -> None:
    op.drop_index("delivery_of_stream", "delivery")
    op.drop_column("delivery", "stream")
    op.add_column("delivery", Column("queued_at", UtcInstant))
    op.create_index("delivery_of_channel", "delivery", ["channel", "created_at"])


def _notices() -> None:
    op.create_table(
        "notice",
        _row_id(),
        Column("notice_id", Text, nullable=False, unique=True),
        *(Column(name, Text, nullable=False) for name in ("channel", "rule_id", "subject")),
        Column("episode", Integer, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("kind", "severity", "route")),
        Column("created_at", UtcInstant, nullable=False),
        Column("facts", Text, nullable=False),
        Column("number", Integer, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("status", "delivery_id", "reason")),
        Column("settled_at", UtcInstant),
    )
    op.create_index("notice_waiting", "notice", ["status", "created_at"])
    op.create_index("notice_of_episode", "notice", ["rule_id", "subject", "episode"])
    op.create_index("notice_of_delivery", "notice", ["delivery_id"])


def _people() -> None:
    op.create_table(
        "silence",
        _row_id(),
        *(Column(n, Text, nullable=False) for n in ("silence_id", "selector", "author", "reason")),
        *(Column(n, UtcInstant, nullable=False) for n in ("starts_at", "ends_at", "recorded_at")),
    )
    op.create_index("silence_version", "silence", ["silence_id", "row_id"])
    op.create_table(
        "acknowledgement",
        _row_id(),
        *(Column(name, Text, nullable=False) for name in ("rule_id", "subject")),
        Column("episode", Integer, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("author", "note")),
        Column("at", UtcInstant, nullable=False),
        UniqueConstraint("rule_id", "subject", "episode", name="acknowledged_once"),
    )
    op.create_table(
        "channel_state",
        _row_id(),
        *(Column(name, Text, nullable=False) for name in ("channel", "health")),
        Column("since", UtcInstant, nullable=False),
        *(Column(name, Text, nullable=False) for name in ("reason", "author")),
        Column("recorded_at", UtcInstant, nullable=False),
    )
    op.create_index("channel_state_version", "channel_state", ["channel", "row_id"])


def _row_id() -> Column[int]:
    return Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
