"""The tables of alerting: `notice` and `delivery` are queues and change, the others only grow."""

from sqlalchemy import Column, Float, ForeignKey, Index, Table, Text, UniqueConstraint

from forecast.alert import ChannelHealth, NoticeKind, Route, RuleHealth, State
from forecast.store.columns import count, instant, metadata, row_id, text
from forecast.store.types import Json, Word

rule_state = Table(
    "rule_state",
    metadata,
    row_id(),
    text("rule_id"),
    text("subject"),
    Column("state", Word(State), nullable=False),
    count("streak"),
    count("episode"),
    instant("since", optional=True),
    instant("evaluated_as_of", optional=True),
    text("definition_digest"),
    instant("streak_since", optional=True),
    Column("health", Word(RuleHealth), nullable=False),
    Column("baseline", Float(53)),
    Column("route", Word(Route), nullable=False),
    text("cause"),
    text("outcome"),
    instant("recorded_at"),
    Index("rule_state_version", "subject", "rule_id", "row_id"),
)

transition = Table(
    "transition",
    metadata,
    row_id(),
    text("rule_id"),
    text("subject"),
    instant("at"),
    Column("before", Word(State), nullable=False),
    Column("after", Word(State), nullable=False),
    text("reason"),
    text("detail"),
    count("episode"),
    Column("probability", Float(53)),
    Column("previous", Float(53)),
    text("notify"),
    text("cause"),
    Column("route", Word(Route), nullable=False),
    instant("recorded_at"),
    Index("transition_of_subject", "subject", "at"),
)

notice = Table(
    "notice",
    metadata,
    row_id(),
    Column("notice_id", Text, nullable=False, unique=True),
    text("channel"),
    text("rule_id"),
    text("subject"),
    count("episode"),
    Column("kind", Word(NoticeKind), nullable=False),
    text("severity"),
    Column("route", Word(Route), nullable=False),
    instant("created_at"),
    Column("facts", Json, nullable=False),
    count("number"),
    text("status"),
    text("delivery_id"),
    text("reason"),
    instant("settled_at", optional=True),
    Index("notice_waiting", "status", "created_at"),
    Index("notice_of_episode", "rule_id", "subject", "episode"),
    Index("notice_of_delivery", "delivery_id"),
)

delivery = Table(
    "delivery",
    metadata,
    row_id(),
    Column("delivery_id", Text, nullable=False, unique=True),
    text("channel"),
    text("kind"),
    instant("created_at"),
    instant("due_at"),
    Column("facts", Json, nullable=False),
    count("attempts"),
    count("token"),
    text("status"),
    text("last_error"),
    instant("delivered_at", optional=True),
    instant("queued_at", optional=True),
    text("owner"),
    instant("lease_until", optional=True),
    Index("delivery_due", "status", "due_at"),
    Index("delivery_of_channel", "channel", "created_at"),
)

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    row_id(),
    Column("delivery_id", ForeignKey("delivery.delivery_id"), nullable=False),
    count("attempt"),
    count("token"),
    instant("at"),
    text("outcome"),
    text("error"),
    Index("delivery_attempt_of", "delivery_id"),
)

silence = Table(
    "silence",
    metadata,
    row_id(),
    text("silence_id"),
    Column("selector", Json, nullable=False),
    text("author"),
    text("reason"),
    instant("starts_at"),
    instant("ends_at"),
    instant("recorded_at"),
    Index("silence_version", "silence_id", "row_id"),
)

acknowledgement = Table(
    "acknowledgement",
    metadata,
    row_id(),
    text("rule_id"),
    text("subject"),
    count("episode"),
    text("author"),
    text("note"),
    instant("at"),
    UniqueConstraint("rule_id", "subject", "episode", name="acknowledged_once"),
)

channel_state = Table(
    "channel_state",
    metadata,
    row_id(),
    text("channel"),
    Column("health", Word(ChannelHealth), nullable=False),
    instant("since"),
    text("reason"),
    text("author"),
    instant("recorded_at"),
    Index("channel_state_version", "channel", "row_id"),
)
