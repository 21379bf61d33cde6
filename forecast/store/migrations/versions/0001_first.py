"""The first schema. A migration is never changed: what follows is a new one."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

from forecast.store.types import UtcInstant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    _reports_and_events()
    _questions()
    _quarantine_and_priors()
    _estimates()
    _rules()
    _outbox()
    _runs()


def _reports_and_events() -> None:
    op.create_table(
        "report",
        _row_id(),
        _text("report_id"),
        _text("unit"),
        _text("tag"),
        _instant("occurred_at"),
        _instant("known_at"),
        _text("incident_id"),
        _number("value"),
        _text("source"),
        _text("origin"),
        _text("reliability"),
        _count("credibility"),
        _text("url"),
        _text("summary"),
        _text("digest"),
        _instant("recorded_at"),
        UniqueConstraint("report_id", "digest", name="report_once"),
    )
    op.create_index("report_at_unit", "report", ["unit", "known_at"])
    op.create_table(
        "event",
        _row_id(),
        _text("event_id"),
        _text("unit"),
        _text("definition"),
        _instant("occurred_at"),
        _instant("known_at"),
        _text("summary"),
        _text("url"),
        _text("digest"),
        _instant("recorded_at"),
        UniqueConstraint("event_id", "digest", name="event_once"),
    )
    op.create_index("event_at_unit", "event", ["unit", "known_at"])


def _questions() -> None:
    op.create_table(
        "question",
        _row_id(),
        _text("question_id"),
        _text("title"),
        _text("unit"),
        _text("definition"),
        _instant("opens_at"),
        _instant("deadline"),
        _text("resolution_criteria"),
        _text("notes"),
        _text("digest"),
        _instant("recorded_at"),
    )
    op.create_index("question_at_unit", "question", ["unit"])
    op.create_index("question_version", "question", ["question_id", "row_id"])
    op.create_table(
        "resolution",
        _row_id(),
        _text("question_id"),
        _text("outcome"),
        _instant("known_at"),
        _text("reason"),
        _text("digest"),
        _instant("recorded_at"),
        UniqueConstraint("question_id", "digest", name="resolution_once"),
    )
    op.create_table(
        "crowd",
        _row_id(),
        _text("question_id"),
        _instant("at"),
        _number("probability"),
        _text("source"),
        _text("url"),
        _text("note"),
        _instant("known_at"),
        _text("digest"),
        _instant("recorded_at"),
        UniqueConstraint("question_id", "digest", name="crowd_once"),
    )


def _quarantine_and_priors() -> None:
    op.create_table(
        "quarantine",
        _row_id(),
        _text("file"),
        _count("line"),
        _text("reason"),
        _text("text"),
        _text("digest"),
        _instant("recorded_at"),
        UniqueConstraint("digest", name="quarantine_once"),
    )
    op.create_table(
        "prior_version",
        _row_id(),
        _text("definition"),
        _count("version"),
        _instant("at"),
        _text("author"),
        _text("reason"),
        _text("words"),
        UniqueConstraint("definition", "version", name="prior_version_once"),
    )


def _estimates() -> None:
    op.create_table(
        "estimate",
        _row_id(),
        _text("question_id"),
        _instant("as_of"),
        _number("probability"),
        _number("lower"),
        _number("upper"),
        _number("mass"),
        _number("mcse"),
        _text("health"),
        _text("model"),
        _text("model_hash"),
        _text("method"),
        _text("inputs_digest"),
        _text("reason"),
        _count("prior_version"),
        _text("diagnostics"),
        _text("curve"),
        _text("contributions"),
        Column("moved", Text()),
        _instant("recorded_at"),
        UniqueConstraint("question_id", "as_of", "inputs_digest", name="estimate_once"),
    )
    op.create_table(
        "model_state",
        _row_id(),
        _text("key"),
        _instant("as_of"),
        Column("blob", LargeBinary(), nullable=False),
        _instant("recorded_at"),
    )
    op.create_index("model_state_of_key", "model_state", ["key", "as_of"])


def _rules() -> None:
    op.create_table(
        "rule_state",
        _row_id(),
        _text("rule_id"),
        _text("question_id"),
        _text("state"),
        _count("streak"),
        _count("episode"),
        Column("since", UtcInstant()),
        Column("evaluated_as_of", UtcInstant()),
        _text("definition_digest"),
        _instant("recorded_at"),
    )
    op.create_index("rule_state_version", "rule_state", ["rule_id", "question_id", "row_id"])
    op.create_table(
        "transition",
        _row_id(),
        _text("rule_id"),
        _text("question_id"),
        _instant("at"),
        _text("before"),
        _text("after"),
        _text("reason"),
        _text("detail"),
        _count("episode"),
        _number("probability"),
        Column("previous", Float(53)),
        _text("notify"),
        _instant("recorded_at"),
    )
    op.create_index("transition_of_question", "transition", ["question_id", "at"])


def _outbox() -> None:
    op.create_table(
        "delivery",
        _row_id(),
        _text("delivery_id"),
        _text("channel"),
        _text("stream"),
        _text("kind"),
        _instant("created_at"),
        _instant("due_at"),
        _text("facts"),
        _count("attempts"),
        _count("token"),
        _text("status"),
        _text("last_error"),
        Column("delivered_at", UtcInstant()),
        _text("owner"),
        Column("lease_until", UtcInstant()),
        UniqueConstraint("delivery_id"),
    )
    op.create_index("delivery_due", "delivery", ["status", "due_at"])
    op.create_index("delivery_of_stream", "delivery", ["channel", "stream", "status"])
    op.create_table(
        "delivery_attempt",
        _row_id(),
        _text("delivery_id"),
        _count("attempt"),
        _count("token"),
        _instant("at"),
        _text("outcome"),
        _text("error"),
        ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.delivery_id"],
        ),
    )
    op.create_index("delivery_attempt_of", "delivery_attempt", ["delivery_id"])


def _runs() -> None:
    op.create_table(
        "run",
        _text("schedule_id"),
        _instant("slot"),
        _text("owner"),
        _text("status"),
        _text("detail"),
        _count("missed"),
        _count("attempts"),
        _instant("started_at"),
        _instant("lease_until"),
        Column("finished_at", UtcInstant()),
        PrimaryKeyConstraint("schedule_id", "slot"),
    )
    op.create_index("run_started", "run", ["started_at"])


def _row_id() -> Column[int]:
    return Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _instant(name: str) -> Column[object]:
    return Column(name, UtcInstant, nullable=False)
