"""What is to be told to whom, silences, acknowledgements, the health of channels."""

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    Text,
    UniqueConstraint,
    column,
    insert,
    select,
    table,
)

from forecast.store.types import Json, UtcInstant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every old rule was on a question and rang at once; what waits is sent as it stands.

    Old deliveries get the notices that they would have come from: whoever was told of a firing
    is told of its end.
    """
    op.add_column("estimate", Column("quantiles", Text, nullable=False, server_default="[]"))
    _rules()
    _deliveries()
    _notices()
    _told()
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
        table.add_column(Column("cause", Text, nullable=False, server_default=""))
    with op.batch_alter_table("transition") as table:
        table.alter_column("question_id", new_column_name="subject")
        table.alter_column("probability", existing_type=Float(53), nullable=True)
        table.add_column(Column("cause", Text, nullable=False, server_default=""))
        table.add_column(Column("route", Text, nullable=False, server_default="now"))
    op.create_index("rule_state_version", "rule_state", ["subject", "rule_id", "row_id"])
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


def _told() -> None:
    names = ("delivery_id", "channel", "kind")
    delivery = table(
        "delivery",
        *(column(name, Text) for name in (*names, "row_id")),
        column("created_at", UtcInstant),
        column("facts", Json),
    )
    old = select(*(delivery.c[name] for name in (*names, "created_at", "facts")))
    old = old.where(delivery.c.kind.in_(["firing", "resolved"])).order_by(delivery.c.row_id)
    connection = op.get_bind()
    rows = [_notice(*row) for row in connection.execute(old)]
    if rows:
        connection.execute(insert(_notice_table()), rows)


def _notice(delivery_id: str, channel: str, kind: str, at: Any, facts: Any) -> dict[str, Any]:
    return {
        "notice_id": delivery_id,
        "channel": channel,
        "rule_id": facts["rule"]["id"],
        "subject": facts["question"]["id"],
        "episode": facts["episode"],
        "kind": kind,
        "severity": facts.get("severity", "warning"),
        "route": "now",
        "created_at": at,
        "facts": facts,
        "number": 0,
        "status": "formed",
        "delivery_id": delivery_id,
        "reason": "",
        "settled_at": at,
    }


def _notice_table() -> Any:
    types = {"episode": Integer, "number": Integer, "facts": Json}
    types |= {"created_at": UtcInstant, "settled_at": UtcInstant}
    names = _notice("", "", "", None, {"rule": {"id": ""}, "question": {"id": ""}, "episode": 0})
    return table("notice", *(column(name, types.get(name, Text)) for name in names))


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
