"""The tables. Facts are only ever added; `run` and `delivery` are queues and change.

`row_id` counts rows in the order in which they were recorded: of two versions of one fact
the later row wins. `digest` is of a fact's content as it was stated.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from forecast.alert import State
from forecast.audit import Verdict
from forecast.estimate import Health
from forecast.evidence import CoverageState, Outcome
from forecast.store.types import Json, Names, UtcInstant, Word

metadata = MetaData()


def _row_id() -> Column[int]:
    return Column("row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str) -> Column[float]:
    return Column(name, Float(53), nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _instant(name: str, *, optional: bool = False) -> Column[object]:
    return Column(name, UtcInstant, nullable=optional)


report = Table(
    "report",
    metadata,
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
    _flag("retracted"),
    _text("digest"),
    _instant("recorded_at"),
    UniqueConstraint("report_id", "digest", name="report_once"),
    Index("report_at_unit", "unit", "known_at"),
)

event = Table(
    "event",
    metadata,
    _row_id(),
    _text("event_id"),
    _text("unit"),
    _text("definition"),
    _instant("occurred_at"),
    _instant("known_at"),
    _text("summary"),
    _text("url"),
    _flag("retracted"),
    _text("digest"),
    _instant("recorded_at"),
    UniqueConstraint("event_id", "digest", name="event_once"),
    Index("event_at_unit", "unit", "known_at"),
)

assignment = Table(
    "assignment",
    metadata,
    _row_id(),
    _text("report_id"),
    _text("incident_id"),
    _instant("known_at"),
    _text("author"),
    _text("reason"),
    _text("digest"),
    _instant("recorded_at"),
    Index("assignment_of_report", "report_id"),
)

coverage = Table(
    "coverage",
    metadata,
    _row_id(),
    _text("coverage_id"),
    _text("unit"),
    Column("state", Word(CoverageState), nullable=False),
    _instant("since"),
    _instant("until", optional=True),
    _instant("known_at"),
    _text("tags"),
    _text("note"),
    _instant("until_known_at", optional=True),
    _flag("retracted"),
    _text("digest"),
    _instant("recorded_at"),
    UniqueConstraint("coverage_id", "digest", name="coverage_once"),
    Index("coverage_at_unit", "unit", "known_at"),
)

question = Table(
    "question",
    metadata,
    _row_id(),
    _text("question_id"),
    _text("title"),
    _text("unit"),
    _text("definition"),
    _instant("opens_at"),
    _instant("deadline"),
    _text("resolution_criteria"),
    _text("notes"),
    _count("at_least"),
    _text("digest"),
    _instant("recorded_at"),
    Index("question_version", "question_id", "row_id"),
    Index("question_at_unit", "unit"),
)

resolution = Table(
    "resolution",
    metadata,
    _row_id(),
    _text("question_id"),
    Column("outcome", Word(Outcome), nullable=False),
    _instant("known_at"),
    _text("reason"),
    Column("events", Names, nullable=False),
    _text("digest"),
    _instant("recorded_at"),
    UniqueConstraint("question_id", "digest", name="resolution_once"),
)

crowd = Table(
    "crowd",
    metadata,
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

quarantine = Table(
    "quarantine",
    metadata,
    _row_id(),
    _text("file"),
    _count("line"),
    _text("reason"),
    _text("text"),
    _text("digest"),
    _instant("recorded_at"),
    UniqueConstraint("digest", name="quarantine_once"),
)

prior_version = Table(
    "prior_version",
    metadata,
    _row_id(),
    _text("definition"),
    _count("version"),
    _instant("at"),
    _text("author"),
    _text("reason"),
    Column("words", Json, nullable=False),
    UniqueConstraint("definition", "version", name="prior_version_once"),
)

estimate = Table(
    "estimate",
    metadata,
    _row_id(),
    _text("question_id"),
    _instant("as_of"),
    _number("probability"),
    _number("lower"),
    _number("upper"),
    _number("mass"),
    _number("mcse"),
    Column("health", Word(Health), nullable=False),
    _text("model"),
    _text("model_hash"),
    _text("method"),
    _text("inputs_digest"),
    _text("reason"),
    _count("prior_version"),
    Column("diagnostics", Json, nullable=False),
    Column("curve", Json, nullable=False),
    Column("contributions", Json, nullable=False),
    Column("moved", Json),
    Column("expected_count", Float(53)),
    Column("at_least", Json, nullable=False),
    Column("couplings", Json, nullable=False),
    Column("escalation", Json, nullable=False),
    Column("findings", Json, nullable=False),
    _text("certificate"),
    _instant("recorded_at"),
    UniqueConstraint("question_id", "as_of", "inputs_digest", name="estimate_once"),
)

model_state = Table(
    "model_state",
    metadata,
    _row_id(),
    _text("key"),
    _instant("as_of"),
    Column("blob", LargeBinary, nullable=False),
    _instant("recorded_at"),
    Index("model_state_of_key", "key", "as_of"),
)

rule_state = Table(
    "rule_state",
    metadata,
    _row_id(),
    _text("rule_id"),
    _text("question_id"),
    Column("state", Word(State), nullable=False),
    _count("streak"),
    _count("episode"),
    _instant("since", optional=True),
    _instant("evaluated_as_of", optional=True),
    _text("definition_digest"),
    _instant("recorded_at"),
    Index("rule_state_version", "rule_id", "question_id", "row_id"),
)

transition = Table(
    "transition",
    metadata,
    _row_id(),
    _text("rule_id"),
    _text("question_id"),
    _instant("at"),
    Column("before", Word(State), nullable=False),
    Column("after", Word(State), nullable=False),
    _text("reason"),
    _text("detail"),
    _count("episode"),
    _number("probability"),
    Column("previous", Float(53)),
    _text("notify"),
    _instant("recorded_at"),
    Index("transition_of_question", "question_id", "at"),
)

delivery = Table(
    "delivery",
    metadata,
    _row_id(),
    Column("delivery_id", Text, nullable=False, unique=True),
    _text("channel"),
    _text("stream"),
    _text("kind"),
    _instant("created_at"),
    _instant("due_at"),
    Column("facts", Json, nullable=False),
    _count("attempts"),
    _count("token"),
    _text("status"),
    _text("last_error"),
    _instant("delivered_at", optional=True),
    _text("owner"),
    _instant("lease_until", optional=True),
    Index("delivery_due", "status", "due_at"),
    Index("delivery_of_stream", "channel", "stream", "status"),
)

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    _row_id(),
    Column("delivery_id", ForeignKey("delivery.delivery_id"), nullable=False),
    _count("attempt"),
    _count("token"),
    _instant("at"),
    _text("outcome"),
    _text("error"),
    Index("delivery_attempt_of", "delivery_id"),
)

audit = Table(
    "audit",
    metadata,
    _row_id(),
    _text("track"),
    _text("question_id"),
    _instant("as_of"),
    _number("p_fast"),
    _text("method"),
    Column("p_nuts", Float(53)),
    Column("mcse", Float(53)),
    Column("z", Float(53)),
    Column("verdict", Word(Verdict), nullable=False),
    _text("reason"),
    Column("diagnostics", Json, nullable=False),
    _instant("recorded_at"),
    Index("audit_of_track", "track", "as_of"),
    Index("audit_of_question", "question_id", "as_of"),
)
run = Table(
    "run",
    metadata,
    Column("schedule_id", Text, primary_key=True),
    Column("slot", UtcInstant, primary_key=True),
    _text("owner"),
    _text("status"),
    _text("detail"),
    _count("missed"),
    _count("attempts"),
    _instant("started_at"),
    _instant("lease_until"),
    _instant("finished_at", optional=True),
    Index("run_started", "started_at"),
)
